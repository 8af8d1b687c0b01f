/**
 * One simulated run: builds the world that the options describe, lets it suffer until it heals, and then demands that
 * it lives. Throws a `Violation` if anything that must hold does not.
 */
import { createHash, type Hash } from 'node:crypto'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import type { ChainStart, Note } from '../../consensus/replica-types.ts'
import { blockDigest } from '../../consensus/wire.ts'
import type { Block, ValidatorSet } from '../../consensus/types.ts'
import { Adversary } from './adversary.ts'
import { HashChain, type Execution } from './application.ts'
import { CREATED_MS, makeSimChain, type SimChain } from './chain.ts'
import { LedgerApplication, genesisStateRoot } from './ledger-application.ts'
import { SimNetwork } from './network.ts'
import { SimNode, type NodeEnvironment } from './node.ts'
import type { CrashPlan, RunOptions } from './options.ts'
import { Oracles, Violation } from './oracles.ts'
import { Prng } from './prng.ts'
import { Scheduler } from './scheduler.ts'
import { SignatureOracle } from './signatures.ts'
import { encodeTx, type Suspicion } from './transactions.ts'
import { twistOf } from './twists.ts'

const PROGRESS_BLOCKS = 3
/** After the last transaction: time for all of them to end. */
const DRAIN_MS = 20_000

export interface RunResult {
  readonly audit: string
  readonly finalHeight: number
  readonly accepted: number
  readonly executed: number
  readonly expired: number
  readonly held: number
  readonly messages: number
  readonly virtualMs: number
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
  readonly #hooks: RunHooks
  readonly #chain: SimChain
  readonly #prng: Prng
  readonly #network: SimNetwork
  readonly #adversary: Adversary
  readonly #audit: Hash = createHash('sha256')
  readonly #faulty: ReadonlySet<number>
  readonly #accepted = new Map<number, { readonly by: SimNode; readonly validUntilMs: number }>()
  readonly #notes = new Map<string, number>()
  readonly #downMs = new Map<SimNode, number>()
  #nextTxId = 1
  #submitting = true

