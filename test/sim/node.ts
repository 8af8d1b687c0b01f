/**
 * A simulated node: the real replica and the real signer, driven as `node/driver.ts` does it, over disks and a clock
 * that the simulation owns. It can be killed at any moment, also between two of its own writes.
 */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { batchKey } from '../../consensus/batch-pool.ts'
import { Replica } from '../../consensus/replica.ts'
import type { Clock, Effect, Input, Peer, Restored, Signer, Target } from '../../consensus/replica-types.ts'
import type { BatchCertificate, BatchRef, Block, Message, SignedBatch } from '../../consensus/types.ts'
import { batchDigestOfCertificate } from '../../consensus/wire.ts'
import { openSignerOver } from '../../node/signing/open-signer.ts'
import { hasTraces } from '../../node/signing/signed-before.ts'
import { ChainStore } from '../../node/store/chain-store.ts'
import type { SimApplication } from './application.ts'
import { Disks } from './disks.ts'
import type { NodeEnvironment, NodeOptions, Outgoing } from './node-environment.ts'
import { Violation } from './oracles.ts'
import type { Damage, DamageKind } from './options.ts'
import type { Prng } from './prng.ts'
import type { ReceiptClaim } from './results-oracle.ts'
import type { Action, Alarm } from './scheduler.ts'
import { Killed, type Boundary } from './storage.ts'
import { decodeTx, honestFlags } from './transactions.ts'

const TURN_MS = 0.05
const OFFER_AGAIN_MS = 4_000
/** What a start did not look through is looked through this much later. */
const SCRUB_MS = 300
/** What ends a process, or keeps it from starting, until its operator has done something. */
const REFUSALS: readonly string[] = ['data-inconsistent', 'signer-lost']
/** More ticks than this in 100 ms are a loop. */
const TICKS_PER_100_MS = 500

type StoreRecord = Extract<Effect, { type: 'store' }>['record']

interface PendingTx {
  readonly bytes: Uint8Array
  offeredMs: number
}

export class SimNode {
  readonly index: number
  readonly name: string
  readonly #options: NodeOptions
  readonly #env: NodeEnvironment
  readonly #prng: Prng
  /** How often it asked "anyone". */
  #asked = 0
  readonly #disks: Disks
  #store: ChainStore
  /** Batches that were executed here, not skipped. */
  #executedRefs: BatchRef[] = []
  /** Bodies that were written and are not on disk yet. */
  readonly #unsynced = new Set<string>()
  /** The durable pending log: accepted transactions that are not final. */
  readonly pending = new Map<number, PendingTx>()
  #replica: Replica | null = null
  #signer: Signer | null = null
  /** Counts starts; what belongs to an earlier life does nothing any more. */
  #life = 0
  #bootMs = 0
  #inputs: Input[] = []
  #busy = false
  readonly #tick: Alarm
  readonly #takeTurn: Action = () => this.#turn()
  #ticks = { windowMs: 0, count: 0 }
  #toExecute: Block[] = []
  #executing = false
  #deliveredHeight = 0
  #nextDueMs: number | null = null
  #killAt: Boundary | null = null
  /** Whether its next start looks through all files. */
  #startReadsAll = true
  #pausedUntilMs = 0
  /** Offset of its wall clock. */
  #skewMs: number

