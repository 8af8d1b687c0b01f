/**
 * One simulated run: builds the world that the options describe, lets it suffer until it heals, and then demands that
 * it lives. Throws a `Violation` if anything that must hold does not.
 */
import { createHash } from 'node:crypto'
import type { CordonError } from '../../config/errors.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import type { ChainStart, Note } from '../../consensus/replica-types.ts'
import { blockDigest } from '../../consensus/wire.ts'
import type { Block, ValidatorSet } from '../../consensus/types.ts'
import { Adversary } from './adversary.ts'
import { Audit } from './audit.ts'
import { HashChain, type Execution } from './application.ts'
import { CREATED_MS, makeSimChain, type SimChain } from './chain.ts'
import { LedgerApplication, genesisStateRoot } from './ledger-application.ts'
import { SimNetwork } from './network.ts'
import { SimNode } from './node.ts'
import type { JournalBefore, NodeEnvironment } from './node-environment.ts'
import {
  faultBudget,
  type ClockStep,
  type CrashPlan,
  type Damage,
  type FaultyBehaviour,
  type Pause,
  type RunOptions,
} from './options.ts'
import { Oracles, Stall, Violation } from './oracles.ts'
import { Prng } from './prng.ts'
import { Scheduler } from './scheduler.ts'
import { ResultsOracle } from './results-oracle.ts'
import { RealSignatures, SignatureOracle, type SimKey, type Signatures } from './signatures.ts'
import { encodeTx, type Suspicion } from './transactions.ts'
import { twistOf } from './twists.ts'

const PROGRESS_BLOCKS = 3
/** How often a condition is looked at. */
const STEP_MS = 50
/** After everything has ended: longest time for all to execute what is final by then. */
const SETTLE_MS = 1_000
/** After the last transaction: longest time without one that ends. Full queues take their time; a lost one never ends. */
const DRAIN_MS = 20_000
/** Receipts that each node has to prove. */
const PROOFS_PER_NODE = 8

export interface RunResult {
  readonly audit: string
  readonly finalHeight: number
  readonly accepted: number
  readonly executed: number
  readonly expired: number
  readonly held: number
  readonly messages: number
  readonly virtualMs: number
  /** From healing until every honest node had delivered and executed three blocks. */
  readonly recoveredMs: number
  /** How often each kind of note came, and crashes. */
  readonly notes: ReadonlyMap<string, number>
}

export interface RunHooks {
  readonly trace?: (line: string) => void
  /** What is thought of every transaction, in place of a random opinion. */
  readonly suspicion?: Suspicion
  /** Every block that an honest node executes, with the number of the node. */
  readonly executed?: (node: number, block: Block, execution: Execution) => void
}

export class World {
  readonly options: RunOptions
  readonly scheduler = new Scheduler()
  readonly nodes: SimNode[] = []
  readonly oracles: Oracles
  readonly #results = new ResultsOracle()
  readonly #hooks: RunHooks
  readonly #chain: SimChain
  readonly #prng: Prng
  readonly #network: SimNetwork
  readonly #adversary: Adversary
  readonly #audit = new Audit()
  /** Time of the newest line of the audit, as it stands there: making text of a number costs more than the rest of the line. */
  #auditMs = { nowMs: 0, text: '0' }
  /** Which validator each node is, null for a follower. Twins are the same one. */
  readonly #identities: readonly (number | null)[]
  /** How each node misbehaves; null: it does not. */
  readonly #behaviours: readonly (FaultyBehaviour | null)[]
  /** Nodes whose disks get damaged: a refusal of another one is a violation. */
  readonly #damaged: ReadonlySet<number>
  /** What happens to disks, drawn apart, so that it changes nothing of runs without it. */
  readonly #damagePrng: Prng
  /** Nodes whose signer was opened before. */
  readonly #opened = new Set<SimNode>()
  readonly #accepted = new Map<number, { readonly by: SimNode; readonly validUntilMs: number }>()
  readonly #notes = new Map<string, number>()
  readonly #downMs = new Map<SimNode, number>()
  #nextTxId = 1
  #submitting = true

