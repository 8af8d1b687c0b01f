/**
 * The composition root: builds a node in the order in which its parts need each other, and closes it in reverse.
 *
 * A payment's way through it: rpc → service → intake (admission, pending log) → replica (batch, certificate, block) →
 * driver (durable, then sent) → executor → ledger → outcomes → the client that waits.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { LIMITS } from '../config/limits.ts'
import { chainIdOf, genesisHash as hashOfGenesis } from '../config/genesis.ts'
import { readGenesisFile } from '../config/genesis-file.ts'
import type { NodeConfig } from '../config/node-config.ts'
import { moduleLevels } from '../config/node-settings.ts'
import { TOKENS_FILE } from '../config/tokens.ts'
import { ADDRESS_PREFIX } from '../config/networks.ts'
import { VERSION } from '../config/version.ts'
import { verify } from '../crypto/ed25519.ts'
import { readKeyFile } from '../crypto/key-file.ts'
import { Replica } from '../consensus/replica.ts'
import type { Effect, Restored, Verifier } from '../consensus/replica-types.ts'
import type { ValidatorIndex } from '../consensus/types.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import { createNetwork } from '../p2p/network.ts'
import { TOPICS } from '../p2p/protocols.ts'
import type { Network } from '../p2p/types.ts'
import { Admission } from './admission.ts'
import { Assessor } from './assessor.ts'
import { clockSkewLimitMs, ClockSkew } from './clock-skew.ts'
import { CLOCK_ADVICE, ClockWatch, describeSkew } from './clock-watch.ts'
import { Congestion } from './congestion.ts'
import { DecodedBatches } from './decoded-batches.ts'
import { Driver } from './driver.ts'
import { EPOCH } from './epoch.ts'
import { Exchange, VALIDATOR_TOPICS } from './exchange.ts'
import { EvidenceReporter, evidenceJudge } from './evidence.ts'
import { Executor } from './executor.ts'
import { NOTHING_FAILS, type Reached } from './fail-points.ts'
import { FraudEngine } from './fraud-engine.ts'
import { gaugesOf } from './gauges.ts'
import { Intake } from './intake.ts'
import { Metrics } from './metrics.ts'
import { moduleLogs } from './module-logs.ts'
import { Outcomes } from './outcomes.ts'
import { NodeReporter } from './node-reporter.ts'
import { readOwnValidator, validatorSetOf } from './own-validator.ts'
import { PaymentFollower } from './payment-follower.ts'
import { PaymentTraces } from './payment-trace.ts'
import { PendingTransactions, txName } from './pending.ts'
import { announceOperatorUrl, createOperatorService } from './operator-service.ts'
import { ReceiptAssembler } from './receipts.ts'
import { Rehearsal } from './rehearsal.ts'
import { Decisions } from './review/decisions.ts'
import { ReviewDesk } from './review/desk.ts'
import { REVIEW_FOLDER } from './review/log-file.ts'
import { openOperatorKey } from './review/operator-key.ts'
import { startOperatorServer } from './rpc/operator-server.ts'
import { isLoopback } from './rpc/origin.ts'
import { startRpcServer, type BlockEvents } from './rpc/server.ts'
import { TokenKeeper } from './rpc/token-keeper.ts'
import { createSignatureChecker } from './scoring/signature-checker.ts'
import { createService } from './service.ts'
import { Settlement, pastEvent } from './settlement.ts'
import { openSigner } from './signing/open-signer.ts'
import { StallWatch } from './stall-watch.ts'
import { stallMs } from './stall.ts'
import { StatusSource } from './status.ts'
import { openStorage, storeBytes, watchStorage } from './storage.ts'
import { sourceOf } from './source.ts'
import { VoteWatch } from './vote-watch.ts'

/** How often old certificates are deleted from disk. */
const PRUNE_INTERVAL_MS = 60_000

