/** The RPC methods, as `client/api.ts` describes them, over the parts of a running node. */
import type {
  AccountInfo,
  BlockInfo,
  ChainInfo,
  DryRun,
  GuardianInfo,
  HistoryItem,
  HoldInfo,
  OffenceInfo,
  Page,
  PaymentTrace,
  RpcParams,
  SubmitResult,
  TxInfo,
  ValidatorInfo,
} from '../client/api.ts'
import { CordonError } from '../config/errors.ts'
import type { Genesis } from '../config/genesis.ts'
import { LIMITS } from '../config/limits.ts'
import { ADDRESS_PREFIX } from '../config/networks.ts'
import { decodeAddress, encodeAddress } from '../crypto/address.ts'
import { fromHex, toHex } from '../crypto/bytes.ts'
import { blockDigest } from '../consensus/wire.ts'
import { weightOf } from '../consensus/validator-set.ts'
import type { ValidatorSet } from '../consensus/types.ts'
import { reasonClasses } from '../fraud/reasons/classes.ts'
import { reasonNames } from '../fraud/reasons/reasons.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PageRequest } from '../ledger/reader.ts'
import { guardianAt, type Guardian } from '../ledger/guardian.ts'
import { spentBy } from '../ledger/rules.ts'
import { decodeTransaction, type Transaction } from '../ledger/transaction.ts'
import type { Hold, Receipt } from '../ledger/types.ts'
import type { Network } from '../p2p/types.ts'
import type { Admission } from './admission.ts'
import type { Intake } from './intake.ts'
import type { Source } from './source.ts'
import type { Outcomes } from './outcomes.ts'
import type { PaymentFollower } from './payment-follower.ts'
import type { PaymentTraces } from './payment-trace.ts'
import type { PendingTransactions } from './pending.ts'
import type { ReceiptAssembler } from './receipts.ts'
import type { ReviewDesk } from './review/desk.ts'
import type { RpcService } from './rpc/server.ts'
import type { Scorer } from './scoring/scorer.ts'
import type { StatusSource } from './status.ts'
import type { ChainStore } from './store/chain-store.ts'
import { transferFacts, transfersOf } from './transfers.ts'
import type { VoteLog } from './vote-log.ts'

export interface ServiceOptions {
  readonly genesis: Genesis
  readonly genesisHash: Uint8Array
  /** 8 bytes. */
  readonly chainId: Uint8Array
  readonly set: ValidatorSet
  readonly ledger: Ledger
  readonly store: ChainStore
  readonly pending: PendingTransactions
  readonly admission: Admission
  readonly intake: Intake
  readonly outcomes: Outcomes
  readonly receipts: ReceiptAssembler
  readonly scorer: Scorer
  readonly review: Pick<ReviewDesk, 'consider'>
  readonly network: Network
  readonly status: StatusSource
  readonly votes: Pick<VoteLog, 'since'>
  readonly payments: Pick<PaymentFollower, 'follow'>
  readonly traces: Pick<PaymentTraces, 'of'>
  /** A question met a damaged record: the node must not go on answering. */
  readonly onDamage: (error: CordonError) => void
}

const DEFAULT_PAGE_ITEMS = 100

export function createService(options: ServiceOptions): RpcService {
  const service = new Service(options)
  return stopAtDamage(options.onDamage, {
    chain_status: () => options.status.chainStatus(),
    chain_info: () => Promise.resolve(service.chainInfo()),
    chain_block: (params) => service.block(params.height),
    chain_validators: () => Promise.resolve(service.validators()),
    chain_votes: (params) => Promise.resolve(options.votes.since(params.fromHeight ?? 0)),
    evidence_list: () => Promise.resolve(service.offences()),
    chain_progress: () => Promise.resolve(options.status.progress()),
    account_get: (params) => service.account(params.address),
    account_history: (params) => service.history(params),
    payments_follow: (params, context) => options.payments.follow(params, context.signal),
    tx_submit: (params, context) => service.submit(params.tx, context.source),
    tx_get: (params) => service.tx(service.txId(params.txId)),
    tx_wait: (params, context) => service.wait(service.txId(params.txId), params.timeoutMs, context.signal),
    tx_dryRun: (params) => service.dryRun(params.tx),
    tx_trace: (params) => service.trace(service.txId(params.txId)),
    tx_receipt: (params, context) =>
      options.receipts.portable(service.txId(params.txId), params.timeoutMs ?? 0, context.signal),
    quarantine_list: (params) => service.holds(params),
    quarantine_get: (params) => service.hold(params.id),
  })
}

