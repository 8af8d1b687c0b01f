/**
 * A tiny network of `Ordering` instances for directed scenarios: virtual time, messages delivered in order of their due
 * time, a rule per test that may delay, drop or change them. Stores and signers survive `crash`. Execution is a hash chain.
 */
import { makeParameters, type Parameters } from '../../config/parameters.ts'
import { toHex } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { Ordering } from '../../consensus/ordering.ts'
import type { Offence } from '../../consensus/evidence.ts'
import type { Excluded, PayloadSource } from '../../consensus/payload-source.ts'
import type {
  Clock,
  Effect,
  ExecutionResult,
  Note,
  Peer,
  Restored,
  Signer,
  StoreRecord,
} from '../../consensus/replica-types.ts'
import { openSigner } from '../../consensus/signer.ts'
import type {
  BatchCertificate,
  Block,
  Certificate,
  Message,
  ProposalMessage,
  ValidatorSet,
} from '../../consensus/types.ts'
import { batchDigestOfCertificate, decodeMessage, encodeMessage } from '../../consensus/wire.ts'
import { batchCertificate, CREATED_MS, digestOf, GENESIS_HASH, keyPair, validatorSet } from './fixtures.ts'
import { MemoryJournal } from './memory-journal.ts'

export const LINK_MS = 5
const STATE_ROOT = digestOf('genesis state')

/** What happens to a message: milliseconds until it arrives, or null: lost. */
export type LinkRule = (from: number, to: number, message: Message) => number | null

interface Stored {
  certificates: Map<string, Certificate>
  proposals: Map<number, ProposalMessage>
  blocks: Map<string, Block>
  final: { height: number; digest: Uint8Array; block: Block }[]
}

export interface Faults {
  /** Records are lost at the next crash while set: to show what a durability rule is for. */
  readonly loses?: (record: StoreRecord) => boolean
}

/** Certificates to order, by hand. */
class HandMadePayload implements PayloadSource {
  readonly #context: Uint8Array
  readonly open = new Map<string, BatchCertificate>()

  constructor(context: Uint8Array) {
    this.#context = context
  }

  #key(certificate: BatchCertificate): string {
    return toHex(batchDigestOfCertificate(this.#context, certificate))
  }

  offer(certificate: BatchCertificate): void {
    this.open.set(this.#key(certificate), certificate)
  }

  select({ excluded }: { readonly excluded: Excluded }): readonly BatchCertificate[] {
    return this.#orderable(excluded)
  }

  #orderable(excluded: Excluded): BatchCertificate[] {
    const context = this.#context
    return [...this.open.values()].filter(
      (certificate) => !excluded({ ...certificate, digest: batchDigestOfCertificate(context, certificate) }),
    )
  }

  check(certificate: BatchCertificate): string | null {
    return certificate.txCount === 0 ? 'empty' : null
  }

  hasOrderable(excluded: Excluded): boolean {
    return this.#orderable(excluded).length > 0
  }

  onDelivered(block: Block): void {
    for (const certificate of block.payload) this.open.delete(this.#key(certificate))
  }
}

export class VirtualNode {
  readonly index: number
  readonly network: VirtualNetwork
  readonly stored: Stored = { certificates: new Map(), proposals: new Map(), blocks: new Map(), final: [] }
  readonly notes: Note[] = []
  readonly penalties: string[] = []
  readonly offences: Offence[] = []
  readonly gossiped: Block[] = []
  journal: MemoryJournal = new MemoryJournal()
  payload: HandMadePayload
  executes = true
  /** Told of every record. */
  onRecord: (record: StoreRecord) => void = () => undefined
  ordering: Ordering | null = null
  #signer: Signer | null = null
  #effects: Effect[] = []
  #results: ExecutionResult[] = []
  readonly #faults: Faults

  constructor(network: VirtualNetwork, index: number, faults: Faults) {
    this.network = network
    this.index = index
    this.#faults = faults
    this.payload = new HandMadePayload(network.set.context)
  }

  get isValidator(): boolean {
    return this.index < this.network.set.validators.length
  }

  get engine(): Ordering {
    if (this.ordering === null) throw new Error(`node ${this.index} is down`)
    return this.ordering
  }

  /** Digests of the final chain, ascending. */
  get chain(): string[] {
    return this.stored.final.map(({ digest }) => toHex(digest))
  }

  /** Newest final height. */
  get height(): number {
    return this.stored.final.length
  }

  /** @param lost as the operator's flag: the signer has lost its table. */
  async start(lost?: { readonly firstBatchSeq: number }): Promise<void> {
    const { set, parameters } = this.network
    if (this.isValidator) {
      this.#signer = await openSigner({
        set,
        index: this.index,
        storage: this.journal,
        key: { sign: (message) => sign(message, keyPair(this.index).secretKey) },
        ...(lost !== undefined && { lost }),
      })
    }
    this.ordering = new Ordering({
      set,
      chain: { genesisHash: GENESIS_HASH, createdMs: CREATED_MS, stateRoot: STATE_ROOT },
      parameters,
      self: this.isValidator ? this.index : null,
      signer: this.#signer,
      verifier: { verify },
      payload: this.payload,
      restored: this.#restored(),
      emit: (effect) => this.#effects.push(effect),
    })
    await this.step((engine, clock) => engine.start(clock))
  }