  static async create(options: RunOptions, hooks: RunHooks = {}): Promise<World> {
    const signatures = options.realKeys ? new RealSignatures() : new SignatureOracle()
    const validators = options.weights.map((weight, index) => ({
      name: `v${index + 1}`,
      publicKey: signatures.keyOf(index).publicKey,
      weight,
    }))
    const chain = makeSimChain(validators, options.parameters)
    const set = makeValidatorSet(chain, 1, validators)
    const stateRoot = options.realLedger
      ? await genesisStateRoot(chain)
      : createHash('sha256').update('state').digest()
    return new World(options, hooks, signatures, set, chain, stateRoot)
  }

  private constructor(
    options: RunOptions,
    hooks: RunHooks,
    signatures: Signatures,
    set: ValidatorSet,
    simChain: SimChain,
    stateRoot: Uint8Array,
  ) {
    this.options = options
    this.#hooks = hooks
    this.#chain = simChain
    this.#prng = new Prng(options.seed + 1)
    this.#damaged = new Set(options.damages.map(({ node }) => node))
    this.#damagePrng = new Prng(options.seed * 19 + 7)
    checkBudget(options)
    this.#identities = identitiesOf(options)
    const behaviours = new Map(options.faulty.map(({ index, behaviour }) => [index, behaviour]))
    this.#behaviours = this.#identities.map((validator) => behaviours.get(validator ?? -1) ?? null)
    const keys = options.weights.map((_, index) => signatures.keyOf(index))
    const chain: ChainStart = { genesisHash: simChain.genesisHash, createdMs: CREATED_MS, stateRoot }
    const honest = new Set([...options.weights.keys()].filter((index) => !this.#isFaulty(index)))
    this.oracles = new Oracles(set, honest, signatures, options.parameters.batchTtlMs)
    this.#network = new SimNetwork(options, this.scheduler, this.#prng.fork(), {
      sent: (from, to, message) => {
        this.#record(`${from}>${to} ${message.type}`)
        this.oracles.sent(this.#identityOf(from), message)
        if (!this.#speaksNonsense(from)) this.#adversary.learn(message)
      },
      receive: (to, from, message) => this.nodes[to]?.receive(from, message),
    })
    const env: NodeEnvironment = {
      scheduler: this.scheduler,
      set,
      chain,
      parameters: options.parameters,
      verifier: signatures,
      peers: this.#identities.map((validator, node) => ({ id: `n${node}`, validator })),
      nodesOf: options.weights.map((_, validator) =>
        [...this.#identities.keys()].filter((node) => this.#identities[node] === validator),
      ),
      send: (from, to, message) => {
        this.#network.send(from, to, message)
      },
      gossipBatch: (from, to, batch) => {
        this.oracles.written(batch)
        this.#adversary.learnBatch(batch)
        this.#network.deliver(from, to, () => this.nodes[to]?.receiveBatch(from, batch), options.gossipLoss)
      },
      gossipBlock: (from, finalized) => {
        const who = this.#identityOf(from)
        this.oracles.sent(who, { type: 'blocks', blocks: [finalized.block] })
        this.oracles.sent(who, { type: 'certificate', certificate: finalized.finalization })
        for (const node of this.nodes) {
          if (node.index === from || !node.isFollower) continue
          this.#network.deliver(
            from,
            node.index,
            () => {
              node.receiveBlock(from, finalized)
            },
            options.gossipLoss,
          )
        }
      },
      delivered: (node, block) => {
        this.#record(`${node.name} final ${block.height}`)
        if (!this.#isFaulty(node.index)) {
          this.oracles.delivered(node.name, block)
          this.#results.delivered(block)
        }
        this.#trace(
          () =>
            `${node.name} delivers height ${block.height} by ${block.author}, ${block.payload.length} certificates, ${Buffer.from(blockDigest(block)).toString('hex').slice(0, 8)}`,
        )
      },
      executed: (node, block, bodies, execution) => {
        this.#record(
          `${node.name} executed ${block.height} ${Buffer.from(execution.result.stateRoot).toString('hex')}`,
        )
        if (this.#isFaulty(node.index)) return
        this.oracles.executed(node.name, block, bodies, execution)
        // What was final on disk before a crash is executed after it, and delivered to nobody (swarm 200193).
        this.#results.delivered(block)
        this.#results.executed(execution.result)
        this.#hooks.executed?.(node.index, block, execution)
      },
      penalized: (node, { peer, why, detail }) => {
        this.#trace(() => `${node.name} penalizes ${peer.id}: ${why}, ${detail}`)
        const guilty = Number(peer.id.slice(1))
        if (!this.#isFaulty(node.index) && !this.#isFaulty(guilty)) {
          throw new Violation(`honest ${node.name} penalizes honest ${peer.id}: ${why}, ${detail}`)
        }
      },
      accused: (node, { offence, evidence }) => {
        this.#tally(offence.kind)
        this.#record(`${node.name} accuses ${offence.validator} ${offence.kind} ${offence.position}`)
        this.#trace(() => `${node.name} accuses ${offence.validator}: ${offence.kind} at ${offence.position}`)
        if (!this.#isFaulty(node.index)) this.oracles.accused(node.name, offence, evidence)
      },
      note: (node, note) => {
        this.#note(node, note)
      },
      refused: (node, error) => {
        this.#refused(node, error)
      },
      opened: (node, before) => {
        this.#signerOpened(node, before)
      },
      handOver: (node, txs) => {
        this.#handOver(node, txs)
      },
      trace: (line) => {
        this.#trace(line)
      },
      crashed: (node) => {
        this.#tally('crash')
        this.scheduler.after(this.#downMs.get(node) ?? 100, () => node.start())
      },
    }
    const scripted = new Map(
      options.faulty.flatMap(({ index, behaviour }) => {
        const key = keys[index]
        return behaviour === 'scripted' && key !== undefined ? [[index, key] as const] : []
      }),
    )
    for (const [index, identity] of this.#identities.entries())
      this.nodes.push(this.#makeNode(index, env, keys[identity ?? -1] ?? null))
    this.#adversary = new Adversary(
      {
        ...env,
        keys: scripted,
        victims: this.nodes.filter((node) => this.#runs(node.index)).map(({ index }) => index),
        nextTxId: () => this.#nextTxId++,
        quietMs: this.#prng.chance(0.5) ? Infinity : options.healMs,
      },
      this.#prng.fork(),
    )
  }

  #makeNode(index: number, env: NodeEnvironment, key: SimKey | null): SimNode {
    const { skewMs, fsyncMs, executeMs } = this.options
    const behaviour = this.#behaviourOf(index)
    const twist =
      behaviour === null || key === null
        ? null
        : twistOf(behaviour, { set: env.set, key, index, prng: this.#prng.fork() })
    return new SimNode(
      {
        index,
        key,
        skewMs: skewMs[index] ?? 0,
        fsyncMs: fsyncMs[index] ?? 1,
        executeMs: executeMs[index] ?? 1,
        twist,
        makeApplication: () =>
          this.options.realLedger
            ? new LedgerApplication(env.set, this.#chain)
            : new HashChain(
                env.set,
                env.chain.stateRoot,
                env.parameters.batchTtlMs,
                env.parameters.quarantineMs,
              ),
      },
      env,
      this.#prng.fork(),
    )
  }

  #identityOf(node: number): number | null {
    return this.#identities[node] ?? null
  }

  #isFaulty(node: number): boolean {
    return this.#behaviourOf(node) !== null
  }

  #behaviourOf(node: number): FaultyBehaviour | null {
    return this.#behaviours[node] ?? null
  }

  /** What these send the adversary would only take for more than it is. */
  #speaksNonsense(node: number): boolean {
    const behaviour = this.#behaviourOf(node)
    return behaviour === 'garbler' || behaviour === 'forger'
  }

  /** Whether a replica runs under this index; silent and scripted validators have none. */
  #runs(node: number): boolean {
    const behaviour = this.#behaviourOf(node)
    return behaviour !== 'silent' && behaviour !== 'scripted'
  }

  #record(event: string): void {
    const { nowMs } = this.scheduler
    if (nowMs !== this.#auditMs.nowMs) this.#auditMs = { nowMs, text: String(nowMs) }
    this.#audit.add(`${this.#auditMs.text} ${event}\n`)
  }

  #trace(line: () => string): void {
    this.#hooks.trace?.(`${this.scheduler.nowMs.toFixed(2).padStart(10)} ${line()}`)
  }

  #tally(what: string): void {
    this.#notes.set(what, (this.#notes.get(what) ?? 0) + 1)
  }