  constructor(options: NodeOptions, env: NodeEnvironment, prng: Prng) {
    this.index = options.index
    this.name = `n${options.index}`
    this.#options = options
    this.#env = env
    this.#prng = prng
    this.#disks = new Disks(options.makeApplication)
    this.#store = this.#makeStore()
    this.#skewMs = options.skewMs
    this.#tick = env.scheduler.alarm(() => {
      this.#onTick()
    })
    this.#disks.journal.onBoundary = (boundary) => {
      this.#passBoundary(boundary)
    }
  }

  get #app(): SimApplication {
    return this.#disks.application
  }

  #makeStore(): ChainStore {
    return ChainStore.over(this.#disks.database, 'chain', this.#env.set.epoch)
  }

  get up(): boolean {
    return this.#replica !== null
  }

  get isFollower(): boolean {
    return this.#options.key === null
  }

  get deliveredHeight(): number {
    return this.#deliveredHeight
  }

  get executedHeight(): number {
    return this.#app.height
  }

  /** Executed batches whose bodies are gone, so that no other node could get them here. */
  async lostBodies(): Promise<readonly BatchRef[]> {
    const bodies = await Promise.all(this.#executedRefs.map((ref) => this.#store.batch(ref)))
    return this.#executedRefs.filter((_, i) => bodies[i] === null)
  }

  /** Deletes batches that are void, as it does once in a while by itself. */
  prune(): Promise<void> {
    return this.#store.prune()
  }

  /** What proves the end of a transaction here; undefined: this node's application has no receipts. */
  receiptOf(txId: number): Promise<ReceiptClaim | null> | undefined {
    return this.#app.receiptOf(txId)
  }

  get replica(): Replica | null {
    return this.#replica
  }

  #self(): number | null {
    return this.#peer(this.index).validator
  }

  // ---- start, crash ----

  async start(): Promise<void> {
    if (this.up) return
    this.#life++
    this.#bootMs = this.#env.scheduler.nowMs
    try {
      await this.#open()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** In the order of `node/node.ts`: the stores and what they hold, then the signer, then everything else. */
  async #open(): Promise<void> {
    const { set, chain, parameters, verifier } = this.#env
    if (this.#startReadsAll) this.#disks.check()
    this.#store = this.#makeStore()
    await this.#app.open()
    const restored = await this.#store.restore(
      this.#app.recentResults(512),
      parameters.batchTtlMs + parameters.maxClockDriftMs,
    )
    this.#signer = await this.#openSigner(restored)
    this.#replica = new Replica({
      set,
      chain,
      parameters,
      self: this.#self(),
      signer: this.#signer,
      verifier,
      restored,
    })
    this.#deliveredHeight = restored.delivered?.height ?? 0
    this.input({ type: 'start' })
    this.#nextDueMs = this.#app.nextDueMs
    this.input({ type: 'next-due', timeMs: this.#nextDueMs })
    for (let height = this.#app.height + 1; height <= this.#deliveredHeight; height++) {
      const final = await this.#store.final(height)
      const block = final === null ? null : await this.#store.block(final.digest)
      if (block === null) throw new Violation(`${this.name} has lost the final block of height ${height}`)
      this.#toExecute.push(block)
    }
    await this.#executeNext()
    this.#offerAll(restored)
    this.#offerRegularly(this.#life)
    if (!this.#startReadsAll) this.#inLife(SCRUB_MS, () => this.#disks.check())
  }

  async #openSigner(restored: Restored): Promise<Signer | null> {
    const { key, index } = this.#options
    if (key === null) return null
    const self = this.#self() ?? index
    const { journal, hasSigned, lostWait } = this.#disks
    const before = { damaged: journal.damaged, empty: (await journal.readAll()).length === 0, lostWait }
    const signer = await openSignerOver({
      config: { directory: this.name, signerDirectory: 'signer' },
      set: this.#env.set,
      index: self,
      key,
      storage: journal,
      witness: () =>
        Promise.resolve(hasSigned || hasTraces(restored, self) ? 'as the simulation knows' : null),
      lostWait,
      nowMs: this.#clock().wallMs,
      log: { warn: () => undefined, fatal: () => undefined },
    })
    this.#env.opened(this, before)
    this.#disks.hasSigned = true
    this.#disks.lostWait = false
    return signer
  }

  /** A planned kill, or damage that the process ends for. */
  #fail(error: unknown): void {
    if (error instanceof Killed) {
      this.#die()
    } else if (error instanceof CordonError && REFUSALS.includes(error.code)) {
      this.#stop()
      this.#env.refused(this, error)
    } else throw error
  }

  // ---- damage ----

  /** Something happens to a disk. Unless it is to be found later, the process ends with it. */
  async damage({ kind, foundMs, startReadsAll }: Damage, prng: Prng): Promise<void> {
    this.#startReadsAll = startReadsAll
    if (foundMs === 0) this.crash()
    await this.#disks.damage(kind, prng)
  }

  /** Looks through its files, while it runs. The signer's journal is only read at a start. */
  lookThrough(kind: DamageKind): void {
    if (!this.up) return
    if (kind.startsWith('signer')) {
      this.crash()
      return
    }
    try {
      this.#disks.check()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** What its operator does about a refusal, before starting it again. @returns whether its chain store was moved away. */
  async repair(refusal: CordonError): Promise<boolean> {
    const { wipes } = this.#disks
    await this.#disks.repair(refusal)
    this.#executedRefs = []
    this.#startReadsAll = true
    return this.#disks.wipes > wipes
  }

  /** Whether it neither votes nor writes batches. */
  get abstains(): boolean {
    return this.#replica !== null && this.#replica.abstention !== null
  }

  crash(): void {
    if (this.up) this.#die()
  }

  /** Stops the process, as SIGSTOP does: what arrives waits. */
  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#env.scheduler.nowMs + forMs)
  }

  /** Sets the wall clock, forward or back; the monotonic one goes on. */
  setSkew(skewMs: number): void {
    this.#skewMs = skewMs
  }

  #die(): void {
    this.#env.trace(() => `${this.name} crashes`)
    this.#stop()
    this.#env.crashed(this)
  }

  #stop(): void {
    this.#replica = null
    this.#signer = null
    this.#killAt = null
    this.#tick.cancel()
    this.#inputs = []
    this.#busy = false
    this.#toExecute = []
    this.#executing = false
    this.#unsynced.clear()
    this.#disks.crash(this.#prng)
  }

  /** Dies when it next comes to `boundary`; null: not any more. */
  killAt(boundary: Boundary | null): void {
    this.#killAt = boundary
  }

  #passBoundary(boundary: Boundary): void {
    if (this.#killAt === boundary) throw new Killed(boundary)
  }

  // ---- transactions ----

  /** False: busy. Once accepted a transaction must end executed or expired. */
  accept(txId: number, bytes: Uint8Array): boolean {
    if (this.#replica === null || this.abstains) return false
    if (this.#replica.ownOpenBatches >= this.#env.parameters.maxOpenBatches) return false
    this.pending.set(txId, { bytes, offeredMs: this.#env.scheduler.nowMs })
    this.input({ type: 'submit', txs: [bytes] })
    return true
  }

  /** After a restart: what is in own open batches is sent again by the replica itself. */
  #offerAll(restored: Restored): void {
    const inBatches = new Set(
      restored.batches.flatMap(({ batch }) =>
        batch.batch.author === this.#self() ? batch.batch.txs.map((tx) => decodeTx(tx).id) : [],
      ),
    )
    this.#offer((id) => !inBatches.has(id))
  }

  #offerRegularly(life: number): void {
    this.#env.scheduler.after(OFFER_AGAIN_MS / 4, () => {
      if (life !== this.#life || !this.up) return
      this.#offer((_, { offeredMs }) => this.#env.scheduler.nowMs - offeredMs > OFFER_AGAIN_MS)
      this.#offerRegularly(life)
      return this.prune()
    })
  }

  #offer(wanted: (id: number, tx: PendingTx) => boolean): void {
    const txs: Uint8Array[] = []
    for (const [id, tx] of this.pending) {
      if (this.#app.has(id) || !wanted(id, tx)) continue
      tx.offeredMs = this.#env.scheduler.nowMs
      txs.push(tx.bytes)
    }
    if (txs.length === 0) return
    if (this.abstains) this.#env.handOver(this, txs)
    else this.input({ type: 'submit', txs })
  }

  #settlePending(): void {
    for (const [id, { bytes }] of this.pending) {
      if (this.#app.has(id) || decodeTx(bytes).validUntilMs < this.#app.timeMs) this.pending.delete(id)
    }
  }

  // ---- the driver ----

  receive(from: number, message: Message): void | Promise<void> {
    if (!this.up) return
    const seen = this.#options.twist?.incoming?.(message)
    return seen === undefined ? this.#take(from, message) : this.#takeAll(from, seen)
  }

  async #takeAll(from: number, messages: readonly Message[]): Promise<void> {
    for (const message of messages) await this.#take(from, message)
  }

  #take(from: number, message: Message): void | Promise<void> {
    if (message.type === 'block-request') return this.#answerBlocks(from, message.digest, message.maxBlocks)
    if (message.type === 'batch-request') return this.#answerBatches(from, message.refs)
    this.input({ type: 'message', from: this.#peer(from), message })
  }

  #peer(index: number): Peer {
    return this.#env.peers[index] as Peer
  }

  receiveBatch(from: number, batch: SignedBatch): void {
    if (!this.up) return
    const peer = this.#peer(from)
    this.input(
      this.isFollower
        ? { type: 'gossiped-batch', from: peer, batch }
        : { type: 'message', from: peer, message: { type: 'batch', batch } },
    )
  }

  receiveBlock(from: number, finalized: Extract<Effect, { type: 'publish-block' }>['finalized']): void {
    if (this.up) this.input({ type: 'finalized-block', from: this.#peer(from), finalized })
  }

  input(input: Input): void {
    if (!this.up) return
    this.#inputs.push(input)
    this.#startTurn()
  }

  #startTurn(): void {
    if (this.#busy || this.#inputs.length === 0) return
    this.#busy = true
    this.#inLife(TURN_MS, this.#takeTurn)
  }

  /** Runs `run` later, unless the node crashed in between; a planned kill ends the life there and then. */
  #inLife(delayMs: number, run: Action): void {
    this.#inLifeAt(this.#env.scheduler.nowMs + delayMs, run)
  }

  #inLifeAt(atMs: number, run: Action): void {
    const life = this.#life
    this.#env.scheduler.at(atMs, () => {
      if (life !== this.#life || !this.up) return
      if (this.#isPaused) this.#inLifeAt(this.#pausedUntilMs, run)
      else return this.#untilItFails(run)
    })
  }

  get #isPaused(): boolean {
    return this.#env.scheduler.nowMs < this.#pausedUntilMs
  }

  /** Most of what a node does waits for nothing, and what waits for nothing makes no promise. */
  #untilItFails(run: Action): void | Promise<void> {
    try {
      return run()?.catch((error: unknown) => {
        this.#fail(error)
      })
    } catch (error) {
      this.#fail(error)
    }
  }

  #clock(): Clock {
    const { scheduler, chain } = this.#env
    return {
      monotonicMs: scheduler.nowMs - this.#bootMs,
      wallMs: chain.createdMs + Math.floor(scheduler.nowMs) + this.#skewMs,
    }
  }

  #turn(): void | Promise<void> {
    const replica = this.#replica
    if (replica === null) return
    const clock = this.#clock()
    const records: StoreRecord[] = []
    const rest: Effect[] = []
    for (const input of this.#inputs.splice(0, LIMITS.inputsPerWrite)) {
      for (const effect of replica.step(input, clock)) {
        if (effect.type === 'store') records.push(effect.record)
        else if (effect.type === 'assess') this.#assess(effect.batch)
        else rest.push(effect)
      }
    }
    if (records.length > 0) return this.#write(records, rest)
    return this.#afterWrites(rest, false)
  }

  async #write(records: readonly StoreRecord[], rest: readonly Effect[]): Promise<void> {
    // A full disk ends a node before anything of the step is written.
    this.#passBoundary('store-full')
    for (const record of records)
      if (record.kind === 'batch')
        this.#unsynced.add(batchKey({ ...record.batch.batch, digest: record.batch.digest }))
    await this.#store.write(records, true)
    await this.#afterWrites(rest, true)
  }

  #afterWrites(rest: readonly Effect[], written: boolean): void | Promise<void> {
    this.#passBoundary('store-appended')
    const needsSync = written || this.#signer?.dirty === true
    if (!needsSync && this.#env.scheduler.isClear) return this.#commit(rest, false)
    const fsyncMs = needsSync ? this.#prng.real(0.2, this.#options.fsyncMs) : 0
    this.#inLife(fsyncMs, () => this.#commit(rest, written))
  }

  #commit(rest: readonly Effect[], written: boolean): void | Promise<void> {
    if (written) {
      this.#disks.database.sync()
      this.#unsynced.clear()
    }
    this.#passBoundary('store-synced')
    // Where a planned death is among the effects is drawn even if there are none.
    const hasMore = rest.length > 0 || this.#signer?.dirty === true || this.#killAt === 'sent-some'
    if (hasMore) return this.#flushAndSend(rest)
    this.#endTurn()
  }

  async #flushAndSend(effects: readonly Effect[]): Promise<void> {
    if (this.#signer?.dirty === true) await this.#signer.flush()
    const dieAfter = this.#killAt === 'sent-some' ? this.#prng.int(0, effects.length) : -1
    let sent = 0
    for (const effect of effects) {
      if (sent++ === dieAfter) this.#passBoundary('sent-some')
      const pending = this.#dispatch(effect)
      if (pending !== undefined) await pending
    }
    this.#endTurn()
  }

  #endTurn(): void {
    this.#busy = false
    if (this.#inputs.length > 0) this.#startTurn()
    else this.#armTick()
  }

  #armTick(): void {
    const { scheduler } = this.#env
    const next = this.#replica?.nextDeadlineMs() ?? Infinity
    if (next !== Infinity)
      this.#tick.set(scheduler.nowMs + Math.max(TURN_MS, this.#bootMs + next - scheduler.nowMs))
  }

  #onTick(): void {
    if (this.#isPaused) {
      this.#tick.set(this.#pausedUntilMs)
      return
    }
    this.#countTick()
    this.input({ type: 'tick' })
  }

  #countTick(): void {
    const windowMs = Math.floor(this.#env.scheduler.nowMs / 100)
    if (windowMs !== this.#ticks.windowMs) this.#ticks = { windowMs, count: 0 }
    if (++this.#ticks.count > TICKS_PER_100_MS) throw new Violation(`${this.name} asks for ticks without end`)
  }

  #assess(signed: SignedBatch): void {
    const { batch, digest } = signed
    const ref: BatchRef = { epoch: batch.epoch, author: batch.author, seq: batch.seq, digest }
    this.#inLife(this.#prng.real(0.2, 10), () => {
      const valid = batch.txs.every((tx) => decodeTx(tx).valid)
      const opinion =
        this.#options.twist?.flags?.(batch.txs) ?? honestFlags(batch.txs, this.#self() ?? this.index)
      // A model is never asked twice with the same memory: its scores would differ the second time.
      const flags = opinion.map((flag) => ({ ...flag, score: this.#prng.int(128, 255) }))
      this.input({ type: 'assessed', ref, valid, flags, modelId: new Uint8Array(32) })
    })
  }

  #dispatch(effect: Effect): void | Promise<void> {
    switch (effect.type) {
      case 'send':
        this.#send(effect.to, effect.message)
        return
      case 'publish-batch':
        for (const to of this.#audience()) this.#env.gossipBatch(this.index, to, effect.batch)
        return
      case 'publish-block':
        this.#env.gossipBlock(this.index, effect.finalized)
        return
      case 'deliver':
        return this.#deliver(effect.block)
      case 'batches-held':
        return this.#executeNext()
      case 'penalize':
        this.#env.penalized(this, effect)
        return
      case 'offence':
        this.#env.accused(this, effect)
        return
      case 'note':
        this.#env.note(this, effect.note)
        return
      case 'store':
      case 'assess':
        return
    }
  }

  #others(): number[] {
    return [...this.#env.peers.keys()].filter((index) => index !== this.index)
  }

  #audience(): readonly number[] {
    return this.#options.twist?.audience?.(this.#others()) ?? this.#others()
  }

  #send(target: Target, message: Message): void {
    const leaving = this.#options.twist?.outgoing?.(message)
    if (leaving === undefined) this.#sendNow(target, message)
    else for (const each of leaving) this.#sendTwisted(target, each)
  }

  #sendTwisted(target: Target, { message, delayMs = 0 }: Outgoing): void {
    if (delayMs === 0) this.#sendNow(target, message)
    else
      this.#inLife(delayMs, () => {
        this.#sendNow(target, message)
      })
  }

  #sendNow(target: Target, message: Message): void {
    for (const to of this.#receivers(target)) if (to !== this.index) this.#env.send(this.index, to, message)
  }

  #receivers(target: Target): readonly number[] {
    switch (target.kind) {
      case 'validators':
        return this.#env.nodesOf.map((nodes) => this.#oneOf(nodes))
      case 'validator':
        return [this.#oneOf(this.#env.nodesOf[target.index] as readonly number[])]
      case 'peer':
        return [Number(target.id.slice(1))]
      case 'anyone': {
        // In turn, as `node/exchange.ts`: after so many failures everybody was asked.
        const others = this.#others()
        return [others[this.#asked++ % others.length] as number]
      }
    }
  }

  /** Of twins one, as a peer has a connection to one of them at a time. */
  #oneOf(nodes: readonly number[]): number {
    return nodes.length < 2 ? (nodes[0] as number) : this.#prng.pick(nodes)
  }

  async #answerBlocks(to: number, digest: Uint8Array, maxBlocks: number): Promise<void> {
    const blocks: Block[] = []
    for (let wanted = digest; blocks.length < Math.min(maxBlocks, LIMITS.blocksPerPage); ) {
      const block = await this.#store.block(wanted).catch(notAnswered)
      if (block === null) break
      blocks.push(block)
      wanted = block.parentDigest
    }
    if (blocks.length > 0) this.#send({ kind: 'peer', id: `n${to}` }, { type: 'blocks', blocks })
  }

  async #answerBatches(to: number, refs: readonly BatchRef[]): Promise<void> {
    const bodies = await Promise.all(refs.map((ref) => this.#store.batch(ref)))
    const batches = bodies.filter((batch) => batch !== null)
    // As a page that is full: what does not fit is asked for again.
    if (batches.length > 0)
      this.#send(
        { kind: 'peer', id: `n${to}` },
        { type: 'batches', batches: batches.slice(0, this.#prng.pick([1, 4, 16])) },
      )
  }

  // ---- execution ----

  async #deliver(block: Block): Promise<void> {
    if (block.height !== this.#deliveredHeight + 1) {
      throw new Violation(`${this.name} delivered height ${block.height} after ${this.#deliveredHeight}`)
    }
    this.#deliveredHeight = block.height
    this.#env.delivered(this, block)
    this.#toExecute.push(block)
    await this.#executeNext()
  }

  async #executeNext(): Promise<void> {
    while (this.#toExecute[0] !== undefined && this.#toExecute[0].height <= this.#app.height)
      this.#toExecute.shift()
    const block = this.#toExecute[0]
    if (this.#executing || block === undefined) return
    const bodies = await this.#bodies(block)
    if (bodies === null) return
    this.#executing = true
    this.#inLife(this.#prng.real(0.2, this.#options.executeMs), () => this.#execute(block, bodies))
  }

  /** Null: some are missing; they are asked for. */
  async #bodies(block: Block): Promise<(readonly Uint8Array[] | null)[] | null> {
    const skips = this.#app.skips(block)
    const batches = await Promise.all(
      block.payload.map((certificate, i) =>
        skips[i] === true ? Promise.resolve(null) : this.#syncedBatch(this.#refOf(certificate)),
      ),
    )
    const missing: BatchCertificate[] = block.payload.filter(
      (_, i) => skips[i] !== true && batches[i] === null,
    )
    if (missing.length === 0) return batches.map((batch) => batch?.batch.txs ?? null)
    this.input({ type: 'need-batches', certificates: missing })
    return null
  }

  /** A synced write of LevelDB cannot be read before it is on disk. */
  #syncedBatch(ref: BatchRef): Promise<SignedBatch | null> {
    return this.#unsynced.has(batchKey(ref)) ? Promise.resolve(null) : this.#store.batch(ref)
  }

  #refOf(certificate: BatchCertificate): BatchRef {
    const { epoch, author, seq } = certificate
    return { epoch, author, seq, digest: batchDigestOfCertificate(this.#env.set.context, certificate) }
  }

  async #execute(block: Block, bodies: readonly (readonly Uint8Array[] | null)[]): Promise<void> {
    this.#executing = false
    this.#toExecute.shift()
    const execution = await this.#app.execute(block, bodies)
    const refs = block.payload.map((certificate) => this.#refOf(certificate))
    await this.#store.markOrdered(refs)
    this.#executedRefs.push(...refs.filter((_, i) => execution.batches[i] !== null))
    this.#settlePending()
    this.#env.executed(this, block, bodies, execution)
    if (execution.nextDueMs !== this.#nextDueMs) {
      this.#nextDueMs = execution.nextDueMs
      this.input({ type: 'next-due', timeMs: this.#nextDueMs })
    }
    this.input({ type: 'executed', result: execution.result })
    await this.#executeNext()
  }
}

/** As `node/answers.ts`: a damaged record is not sent. */
function notAnswered(error: unknown): null {
  if (error instanceof CordonError) return null
  throw error
}