  #restored(): Restored {
    const newest = this.stored.final.at(-1)
    const blocks = [...this.stored.blocks.values()].filter(
      (block) => newest === undefined || block.height >= newest.height,
    )
    return {
      certificates: [...this.stored.certificates.values()],
      proposals: [...this.stored.proposals.values()],
      blocks: [...this.stored.blocks]
        .filter(([, block]) => blocks.includes(block))
        .map(([hex, block]) => ({ digest: Buffer.from(hex, 'hex'), block })),
      delivered: newest === undefined ? null : { height: newest.height, digest: newest.digest },
      finalBlocks: [],
      batches: [],
      executed: this.#results,
    }
  }

  crash(): void {
    this.ordering = null
    this.#effects = []
    this.journal = this.journal.afterCrash()
  }

  /** One input; then what it wants stored is stored, the journal flushed, and the rest done, as a driver would. */
  async step(input: (engine: Ordering, clock: Clock) => void): Promise<void> {
    if (this.ordering === null) return
    input(this.ordering, this.network.clock)
    const effects = this.#effects
    this.#effects = []
    for (const effect of effects) if (effect.type === 'store') this.#store(effect.record)
    if (this.#signer?.dirty === true) await this.#signer.flush()
    for (const effect of effects) await this.#dispatch(effect)
  }

  #store(record: StoreRecord): void {
    this.onRecord(record)
    if (this.#faults.loses?.(record) === true) return
    const { certificates, proposals, blocks, final } = this.stored
    if (record.kind === 'certificate')
      certificates.set(`${record.certificate.kind} ${record.certificate.view}`, record.certificate)
    else if (record.kind === 'proposal') proposals.set(record.proposal.proposal.view, record.proposal)
    else if (record.kind === 'block') blocks.set(toHex(record.digest), record.block)
    else if (record.kind === 'delete-block') blocks.delete(toHex(record.digest))
    else if (record.kind === 'finalized')
      final.push({
        height: record.height,
        digest: record.digest,
        block: blocks.get(toHex(record.digest)) as Block,
      })
  }

  async #dispatch(effect: Effect): Promise<void> {
    if (effect.type === 'send') this.network.route(this.index, effect)
    else if (effect.type === 'note') this.notes.push(effect.note)
    else if (effect.type === 'offence') this.offences.push(effect.offence)
    else if (effect.type === 'penalize') this.penalties.push(`${effect.why}: ${effect.detail}`)
    else if (effect.type === 'publish-block') this.network.gossip(this, effect)
    else if (effect.type === 'deliver' && this.executes) await this.execute(effect.block)
  }

  async execute(block: Block): Promise<void> {
    const before = this.#results.at(-1)?.stateRoot ?? STATE_ROOT
    const result: ExecutionResult = {
      height: block.height,
      timeMs: block.timeMs,
      stateRoot: hash('state-node', before, this.stored.final[block.height - 1]?.digest ?? STATE_ROOT),
      receiptsRoot: digestOf(`receipts ${block.height}`),
      hadWork: block.payload.length > 0,
    }
    this.#results = [...this.#results, result]
    this.network.later(1, () => this.step((engine, clock) => engine.onExecuted(result, clock)))
  }

  async receive(from: Peer, message: Message): Promise<void> {
    if (message.type === 'block-request') {
      this.#answerBlocks(from, message.digest, message.maxBlocks)
      return
    }
    await this.step((engine, clock) => {
      if (message.type === 'proposal') engine.onProposal(from, message.proposal, clock)
      else if (message.type === 'vote') engine.onVote(from, message.vote, clock)
      else if (message.type === 'certificate') engine.onCertificate(from, message.certificate, clock)
      else if (message.type === 'certificates') engine.onCertificates(from, message.certificates, clock)
      else if (message.type === 'certificates-request')
        engine.onCertificatesRequest(from, message.fromView, message.toView, clock)
      else if (message.type === 'blocks') engine.onBlocks(from, message.blocks, clock)
    })
  }

  #answerBlocks(from: Peer, digest: Uint8Array, maxBlocks: number): void {
    if (this.ordering === null) return
    const blocks: Block[] = []
    for (
      let block = this.stored.blocks.get(toHex(digest));
      block !== undefined && blocks.length < maxBlocks;
      block = this.stored.blocks.get(toHex(block.parentDigest))
    ) {
      blocks.push(block)
    }
    if (blocks.length > 0)
      this.network.route(this.index, {
        type: 'send',
        to: { kind: 'peer', id: from.id },
        message: { type: 'blocks', blocks },
      })
  }

  offer(author: number, seq: number): Promise<void> {
    this.payload.offer(batchCertificate(this.network.set, author, seq, [0, 1, 2]))
    return this.step((engine, clock) => engine.onWork(clock))
  }

  /** For sets that cannot certify with the usual three signers. */
  offerAlone(seq: number): Promise<void> {
    this.payload.offer(batchCertificate(this.network.set, 0, seq, [0]))
    return this.step((engine, clock) => engine.onWork(clock))
  }

  /** The ledger's folder was lost, too. */
  forgetResults(): void {
    this.#results = []
  }

  noted(kind: Note['kind']): Note[] {
    return this.notes.filter((note) => note.kind === kind)
  }
}