export interface RunningNode {
  /** `http://…` of the RPC server. */
  readonly rpcUrl: string
  readonly peerId: string
  /** Resolves with the reason if the node can no longer go on by itself. */
  readonly failed: Promise<unknown>
  /** Closes everything in reverse order; waits for writes under way. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** The operator says that the signing state is lost, and that the node is to wait until that does not matter (P10). */
  readonly lostWait?: boolean
  /** Told of every fail point that is passed. */
  readonly reached?: Reached
}

/**
 * Starts a node.
 * @throws CordonError with an exit code of the daemon if its files or ports do not allow it.
 */
export async function startNode(
  config: NodeConfig,
  rootLog: Logger,
  { lostWait = false, reached = NOTHING_FAILS }: StartOptions = {},
): Promise<RunningNode> {
  await using opened = new AsyncDisposableStack()
  const logs = moduleLogs(rootLog, moduleLevels(config.logModules))
  const log = logs.node
  const genesis = readGenesisFile(config.genesisFile)
  const genesisHash = hashOfGenesis(genesis)
  const chainId = chainIdOf(genesisHash)
  const set = validatorSetOf(genesis, genesisHash)
  const { parameters } = genesis
  const verifier: Verifier = { verify }
  const judgeEvidence = evidenceJudge(set, verifier)
  const tokens = new TokenKeeper(join(config.directory, TOKENS_FILE), logs.rpc)
  if (tokens.size === 0)
    log.warn(
      'there are no tokens, so nobody can use the operator methods; make one with: cordon token create',
    )

  const validator = config.validatorKeyFile === null ? null : readOwnValidator(config.validatorKeyFile, set)
  const self = validator?.index ?? null
  const operatorKey = config.reviewKey === null ? null : await openOperatorKey(config.reviewKey, genesis)

  const failure = Promise.withResolvers<unknown>()
  const onFatal = (error: unknown): void => {
    log.fatal({ err: error }, 'the node cannot go on')
    failure.resolve(error)
  }

  // Storage. What is executed, what is final and what was signed are reconciled before anything else starts.
  const { ledger, store, pendingStore, newest, checkedAll } = await openStorage(
    { dataDirectory: config.dataDirectory, genesis, genesisHash, epoch: EPOCH, judgeEvidence, reached },
    opened,
  )
  opened.defer(watchStorage(config.dataDirectory, { checkedAll, onFatal, log }))
  const restored = await store.restore(
    ledger.recentResults(2 * LIMITS.executionLagBlocks),
    parameters.batchTtlMs + parameters.maxClockDriftMs,
  )
  const signer =
    validator === null
      ? null
      : await openSigner({
          config,
          genesisHash,
          set,
          ...validator,
          restored,
          lostWait,
          log: logs.signer,
          reached,
        })
  if (signer !== null) opened.defer(() => signer.close())
  else if (lostWait) log.warn('--signer-lost-wait has no effect: this is a full node')
  if (newest === null && signer !== null && signer.ownVotes().length > 0)
    log.warn(
      { data: config.dataDirectory },
      'the data directory is empty, though this validator has voted; if nobody moved it away, check the data setting',
    )

  // Judging and admission.
  const thresholds = { hold: config.fraudHoldScore, alert: config.fraudAlertScore }
  const fraud = await FraudEngine.open({ config, parameters, ledger, thresholds, log: logs.fraud })
  opened.defer(() => fraud.close())
  const { scorer } = fraud
  const review = await ReviewDesk.open({
    directory: join(config.directory, REVIEW_FOLDER),
    key: readKeyFile(config.peerKeyFile, 'peer'),
    genesisHash,
    ledger,
    thresholds,
    secondAboveUnits: config.secondReviewerAboveUnits,
    onClosed: (closed) => {
      fraud.reviewed([closed])
    },
    log: logs.review,
  })
  opened.defer(() => review.close())
  fraud.reviewed(review.state.closed().toReversed())
  const signatures = createSignatureChecker()
  opened.defer(() => signatures.close())
  const rehearsal = new Rehearsal({ scorer, signatures }, log)
  const pending = new PendingTransactions(pendingStore, parameters.batchTtlMs)
  const admission = new Admission({ ledger, pending, parameters, chainId, judgeEvidence })
  const decoded = new DecodedBatches()
  const assessor = new Assessor({ ledger, scorer, review, signatures, decoded, parameters, chainId })
  const outcomes = new Outcomes()

  // Final blocks → ledger → whoever waits.
  const executor: Executor = new Executor({
    set,
    ledger,
    store,
    decoded,
    needBatches: (certificates) => {
      driver.input({ type: 'need-batches', certificates })
    },
    onExecuted: (executed) => {
      traces.executed(executed.execution.height)
      return settlement.executed(executed)
    },
    onFatal,
  })
  opened.defer(() => executor.stop())

  // Consensus.
  const replica = new Replica({
    set,
    chain: { genesisHash, createdMs: genesis.createdMs, stateRoot: ledger.genesisStateRoot },
    parameters,
    self,
    signer,
    verifier,
    restored,
  })
  const driver: Driver = new Driver({ replica, signer, store, dispatch, onFatal, reached })
  opened.defer(() => driver.stop())

  // Network.
  const votes = new VoteWatch({
    set,
    self,
    isMute: () => replica.abstention !== null,
    log: logs.consensus,
  })
  const traces = new PaymentTraces(set, () => performance.timeOrigin + performance.now())
  const clock = new ClockWatch({
    skew: new ClockSkew(set, self),
    limitMs: clockSkewLimitMs(parameters),
    onWrong: (skewMs) => {
      log.warn({ skewMs }, `${describeSkew(skewMs)}; ${CLOCK_ADVICE}`)
    },
    onRight: (skewMs) => {
      log.info({ skewMs }, 'the clock of this machine is in step with those of the validators again')
    },
  })
  const exchange = new Exchange({
    set,
    genesisHash,
    self,
    parameters,
    verifier,
    store,
    log: logs.consensus,
    backlog: () => driver.backlog,
    finalHeight: () => replica.delivered.height,
    onDated: (author, madeMs) => {
      clock.note(author, madeMs, Date.now(), performance.now())
    },
    input: (input) => {
      votes.received(input)
      traces.received(input)
      driver.input(input)
    },
    onGossipedTx: (bytes) => intake.onGossip(bytes),
    onSubmittedTxs: (from, txs) => intake.onSubmitted(txs, sourceOf(`peer ${from.id}`)),
  })
  const network: Network = await createNetwork({
    genesisHash,
    listen: config.listen,
    announce: config.announce,
    bootstrap: config.bootstrap,
    mdns: config.mdns,
    identitySeed: readKeyFile(config.peerKeyFile, 'peer').seed,
    validatorKeys: set.validators.map((entry) => entry.publicKey),
    validator:
      signer === null ? null : { index: signer.index, signHello: (message) => signer.signHello(message) },
    userAgent: `cordon/${VERSION}`,
    topics: self === null ? TOPICS : VALIDATOR_TOPICS,
    handlers: {
      onMessage: (from, bytes) => {
        exchange.onMessage(from, bytes)
      },
      onGossip: (topic, from, bytes) => exchange.onGossip(topic, from, bytes),
      onRequest: (from, bytes) => exchange.onRequest(from, bytes),
      onPeerReady: () => undefined, // the network logs it, with what the peer said of itself
      onPeerGone: (peer) => {
        exchange.onPeerGone(peer)
        logs.p2p.info({ peer: peer.id, validator: peer.validator }, 'peer gone')
      },
    },
    log: logs.p2p,
  })
  exchange.attach(network)
  const congestion = new Congestion({
    pending,
    maxOpenBatches: parameters.maxOpenBatches,
    batchMaxTxs: parameters.batchMaxTxs,
    load: () => ({
      ownOpenBatches: replica.ownOpenBatches,
      queuedTxs: replica.queuedTxs,
      executionBacklogTxs: executor.backlogTxs,
      executionBacklogBlocks: executor.backlogBlocks,
    }),
  })
  const intake: Intake = new Intake({
    set,
    self,
    ledger,
    admission,
    pending,
    store: pendingStore,
    congestion,
    writesBatches: () => self !== null && replica.abstention === null,
    offer: (txs) => {
      driver.input({ type: 'submit', txs })
    },
    checked: (tx) => {
      rehearsal.interrupt()
      assessor.remember(tx)
    },
    submitted: (tx) => {
      traces.submitted(tx.id)
    },
    gossip: (bytes) => {
      network.publish('tx', bytes)
    },
    handOver: (txs) => exchange.handOver(txs),
    log,
  })
  const evidenceReporter = new EvidenceReporter({
    set,
    ledger,
    chain: chainId,
    submit: (bytes) => intake.submit(bytes, sourceOf('this node')),
    log: logs.consensus,
  })
  opened.defer(() => {
    evidenceReporter.stop()
  })

  // Status and surfaces.
  const status = new StatusSource({
    genesis,
    genesisHash,
    set,
    self,
    ledger,
    replica,
    network,
    pending,
    scorer,
    clock,
  })
  const stallWatch = new StallWatch(stallMs(parameters), {
    onStall: () => {
      logs.consensus.error(status.progress(), 'nothing becomes final')
    },
    onEnd: (stalledMs) => {
      logs.consensus.warn({ stalledMs: Math.round(stalledMs) }, 'blocks become final again')
    },
  })
  opened.defer(() => {
    stallWatch.stop()
  })
  const reporter = new NodeReporter({
    dataDirectory: config.dataDirectory,
    set,
    network,
    queues: [
      ['pending', 'Transactions accepted here that are not final.', () => pending.size],
      ['batching', 'Transactions that wait for a batch of this validator.', () => replica.queuedTxs],
      ['own batches', 'Batches of this validator that are not in a block.', () => replica.ownOpenBatches],
      ['engine', 'Inputs that wait for the consensus engine.', () => driver.backlog],
      ['execution', 'Transactions in final blocks that are not executed.', () => executor.backlogTxs],
    ],
  })
  opened.defer(() => {
    reporter.stop()
  })
  const gauges = gaugesOf({
    replica,
    ledger,
    network,
    pending,
    review,
    fraud,
    driver,
    status,
    clock,
    dataDirectory: config.dataDirectory,
  })
  const metrics = new Metrics(gauges, {
    fallbacks: () => scorer.fallbacks,
    storeBytes: () => storeBytes(config.dataDirectory),
    missedVotes: () => votes.missed,
    roundTripsMs: () => reporter.roundTripsMs(),
  })
  const settlement: Settlement = new Settlement(
    { ledger, pending, congestion, fraud, outcomes, review, log },
    {
      status,
      metrics,
      intake,
      input: (input) => {
        driver.input(input)
      },
    },
  )

  function dispatch(effect: Exclude<Effect, { type: 'store' }>): void {
    traces.left(effect)
    switch (effect.type) {
      case 'send':
        exchange.send(effect.to, effect.message)
        return
      case 'publish-batch':
        exchange.publishBatch(effect.batch)
        return
      case 'publish-block':
        exchange.publishBlock(effect.finalized)
        return
      case 'assess':
        rehearsal.interrupt()
        void assessor.assess(effect).then((assessment) => {
          const assessed = { type: 'assessed', ...assessment } as const
          traces.received(assessed)
          driver.input(assessed)
        }, onFatal)
        return
      case 'deliver':
        stallWatch.noteFinal()
        settlement.final(effect.block)
        votes.final(effect, Date.now())
        executor.deliver(effect.digest, effect.block)
        return
      case 'batches-held':
        executor.bodiesArrived()
        return
      case 'offence':
        evidenceReporter.report(effect)
        return
      case 'penalize':
        logs.p2p.warn({ peer: effect.peer, why: effect.why, detail: effect.detail }, 'peer misbehaved')
        exchange.penalize(effect.peer, effect.why, effect.detail)
        return
      case 'note':
        if (effect.note.kind === 'vote-cast') votes.cast(effect.note)
        settlement.note(effect.note)
        return
    }
  }

  await intake.restore(ownBatchedTxs(restored, self))
  await network.start()
  opened.defer(() => network.stop())
  executor.catchUp(newest?.height ?? 0)
  driver.input({ type: 'start' })
  driver.input({ type: 'next-due', timeMs: ledger.nextDueMs })
  intake.start()
  opened.defer(() => {
    intake.stop()
  })

  // Peers are being connected meanwhile.
  await rehearsal.play()

  const receipts = new ReceiptAssembler(ledger, store, outcomes)
  const service = createService({
    genesis,
    genesisHash,
    chainId,
    set,
    ledger,
    store,
    pending,
    admission,
    intake,
    outcomes,
    receipts,
    scorer,
    review,
    network,
    status,
    votes: votes.log,
    traces,
    payments: new PaymentFollower(
      ledger,
      (listener) => outcomes.onExecuted(listener),
      ADDRESS_PREFIX[genesis.network],
    ),
    onDamage: onFatal,
  })
  const events: BlockEvents = {
    executedHeight: () => ledger.height,
    at: async (height) => outcomes.recent(height) ?? pastEvent(ledger, height),
    onExecuted: (listener) => outcomes.onExecuted(listener),
  }
  let operatorUrl: string | null = null
  const rpc = await startRpcServer({
    host: config.rpcHost,
    port: config.rpcPort,
    service,
    events,
    status,
    metrics: async () => (await metrics.text()) + (await network.metrics()),
    log: logs.rpc,
    operatorUrl: () => operatorUrl,
    onAnswered: () => reached('answer-sent'),
  })
  opened.defer(() => rpc.close())
  const decisions = new Decisions({
    key: operatorKey,
    desk: review,
    chain: () => ({
      chainId,
      blockTimeMs: ledger.timeMs,
      info: { walletValidityMs: parameters.walletValidityMs, minFee: String(parameters.minFee) },
    }),
    hold: (id, context) => service.quarantine_get({ id }, context),
    check: (tx) => admission.check(tx, Date.now()),
    submit: (tx, context) => service.tx_submit({ tx }, context),
    wait: (txId, timeoutMs, context) => service.tx_wait({ txId, timeoutMs }, context),
  })
  const operator = await startOperatorServer({
    host: config.operatorHost,
    port: config.operatorPort,
    service: createOperatorService({
      validator: self === null ? null : (set.validators[self]?.name ?? null),
      models: fraud.models,
      prefix: ADDRESS_PREFIX[genesis.network],
      review,
      scorer,
      decisions,
      reporter,
      hold: (id, context) => service.quarantine_get({ id }, context),
    }),
    reads: service,
    status,
    events,
    tokens,
    log: logs.rpc,
  })
  opened.defer(() => operator.close())
  if (isLoopback(config.operatorHost)) operatorUrl = operator.url
  opened.defer(announceOperatorUrl(config.dataDirectory, operator.url))
  let pruning = Promise.resolve()
  const pruneTimer = setInterval(() => {
    pruning = store.prune().catch(onFatal)
  }, PRUNE_INTERVAL_MS)
  opened.defer(() => {
    clearInterval(pruneTimer)
    return pruning
  })
  log.info(
    {
      rpc: rpc.url,
      operator: operator.url,
      peerId: network.peerId,
      validator: self === null ? null : set.validators[self]?.name,
      height: ledger.height,
    },
    'node started',
  )

  const running = opened.move()
  return {
    rpcUrl: rpc.url,
    peerId: network.peerId,
    failed: failure.promise,
    stop: () => running.disposeAsync(),
  }
}

/** Transactions in own batches that are not ordered yet, with the time of the batch: the replica sends those again by itself. */
function ownBatchedTxs(restored: Restored, self: ValidatorIndex | null): Map<string, number> {
  const own = restored.batches.filter(({ batch }) => batch.batch.author === self)
  return new Map(
    own.flatMap(({ batch }) =>
      batch.batch.txs.map((bytes) => [txName(decodeTransaction(bytes).id), batch.batch.createdMs]),
    ),
  )
}