/** The same methods; what stored data contradicts is told to `onDamage` too. */
function stopAtDamage(onDamage: ServiceOptions['onDamage'], service: RpcService): RpcService {
  const guarded = Object.entries(service).map(([method, call]) => [
    method,
    async (...args: Parameters<typeof call>): Promise<unknown> => {
      try {
        return await (call as (...args: unknown[]) => Promise<unknown>)(...args)
      } catch (error) {
        if (error instanceof CordonError && error.code === 'data-inconsistent') onDamage(error)
        throw error
      }
    },
  ])
  return Object.fromEntries(guarded) as RpcService
}

class Service {
  readonly #options: ServiceOptions
  readonly #prefix: string

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#prefix = ADDRESS_PREFIX[options.genesis.network]
  }

  chainInfo(): ChainInfo {
    const { genesis, genesisHash, chainId } = this.#options
    return {
      network: genesis.network,
      genesisHash: toHex(genesisHash),
      chainId: toHex(chainId),
      addressPrefix: this.#prefix,
      minFee: String(genesis.parameters.minFee),
      walletValidityMs: genesis.parameters.walletValidityMs,
      quarantineMs: genesis.parameters.quarantineMs,
      onExpiry: genesis.parameters.onExpiry,
      parameters: genesis.parameters,
    }
  }

  async block(height: number): Promise<BlockInfo> {
    const { store, ledger, set } = this.#options
    const final = await store.final(height)
    const block = final === null ? null : await store.block(final.digest)
    if (final === null || block === null) {
      throw new CordonError(
        'not-found',
        `no final block of height ${height}; the newest executed one is ${ledger.height}`,
        { height },
      )
    }
    const result = await ledger.result(height)
    return {
      height,
      hash: toHex(blockDigest(block)),
      parentHash: toHex(block.parentDigest),
      timeMs: block.timeMs,
      author: set.validators[block.author]?.name ?? String(block.author),
      view: final.finalization.view,
      certificates: block.payload.length,
      transactions: block.payload.reduce((sum, certificate) => sum + certificate.txCount, 0),
      stateRoot: result === null ? null : toHex(result.stateRoot),
      receiptsRoot: result === null ? null : toHex(result.receiptsRoot),
    }
  }

  validators(): ValidatorInfo[] {
    const { set, genesis, network, status, ledger } = this.#options
    const records = ledger.validators()
    return set.validators.map((validator, index) => ({
      index,
      name: validator.name,
      publicKey: toHex(validator.publicKey),
      operator: this.#address(genesis.validators[index]?.operator ?? new Uint8Array(32)),
      stake: String(validator.weight),
      shareBps: Number((validator.weight * 10_000n) / set.totalWeight),
      inSet: true,
      inNextSet: true,
      connected: index === status.self || network.peerOfValidator(index) !== null,
      flagsConfirmed: Number(records[index]?.flagsConfirmed ?? 0n),
      flagsRefuted: Number(records[index]?.flagsRefuted ?? 0n),
    }))
  }

  offences(): OffenceInfo[] {
    return this.#options.ledger.validators().flatMap(({ index, name, offence }) => {
      if (offence === null) return []
      const { kind, epoch, position, height, atMs, txId } = offence
      return [{ validator: name, index, kind, epoch, position, height, timeMs: atMs, txId: toHex(txId) }]
    })
  }

  async account(address: string): Promise<AccountInfo> {
    const { ledger, pending } = this.#options
    const id = this.#accountId(address)
    const account = await ledger.account(id)
    const balance = account?.balance ?? 0n
    const available = balance - pending.outgoing(toHex(id)).amount
    return {
      address,
      exists: account !== null,
      balance: String(balance),
      available: String(available < 0n ? 0n : available),
      sequence: String(account?.sequence ?? 0n),
      heldOut: String(ledger.heldOut(id)),
      guardian: this.#guardianInfo(account?.guardian ?? null),
    }
  }

  async history(params: RpcParams<'account_history'>): Promise<Page<HistoryItem>> {
    const page = await this.#options.ledger.history(this.#accountId(params.address), {
      ...pageOf(params),
    })
    return {
      cursor: page.cursor,
      items: page.items.map((item) => ({
        txId: toHex(item.txId),
        height: item.height,
        timeMs: item.timeMs,
        direction: item.direction,
        counterparty: item.counterparty === null ? null : this.#address(item.counterparty),
        amount: String(item.amount),
        fee: String(item.fee),
        memo: Buffer.from(item.memo).toString('utf8'),
        status: item.status,
      })),
    }
  }

  async submit(hex: string, source: Source): Promise<SubmitResult> {
    const { intake } = this.#options
    const { id, known } = await intake.submit(this.#txBytes(hex), source)
    if (!known) return { txId: toHex(id), result: 'accepted', status: 'pending' }
    const info = await this.tx(id)
    return { txId: info.txId, result: 'known', status: info.status }
  }

  async tx(id: Uint8Array): Promise<TxInfo> {
    const { ledger, pending } = this.#options
    // Looked at first: what ends while the ledger is asked is pending no longer, but neither is it unknown.
    const waiting = pending.get(toHex(id))
    const transaction = waiting === null ? null : decodeTransaction(waiting.bytes).transaction
    const receipt = await ledger.receipt(id, transaction)
    if (receipt !== null) {
      const stored = await ledger.transaction(id)
      return this.#txInfo(
        id,
        stored === null ? null : decodeTransaction(stored.bytes).transaction,
        receipt.outcome,
        receipt,
      )
    }
    if (transaction !== null) return this.#txInfo(id, transaction, 'pending', null)
    const expiredAt = await pending.expired(id)
    return {
      ...this.#txInfo(id, null, expiredAt === null ? 'unknown' : 'expired', null),
      validUntilMs: expiredAt,
    }
  }

  async wait(id: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<TxInfo> {
    const ended = this.#options.outcomes.waitFor(toHex(id), Math.min(timeoutMs, LIMITS.rpcWaitMs), signal)
    const now = await this.tx(id)
    if (now.status !== 'pending' && now.status !== 'unknown') {
      ended.cancel()
      return now
    }
    await ended.promise
    return this.tx(id)
  }

  async trace(id: Uint8Array): Promise<PaymentTrace | null> {
    const { ledger, traces } = this.#options
    const [receipt, transaction] = await Promise.all([ledger.receipt(id, null), ledger.transaction(id)])
    return receipt === null || transaction === null ? null : traces.of(receipt, transaction.bytes)
  }

  async dryRun(hex: string): Promise<DryRun> {
    const { admission, ledger, scorer, review, genesis } = this.#options
    const tx = admission.decodeUnsigned(this.#txBytes(hex))
    await admission.check(tx.transaction, Date.now())
    const balance = (await ledger.account(tx.transaction.sender))?.balance ?? 0n
    let flaggedReasons = 0
    let wouldHold = false
    for (const { facts } of transferFacts(tx, balance, Math.max(Date.now(), ledger.timeMs))) {
      const assessment = await scorer.dryRun(facts, genesis.parameters.assessBudgetMs)
      const { flagged, reasons } = review.consider(facts, assessment)
      if (!flagged) continue
      wouldHold = true
      flaggedReasons |= reasons
    }
    return {
      txId: toHex(tx.id),
      fee: String(tx.transaction.fee),
      balanceAfter: String(balance - spentBy(tx.transaction)),
      wouldHold,
      classes: reasonClasses(flaggedReasons),
    }
  }

  async holds(params: RpcParams<'quarantine_list'>): Promise<Page<HoldInfo>> {
    const { ledger } = this.#options
    const range = pageOf(params)
    const page = params.status === 'ended' ? await ledger.holdsEnded(range) : await ledger.holdsOpen(range)
    return { cursor: page.cursor, items: page.items.map((hold) => this.#holdInfo(hold)) }
  }

  async hold(id: string): Promise<HoldInfo> {
    const hold = await this.#options.ledger.hold(this.#id(id, 'hold id'))
    if (hold === null)
      throw new CordonError(
        'hold-unknown',
        `there is no hold ${id}; cordon quarantine list shows the open ones`,
        { id },
      )
    return this.#holdInfo(hold)
  }

  txId(hex: string): Uint8Array {
    return this.#id(hex, 'transaction id')
  }

  #id(hex: string, what: string): Uint8Array {
    try {
      return fromHex(hex, 32)
    } catch (error) {
      throw new CordonError('rpc-invalid', `${what}: ${(error as Error).message}`)
    }
  }

  #txBytes(hex: string): Uint8Array {
    if (hex.length > 2 * LIMITS.txBytes) {
      throw new CordonError(
        'tx-too-large',
        `expected at most ${LIMITS.txBytes} bytes, got ${hex.length / 2}; split it into several transactions`,
      )
    }
    try {
      return fromHex(hex)
    } catch (error) {
      throw new CordonError('tx-malformed', (error as Error).message)
    }
  }

  #txInfo(id: Uint8Array, tx: Transaction | null, status: TxInfo['status'], receipt: Receipt | null): TxInfo {
    const holds = new Map(receipt?.holds.map(({ action, holdId }) => [action, toHex(holdId)]))
    return {
      txId: toHex(id),
      status,
      height: receipt?.height ?? null,
      timeMs: receipt?.timeMs ?? null,
      fee: receipt === null ? null : String(receipt.fee),
      failure: receipt?.failure ?? null,
      holds: [...holds.values()],
      sender: tx === null ? null : this.#address(tx.sender),
      validUntilMs: tx === null ? null : tx.validUntilMs,
      transfers:
        tx === null
          ? []
          : transfersOf(tx).map(({ action, transfer }) => ({
              to: this.#address(transfer.to),
              amount: String(transfer.amount),
              memo: Buffer.from(transfer.memo).toString('utf8'),
              holdId: holds.get(action) ?? null,
            })),
      executedTimeMs: this.#options.ledger.timeMs,
    }
  }

  #guardianInfo(guardian: Guardian | null): GuardianInfo {
    const { timeMs } = this.#options.ledger
    const address = (id: Uint8Array | null): string | null => (id === null ? null : this.#address(id))
    const waits = guardian !== null && timeMs < guardian.fromMs
    return {
      current: address(guardianAt(guardian, timeMs)),
      change: waits ? { to: address(guardian.after), fromMs: guardian.fromMs } : null,
    }
  }

  #holdInfo(hold: Hold): HoldInfo {
    const { set } = this.#options
    const name = (index: number): string => set.validators[index]?.name ?? String(index)
    const weight = weightOf(
      set,
      hold.flaggers.map((flagger) => flagger.signer),
    )
    const reasons = hold.flaggers.reduce((bits, flagger) => bits | flagger.reasons, 0)
    return {
      id: toHex(hold.id),
      txId: toHex(hold.txId),
      payer: this.#address(hold.payer),
      payee: this.#address(hold.payee),
      amount: String(hold.amount),
      createdMs: hold.createdMs,
      expiresMs: hold.expiresMs,
      onExpiry: hold.onExpiry,
      reasons: reasonNames(reasons),
      classes: reasonClasses(reasons),
      flaggedBps: Number((weight * 10_000n) / set.totalWeight),
      flaggers: hold.flaggers.map((flagger) => ({
        validator: name(flagger.signer),
        score: flagger.score,
        reasons: reasonNames(flagger.reasons),
      })),
      reviews: hold.reviews.map((review) => ({ validator: name(review.validator), side: review.side })),
      guardian: hold.guardian === null ? null : this.#address(hold.guardian),
      status: hold.end?.how ?? 'open',
      endedMs: hold.end?.atMs ?? null,
    }
  }

  #address(id: Uint8Array): string {
    return encodeAddress(this.#prefix, id)
  }

  #accountId(address: string): Uint8Array {
    return decodeAddress(this.#prefix, address)
  }
}

function pageOf({
  cursor,
  limit = DEFAULT_PAGE_ITEMS,
}: {
  readonly cursor?: string
  readonly limit?: number
}): PageRequest {
  return { ...(cursor === undefined ? {} : { cursor }), limit: Math.min(limit, LIMITS.rpcPageItems) }
}