  #note(node: SimNode, note: Note): void {
    this.#tally(note.kind)
    this.#trace(
      () =>
        `${node.name} ${JSON.stringify(note, (key, value: unknown) => (key === 'ref' && value !== null && typeof value === 'object' && 'seq' in value && 'author' in value ? `${String(value.author)}:${String(value.seq)}` : value))}`,
    )
    if (this.#isFaulty(node.index)) return
    if (note.kind === 'result-mismatch')
      throw new Violation(
        `${node.name} executed height ${note.height} to ${note.own}, an agreed header claims ${note.claimed}`,
      )
    if (note.kind === 'key-used-elsewhere')
      throw new Violation(`${node.name} takes its own vote for that of another: ${JSON.stringify(note)}`)
  }

  // ---- the run ----

  async run(): Promise<RunResult> {
    const { healMs } = this.options
    for (const node of this.nodes)
      if (this.#runs(node.index)) this.scheduler.after(this.#prng.real(0, 300), () => node.start())
    for (const plan of this.options.crashes) this.#planCrash(plan)
    for (const plan of this.options.pauses) this.#planPause(plan)
    for (const step of this.options.clockSteps) this.#planClockStep(step)
    for (const damage of this.options.damages) this.#planDamage(damage)
    this.#adversary.start()
    this.#submitSome()
    this.scheduler.at(healMs, () => {
      for (const node of this.nodes) node.killAt(null)
      this.#trace(() => 'the network heals')
    })
    await this.#runUntil(healMs)
    const recoveredMs = await this.#demandProgress(this.options.recoveryMs)
    await this.#demandProgress(this.options.progressMs)
    await this.#demandVotes()
    this.#submitting = false
    await this.#drain()
    return this.#result(recoveredMs)
  }

  #runUntil(untilMs: number): Promise<void> {
    return this.scheduler.run(untilMs)
  }

  #planCrash({ nodes, atMs, boundary, downMs }: CrashPlan): void {
    this.scheduler.at(atMs, () => {
      for (const index of nodes) {
        const node = this.nodes[index]
        if (node === undefined) continue
        this.#downMs.set(node, downMs + this.#prng.int(0, 200))
        if (boundary === null) node.crash()
        else node.killAt(boundary)
      }
    })
  }

  #planPause({ nodes, atMs, forMs }: Pause): void {
    this.scheduler.at(atMs, () => {
      for (const index of nodes) this.nodes[index]?.pause(forMs)
    })
  }

  #planClockStep({ node, atMs, untilMs, skewMs }: ClockStep): void {
    this.scheduler.at(atMs, () => this.nodes[node]?.setSkew(skewMs))
    this.scheduler.at(untilMs, () => this.nodes[node]?.setSkew(this.options.skewMs[node] ?? 0))
  }

  // ---- damaged disks ----

  #planDamage(damage: Damage): void {
    const node = this.nodes[damage.node]
    if (node === undefined) return
    this.scheduler.at(damage.atMs, async () => {
      this.#trace(() => `${node.name} has ${damage.kind}`)
      const mayHaveVoted = this.#opened.has(node)
      await node.damage(damage, this.#damagePrng)
      if (damage.kind === 'signer-gone' && mayHaveVoted) this.oracles.losesTable(damage.node)
    })
    if (damage.foundMs > 0)
      this.scheduler.at(damage.atMs + damage.foundMs, () => {
        node.lookThrough(damage.kind)
      })
  }

  /** A node does not start, or ends, for its disks. Its operator does what is written for that, and starts it again. */
  #refused(node: SimNode, error: CordonError): void {
    this.#tally(`refused ${error.code}`)
    this.#record(`${node.name} refuses ${error.code}`)
    this.#trace(() => `${node.name} refuses: ${error.message}`)
    const repairMs = this.options.damages.find((damage) => damage.node === node.index)?.repairMs
    if (repairMs === undefined)
      throw new Violation(`${node.name}, whose disks are whole, refuses: ${error.message}`)
    this.scheduler.after(repairMs, async () => {
      if (error.code === 'signer-lost') this.oracles.losesTable(node.index)
      if (await node.repair(error)) this.oracles.forgetsAcks(node.index)
      await node.start()
    })
  }

  #signerOpened(node: SimNode, { damaged, empty, lostWait }: JournalBefore): void {
    if (damaged) throw new Violation(`${node.name} signs over a damaged journal`)
    if (empty && !lostWait && this.#opened.has(node))
      throw new Violation(`${node.name} signs over an empty journal, though it has signed before`)
    this.#opened.add(node)
  }

  /** As a full node, a validator that writes no batches hands transactions to one that does. */
  #handOver(from: SimNode, txs: readonly Uint8Array[]): void {
    const takers = this.#honestNodes.filter((node) => node.up && !node.isFollower && !node.abstains)
    if (takers.length === 0) return
    const taker = this.#damagePrng.pick(takers)
    this.#network.deliver(from.index, taker.index, () => {
      taker.input({ type: 'submit', txs })
    })
  }

  // ---- transactions, and the end ----

  #submitSome(): void {
    this.scheduler.after(this.#prng.real(0, 2 * this.options.txEveryMs), () => {
      if (!this.#submitting) return
      const node = this.#prng.pick(this.nodes)
      if (node.up && !node.isFollower) this.#submit(node)
      this.#submitSome()
    })
  }

  #submit(node: SimNode): void {
    const id = this.#nextTxId++
    const validForMs = this.#prng.chance(0.1) ? this.#prng.int(500, 5_000) : 60_000
    const validUntilMs = CREATED_MS + Math.floor(this.scheduler.nowMs) + validForMs
    const suspicion =
      this.#hooks.suspicion ??
      this.#prng.pick<Suspicion>(['nobody', 'nobody', 'nobody', 'everybody', 'disputed'])
    if (!node.accept(id, encodeTx({ id, validUntilMs, suspicion, valid: true }, this.#chain.genesisHash)))
      return
    if (!this.#isFaulty(node.index)) this.#accepted.set(id, { by: node, validUntilMs })
  }

  get #honestNodes(): SimNode[] {
    return this.nodes.filter(({ index }) => !this.#isFaulty(index))
  }

  /** Each honest node delivers and executes blocks within this time. @returns how long it took. */
  async #demandProgress(withinMs: number): Promise<number> {
    const startMs = this.scheduler.nowMs
    const before = this.#honestNodes.map((node) => ({
      node,
      delivered: node.deliveredHeight,
      executed: node.executedHeight,
    }))
    const lagging = (): (typeof before)[number] | undefined =>
      before.find(
        ({ node, delivered, executed }) =>
          !node.up ||
          node.deliveredHeight - delivered < PROGRESS_BLOCKS ||
          node.executedHeight - executed < PROGRESS_BLOCKS,
      )
    while (lagging() !== undefined && this.scheduler.nowMs < startMs + withinMs)
      await this.#runUntil(this.scheduler.nowMs + STEP_MS)
    const late = lagging()
    if (late === undefined) return this.scheduler.nowMs - startMs
    const { node, delivered, executed } = late
    if (!node.up) throw new Stall(`${node.name} is down after healing`)
    throw new Stall(
      `no progress within ${withinMs} ms after healing: ${this.#honestNodes.map((each) => `${each.name} at view ${each.replica?.view ?? 0} final ${each.deliveredHeight} executed ${each.executedHeight}`).join(', ')}; ` +
        `${node.name} came from final ${delivered} executed ${executed}`,
    )
  }

  /** A validator that lost its votes votes again when enough views are final (P10). */
  async #demandVotes(): Promise<void> {
    const deadlineMs = this.scheduler.nowMs + this.options.recoveryMs
    for (;;) {
      const waiting = this.#honestNodes.find((node) => node.abstains)
      if (waiting === undefined) return
      if (this.scheduler.nowMs >= deadlineMs)
        throw new Stall(
          `${waiting.name} does not vote again: at view ${waiting.replica?.view ?? 0}, it waits for ${waiting.replica?.resumeView ?? 'a quorum'}`,
        )
      await this.#runUntil(this.scheduler.nowMs + STEP_MS)
    }
  }

  /** Every accepted transaction ends executed or expired. */
  async #drain(): Promise<void> {
    const waiting = (): number => this.#honestNodes.reduce((sum, node) => sum + node.pending.size, 0)
    let fewest = waiting()
    let deadlineMs = this.scheduler.nowMs + DRAIN_MS
    while (this.scheduler.nowMs < deadlineMs && waiting() > 0) {
      await this.#runUntil(this.scheduler.nowMs + STEP_MS)
      if (waiting() >= fewest) continue
      fewest = waiting()
      deadlineMs = this.scheduler.nowMs + DRAIN_MS
    }
    for (const node of this.#honestNodes) {
      if (node.pending.size > 0)
        throw new Stall(
          `${node.name} still has ${node.pending.size} accepted transactions, first ${[...node.pending.keys()][0] ?? 0}`,
        )
    }
    await this.#settle()
    await this.#demandProofs()
    for (const node of this.#honestNodes) {
      if (this.#damaged.has(node.index)) continue
      const [lost] = await node.lostBodies()
      if (lost !== undefined)
        throw new Violation(`${node.name} deleted batch ${lost.seq} of ${lost.author}, which was executed`)
    }
    // Blocks may be dated ahead by a clock that jumped.
    const executedTimeMs = Math.max(CREATED_MS + this.scheduler.nowMs, this.oracles.newestBlockMs)
    for (const [id, { by, validUntilMs }] of this.#accepted) {
      if (this.oracles.outcomeOf(id) === null && validUntilMs > executedTimeMs)
        throw new Violation(`transaction ${id}, accepted by ${by.name}, was lost`)
    }
  }

  /** Everybody comes to the same height, and deletes what is void. */
  async #settle(): Promise<void> {
    const newest = this.oracles.finalHeight
    const deadlineMs = this.scheduler.nowMs + SETTLE_MS
    while (
      this.scheduler.nowMs < deadlineMs &&
      this.#honestNodes.some(({ up, executedHeight }) => !up || executedHeight < newest)
    )
      await this.#runUntil(this.scheduler.nowMs + STEP_MS)
    for (const node of this.#honestNodes) await node.prune()
  }

  /** What was executed is committed to by final headers, and receipts lead there. */
  async #demandProofs(): Promise<void> {
    const deadlineMs = this.scheduler.nowMs + this.options.recoveryMs
    // A faulty validator may go on making work: what it makes from now on is not waited for (swarm 200186).
    const newest = this.oracles.finalHeight
    const uncommitted = (): number[] => this.#results.uncommitted().filter((height) => height <= newest)
    for (let open = uncommitted(); open.length > 0; open = uncommitted()) {
      if (this.scheduler.nowMs >= deadlineMs)
        throw new Stall(
          `no final header commits to the results of ${open.length} heights, first ${open[0] ?? 0}`,
        )
      await this.#runUntil(this.scheduler.nowMs + STEP_MS)
    }
    const executed = [...this.#accepted.keys()].filter((id) => this.oracles.outcomeOf(id) !== null)
    for (const node of this.#honestNodes.filter(({ up }) => up))
      for (const id of this.#prng.sample(executed, Math.min(PROOFS_PER_NODE, executed.length))) {
        // A slow node may not have come to it (swarm 223023).
        const isAhead = (this.oracles.heightOf(id) ?? 0) > node.executedHeight
        const claim = isAhead ? undefined : node.receiptOf(id)
        if (claim !== undefined) this.#results.proven(node.name, id, await claim)
      }
  }

  #result(recoveredMs: number): RunResult {
    const ids = [...this.#accepted.keys()]
    const executed = ids.filter((id) => this.oracles.outcomeOf(id) !== null).length
    return {
      audit: this.#audit.digest(),
      finalHeight: this.oracles.finalHeight,
      accepted: ids.length,
      executed,
      expired: ids.length - executed,
      held: this.oracles.heldByVerdict,
      messages: this.#network.sent,
      virtualMs: Math.round(this.scheduler.nowMs),
      recoveredMs: Math.round(recoveredMs),
      notes: this.#notes,
    }
  }
}

/** Validators, then followers, then the second nodes of validators that run twice. */
function identitiesOf({ weights, followers, faulty }: RunOptions): (number | null)[] {
  const twins = faulty.flatMap(({ index, behaviour }) => (behaviour === 'twin' ? [index] : []))
  return [...weights.keys(), ...Array.from({ length: followers }, () => null), ...twins]
}

/** Validators whose disks get damaged are as good as faulty ones, to everybody else. */
function checkBudget({ weights, faulty, damages }: RunOptions): void {
  const unsound = new Set([...faulty.map(({ index }) => index), ...damages.map(({ node }) => node)])
  const weight = [...unsound].reduce((sum, index) => sum + (weights[index] ?? 0n), 0n)
  if (weight > faultBudget(weights))
    throw new RangeError(
      `faulty and damaged validators weigh ${weight}, more than F = ${faultBudget(weights)}`,
    )
}