export interface NetworkOptions {
  readonly weights?: readonly bigint[]
  readonly followers?: number
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly faults?: (index: number) => Faults
}

interface NetworkEvent {
  readonly atMs: number
  readonly order: number
  readonly run: () => Promise<void> | void
}

export class VirtualNetwork {
  readonly set: ValidatorSet
  readonly parameters: Parameters
  readonly nodes: readonly VirtualNode[]
  nowMs = 0
  /** Replaced by tests. */
  link: LinkRule = () => LINK_MS
  /** Every message that was sent, for counting. */
  sent: { readonly from: number; readonly to: number; readonly message: Message }[] = []
  #events: NetworkEvent[] = []
  #order = 0

  constructor(options: NetworkOptions = {}) {
    this.set = validatorSet(options.weights)
    this.parameters = makeParameters('devnet', options.parameters)
    const count = this.set.validators.length + (options.followers ?? 0)
    this.nodes = Array.from(
      { length: count },
      (_, index) => new VirtualNode(this, index, options.faults?.(index) ?? {}),
    )
  }

  get clock(): Clock {
    return { monotonicMs: this.nowMs, wallMs: CREATED_MS + 1_000 + this.nowMs }
  }

  node(index: number): VirtualNode {
    return this.nodes[index] as VirtualNode
  }