  static async create(options: RunOptions, hooks: RunHooks = {}): Promise<World> {
    const signatures = new SignatureOracle()
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
    signatures: SignatureOracle,
    set: ValidatorSet,
    simChain: SimChain,
    stateRoot: Uint8Array,
  ) {
    this.options = options
    this.#hooks = hooks
    this.#chain = simChain
    this.#prng = new Prng(options.seed + 1)
    this.#faulty = new Set(options.faulty.map(({ index }) => index))
    const keys = options.weights.map((_, index) => signatures.keyOf(index))
    const chain: ChainStart = { genesisHash: simChain.genesisHash, createdMs: CREATED_MS, stateRoot }
    const honest = new Set([...options.weights.keys()].filter((index) => !this.#faulty.has(index)))
    this.oracles = new Oracles(set, honest, signatures)
    this.#network = new SimNetwork(options, this.scheduler, this.#prng.fork(), {
      sent: (from, to, message) => {
        this.#record(`${from}>${to} ${message.type}`)
        this.oracles.sent(from < options.weights.length ? from : null, message)
        this.#adversary.learn(message)
      },
      receive: (to, from, message) => {
        this.nodes[to]?.receive(from, message)
      },
    })
    const env: NodeEnvironment = {
      scheduler: this.scheduler,
      set,
      chain,
      parameters: options.parameters,
      verifier: signatures,
      nodeCount: options.weights.length + options.followers,
      send: (from, to, message) => {
        this.#network.send(from, to, message)
      },
      gossipBatch: (from, to, batch) => {
        this.#adversary.learnBatch(batch)
        this.#network.deliver(from, to, () => this.nodes[to]?.receiveBatch(from, batch), options.gossipLoss)
      },
      gossipBlock: (from, finalized) => {
        for (const node of this.nodes) {
          if (node.index === from || !(node.isFollower || this.#prng.chance(0.05))) continue
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
        if (!this.#faulty.has(node.index)) this.oracles.delivered(node.name, block)
        this.#trace(
          () =>
            `${node.name} delivers height ${block.height} by ${block.author}, ${block.payload.length} certificates, ${Buffer.from(blockDigest(block)).toString('hex').slice(0, 8)}`,
        )
      },
      executed: (node, block, bodies, execution) => {
        this.#record(
          `${node.name} executed ${block.height} ${Buffer.from(execution.result.stateRoot).toString('hex')}`,
        )
        if (this.#faulty.has(node.index)) return
        this.oracles.executed(node.name, block, bodies, execution)
        this.#hooks.executed?.(node.index, block, execution)
      },
      penalized: (node, { peer, why, detail }) => {
        this.#trace(() => `${node.name} penalizes ${peer.id}: ${why}, ${detail}`)
        const guilty = Number(peer.id.slice(1))
        if (!this.#faulty.has(node.index) && !this.#faulty.has(guilty)) {
          throw new Violation(`honest ${node.name} penalizes honest ${peer.id}: ${why}, ${detail}`)
        }
      },
      note: (node, note) => {
        this.#note(node, note)
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
    for (let index = 0; index < env.nodeCount; index++)
      this.nodes.push(this.#makeNode(index, env, keys[index] ?? null))
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

  #makeNode(index: number, env: NodeEnvironment, key: ReturnType<SignatureOracle['keyOf']> | null): SimNode {
    const { skewMs, fsyncMs, executeMs, faulty } = this.options
    const behaviour = faulty.find((entry) => entry.index === index)?.behaviour ?? null
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
        application: this.options.realLedger
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

  /** Whether a replica runs under this index; silent and scripted validators have none. */
  #runs(index: number): boolean {
    const behaviour = this.options.faulty.find((entry) => entry.index === index)?.behaviour
    return behaviour === undefined || (behaviour !== 'silent' && behaviour !== 'scripted')
  }

  #record(event: string): void {
    this.#audit.update(`${this.scheduler.nowMs} ${event}\n`)
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
    if (this.#faulty.has(node.index)) return
    if (note.kind === 'result-mismatch')
      throw new Violation(
        `${node.name} executed height ${note.height} to ${note.own}, an agreed header claims ${note.claimed}`,
      )
    if (note.kind === 'key-used-elsewhere')
      throw new Violation(`${node.name} takes its own vote for that of another: ${JSON.stringify(note)}`)
    if (note.kind === 'equivocation' && !this.#faulty.has(note.validator))
      throw new Violation(`${node.name} accuses honest validator ${note.validator}: ${note.what}`)
  }

  // ---- the run ----

  async run(): Promise<RunResult> {
    const { healMs } = this.options
    for (const node of this.nodes)
      if (this.#runs(node.index)) this.scheduler.after(this.#prng.real(0, 300), () => node.start())
    for (const plan of this.options.crashes) this.#planCrash(plan)
    this.#adversary.start()
    this.#submitSome()
    this.scheduler.at(healMs, () => {
      for (const node of this.nodes) node.killAt(null)
      this.#trace(() => 'the network heals')
    })
    await this.#runUntil(healMs + this.options.recoveryMs)
    await this.#demandProgress()
    this.#submitting = false
    await this.#drain()
    return this.#result()
  }

  #runUntil(untilMs: number): Promise<void> {
    return this.scheduler.run(untilMs, () => false)
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
    if (!this.#faulty.has(node.index)) this.#accepted.set(id, { by: node, validUntilMs })
  }

  get #honestNodes(): SimNode[] {
    return this.nodes.filter(({ index }) => !this.#faulty.has(index))
  }

  /** After healing each honest node delivers blocks, and executes them. */
  async #demandProgress(): Promise<void> {
    const before = this.#honestNodes.map((node) => ({
      node,
      delivered: node.deliveredHeight,
      executed: node.executedHeight,
    }))
    await this.#runUntil(this.scheduler.nowMs + this.options.progressMs)
    for (const { node, delivered, executed } of before) {
      if (!node.up) throw new Violation(`${node.name} is down after healing`)
      if (
        node.deliveredHeight - delivered < PROGRESS_BLOCKS ||
        node.executedHeight - executed < PROGRESS_BLOCKS
      ) {
        throw new Violation(
          `no progress after healing: ${this.#honestNodes.map((each) => `${each.name} at view ${each.replica?.view ?? 0} final ${each.deliveredHeight} executed ${each.executedHeight}`).join(', ')}; ` +
            `${node.name} came from final ${delivered} executed ${executed}`,
        )
      }
    }
  }

  /** Every accepted transaction ends executed or expired. */
  async #drain(): Promise<void> {
    const deadlineMs = this.scheduler.nowMs + DRAIN_MS
    while (this.scheduler.nowMs < deadlineMs && this.#honestNodes.some((node) => node.pending.size > 0)) {
      await this.#runUntil(this.scheduler.nowMs + 250)
    }
    for (const node of this.#honestNodes) {
      if (node.pending.size > 0)
        throw new Violation(
          `${node.name} still has ${node.pending.size} accepted transactions, first ${[...node.pending.keys()][0] ?? 0}`,
        )
    }
    // Time for everybody to come to the same height, and for what is void to be deleted.
    await this.#runUntil(this.scheduler.nowMs + 3_000)
    for (const node of this.#honestNodes) {
      const lost = node.lostBodies()[0]
      if (lost !== undefined)
        throw new Violation(`${node.name} deleted batch ${lost.seq} of ${lost.author}, which was executed`)
    }
    const executedTimeMs = CREATED_MS + this.scheduler.nowMs
    for (const [id, { by, validUntilMs }] of this.#accepted) {
      if (this.oracles.outcomeOf(id) === null && validUntilMs > executedTimeMs)
        throw new Violation(`transaction ${id}, accepted by ${by.name}, was lost`)
    }
  }

  #result(): RunResult {
    const ids = [...this.#accepted.keys()]
    const executed = ids.filter((id) => this.oracles.outcomeOf(id) !== null).length
    return {
      audit: this.#audit.digest('hex'),
      finalHeight: this.oracles.finalHeight,
      accepted: ids.length,
      executed,
      expired: ids.length - executed,
      held: this.oracles.heldByVerdict,
      messages: this.#network.counts.sent,
      virtualMs: Math.round(this.scheduler.nowMs),
      notes: this.#notes,
    }
  }
}
