/**
 * One real `Ordering` with its real signer, taking the steps of the model: an input with its whole reaction, which may be
 * cut off where a process can die. Missing blocks come at once, execution and time stand still, as in the model.
 */
import type { Ordering as OrderingEngine } from '../../consensus/ordering.ts'
import { Ordering } from '../../consensus/ordering.ts'
import type { PayloadSource } from '../../consensus/payload-source.ts'
import type { Clock, Effect, Signer, StoreRecord } from '../../consensus/replica-types.ts'
import { openSigner } from '../../consensus/signer.ts'
import type {
  Block,
  Certificate,
  Message,
  ProposalMessage,
  ValidatorSet,
  Vote,
} from '../../consensus/types.ts'
import { makeParameters } from '../../config/parameters.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { CREATED_MS, digestOf, GENESIS_HASH, keyPair } from '../consensus/fixtures.ts'
import { MemoryJournal } from '../consensus/memory-journal.ts'
import type { Fate } from './trace.ts'

export const STATE_ROOT: Uint8Array = digestOf('genesis state')
/** The wall clock of everybody, for ever. */
export const WALL_MS: number = CREATED_MS + 1_000
/** Longer than any timer of a view. */
const TIMER_MS = 120_000

/** There is always something to order, so no leader waits; what it is does not matter here. */
const ALWAYS_BUSY: PayloadSource = {
  select: () => [],
  check: () => null,
  hasOrderable: () => true,
  onDelivered: () => undefined,
}

export interface EngineNodeOptions {
  readonly set: ValidatorSet
  readonly index: number
  /** A block of the network, and its ancestors, by digest. */
  readonly blockOf: (hex: string) => Block | null
  /** Told of every proposal that reaches the disk. */
  readonly onProposalStored: (message: ProposalMessage) => void
}

export class EngineNode {
  readonly index: number
  readonly certificates: Map<string, Certificate> = new Map()
  /** Digests of final blocks, ascending. */
  readonly final: { readonly height: number; readonly digest: Uint8Array }[] = []
  readonly #proposals = new Map<number, ProposalMessage>()
  readonly #blocks = new Map<string, Block>()
  readonly #options: EngineNodeOptions
  #journal = new MemoryJournal()
  #signer: Signer | null = null
  #ordering: OrderingEngine | null = null
  #effects: Effect[] = []
  #monotonicMs = 0

  constructor(options: EngineNodeOptions) {
    this.#options = options
    this.index = options.index
  }

  get ordering(): OrderingEngine | null {
    return this.#ordering
  }

  /** Votes in the journal above the last final view. */
  async durableVotes(): Promise<ReturnType<Signer['ownVotes']>> {
    const signer = await this.#openSigner(new MemoryJournal(this.#journal.afterCrash().bytes))
    return signer.ownVotes()
  }

  #openSigner(storage: MemoryJournal): Promise<Signer> {
    const { set, index } = this.#options
    const key = { sign: (message: Uint8Array) => sign(message, keyPair(index).secretKey) }
    return openSigner({ set, index, storage, key })
  }

  /** Starts, or starts again, and returns what it sends. */
  async start(): Promise<Message[]> {
    const { set, index } = this.#options
    this.#signer = await this.#openSigner(this.#journal)
    const newest = this.final.at(-1)
    this.#ordering = new Ordering({
      set,
      chain: { genesisHash: GENESIS_HASH, createdMs: CREATED_MS, stateRoot: STATE_ROOT },
      parameters: makeParameters('devnet'),
      self: index,
      signer: this.#signer,
      verifier: { verify },
      payload: ALWAYS_BUSY,
      restored: {
        certificates: [...this.certificates.values()],
        proposals: [...this.#proposals.values()],
        blocks: [...this.#blocks]
          .filter(([, block]) => block.height >= (newest?.height ?? 0))
          .map(([hex, block]) => ({ digest: Buffer.from(hex, 'hex'), block })),
        delivered: newest ?? null,
        finalBlocks: [],
        batches: [],
        executed: [],
      },
      emit: (effect) => this.#effects.push(effect),
    })
    return this.step((engine, clock) => engine.start(clock), 'Done')
  }

  crash(): void {
    this.#ordering = null
    this.#signer = null
    this.#effects = []
    this.#journal = this.#journal.afterCrash()
  }

  /** All timers of the view fire. */
  fireTimers(fate: Fate): Promise<Message[]> {
    this.#monotonicMs += TIMER_MS
    return this.step((engine, clock) => engine.tick(clock), fate)
  }

  /** One input with everything that follows from it, as far as `fate` lets it come. Returns what is sent to validators. */
  async step(input: (engine: OrderingEngine, clock: Clock) => void, fate: Fate): Promise<Message[]> {
    const engine = this.#ordering
    if (engine === null) throw new Error(`validator ${this.index} is down`)
    const clock = { monotonicMs: this.#monotonicMs, wallMs: WALL_MS }
    input(engine, clock)
    const effects: Effect[] = []
    for (let batch = this.#takeEffects(); batch.length > 0; batch = this.#takeEffects()) {
      effects.push(...batch)
      for (const digest of wantedBlocks(batch))
        engine.onBlocks({ id: 'network', validator: null }, this.#chainDownFrom(digest), clock)
    }
    if (fate === 'BeforeStore') return this.#die()
    for (const effect of effects) if (effect.type === 'store') this.#store(effect.record)
    if (fate === 'BeforeJournal') return this.#die()
    if (this.#signer?.dirty === true) await this.#signer.flush()
    if (fate === 'BeforeSend') return this.#die()
    return effects.filter((effect) => effect.type === 'send').map(({ message }) => message)
  }

  #die(): Message[] {
    this.crash()
    return []
  }

  #takeEffects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #chainDownFrom(digest: Uint8Array): Block[] {
    const blocks: Block[] = []
    for (
      let block = this.#options.blockOf(toHex(digest));
      block !== null;
      block = this.#options.blockOf(toHex(block.parentDigest))
    )
      blocks.push(block)
    return blocks
  }

  #store(record: StoreRecord): void {
    switch (record.kind) {
      case 'certificate':
        this.certificates.set(`${record.certificate.kind} ${record.certificate.view}`, record.certificate)
        return
      case 'proposal':
        this.#proposals.set(record.proposal.proposal.view, record.proposal)
        this.#options.onProposalStored(record.proposal)
        return
      case 'block':
        this.#blocks.set(toHex(record.digest), record.block)
        return
      case 'delete-block':
        this.#blocks.delete(toHex(record.digest))
        return
      case 'finalized':
        this.final.push({ height: record.height, digest: record.digest })
        return
      default:
        return
    }
  }
}

function wantedBlocks(effects: readonly Effect[]): Uint8Array[] {
  const wanted = new Map<string, Uint8Array>()
  for (const effect of effects)
    if (effect.type === 'send' && effect.message.type === 'block-request')
      wanted.set(toHex(effect.message.digest), effect.message.digest)
  return [...wanted.values()]
}

/** The votes among messages; a proposal is its leader's notarize vote. */
export function votesIn(messages: readonly Message[]): Vote[] {
  return messages.filter((message) => message.type === 'vote').map(({ vote }) => vote)
}