  async startAll(indexes: readonly number[] = [...this.nodes.keys()]): Promise<void> {
    for (const index of indexes) await this.node(index).start()
  }

  later(delayMs: number, run: () => Promise<void> | void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, order: this.#order++, run })
  }

  #targets(from: number, to: Extract<Effect, { type: 'send' }>['to']): number[] {
    if (to.kind === 'validators') return [...this.set.validators.keys()].filter((index) => index !== from)
    if (to.kind === 'validator') return [to.index]
    if (to.kind === 'peer') return [Number(to.id)]
    return [(from + 1 + (this.#order % (this.set.validators.length - 1))) % this.set.validators.length]
  }

  route(from: number, { to, message }: Extract<Effect, { type: 'send' }>): void {
    for (const target of this.#targets(from, to)) {
      this.sent.push({ from, to: target, message })
      const delayMs = this.link(from, target, message)
      if (delayMs === null) continue
      // Over the wire and back, so that no test rests on shared objects.
      const copy = decodeMessage(encodeMessage(message))
      this.later(delayMs, () => this.deliver(from, target, copy))
    }
  }

  deliver(from: number, to: number, message: Message): Promise<void> {
    const validator = from < this.set.validators.length ? from : null
    return this.node(to).receive({ id: String(from), validator }, message)
  }

  gossip(from: VirtualNode, { finalized }: Extract<Effect, { type: 'publish-block' }>): void {
    from.gossiped.push(finalized.block)
    for (const node of this.nodes) {
      if (node === from || this.link(from.index, node.index, { type: 'blocks', blocks: [] }) === null)
        continue
      this.later(LINK_MS, () =>
        node.step((engine, clock) =>
          engine.onFinalizedBlock({ id: String(from.index), validator: null }, finalized, clock),
        ),
      )
    }
  }

  /** Runs until `until` holds or the time is up; returns whether it held. */
  async run(maxMs: number, until: () => boolean = () => false): Promise<boolean> {
    const endMs = this.nowMs + maxMs
    while (!until()) {
      const event = this.#nextEvent()
      const deadline = this.#nextDeadline()
      const atMs = Math.min(event?.atMs ?? Infinity, deadline.atMs)
      if (atMs > endMs) {
        this.nowMs = endMs
        return false
      }
      this.nowMs = Math.max(this.nowMs, atMs)
      if (event !== null && event.atMs <= deadline.atMs) {
        this.#events.splice(this.#events.indexOf(event), 1)
        await event.run()
      } else {
        await deadline.node?.step((engine, clock) => engine.tick(clock))
      }
    }
    return true
  }

  #nextEvent(): NetworkEvent | null {
    let next: NetworkEvent | null = null
    for (const event of this.#events)
      if (next === null || event.atMs < next.atMs || (event.atMs === next.atMs && event.order < next.order))
        next = event
    return next
  }

  #nextDeadline(): { readonly atMs: number; readonly node: VirtualNode | null } {
    let next: { atMs: number; node: VirtualNode | null } = { atMs: Infinity, node: null }
    for (const node of this.nodes) {
      const atMs = node.ordering?.nextDeadlineMs() ?? Infinity
      if (atMs < next.atMs) next = { atMs, node }
    }
    return next
  }

  /** Loses everything that is under way. */
  dropInFlight(): void {
    this.#events = []
  }

  /** Fails unless all final chains are prefixes of the longest. */
  assertAgreement(): void {
    const longest = this.nodes
      .map((node) => node.chain)
      .reduce((best, chain) => (chain.length > best.length ? chain : best))
    for (const node of this.nodes) {
      node.chain.forEach((digest, position) => {
        if (digest !== longest[position])
          throw new Error(`node ${node.index} has another block at height ${position + 1}`)
      })
    }
  }

  minHeight(indexes: readonly number[] = [...this.nodes.keys()]): number {
    return Math.min(...indexes.map((index) => this.node(index).height))
  }
}
