/**
 * The adversary: holds the keys of the scripted validators, sees every message as it is sent, and does with them what
 * comes to its mind: proposes on any parent it knows, with or without the nullifications that belong there, shows
 * different blocks to different validators, votes for anything, keeps certificates to itself and shows them to one,
 * writes two batches under one number, puts invalid transactions into some, and leaves opinions out.
 */
import type { Parameters } from '../../config/parameters.ts'
import type { ChainStart } from '../../consensus/replica-types.ts'
import type { SigningKey } from '../../consensus/signer.ts'
import type {
  Ack,
  BatchCertificate,
  Block,
  CertifiedAck,
  Certificate,
  Flag,
  Message,
  Proposal,
  ProposalMessage,
  SignedBatch,
  ValidatorSet,
  Vote,
  VoteKind,
} from '../../consensus/types.ts'
import { inlineSkips } from '../../consensus/skips.ts'
import { leader } from '../../consensus/validator-set.ts'
import {
  ackMessage,
  batchDigestOfBatch,
  batchDigestOfCertificate,
  batchFields,
  batchMessage,
  blockDigest,
  justHash,
  proposalId,
  voteMessage,
} from '../../consensus/wire.ts'
import { EMPTY_ROOT } from '../../crypto/merkle.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { Prng } from './prng.ts'
import type { Scheduler } from './scheduler.ts'
import { encodeTx, type Suspicion } from './transactions.ts'

const MEMORY = 64
/** What others of its kind make up lies further ahead than this. */
const BELIEVABLE_VIEWS = 1_000

export interface AdversaryEnvironment {
  readonly set: ValidatorSet
  readonly chain: ChainStart
  readonly parameters: Parameters
  readonly keys: ReadonlyMap<number, SigningKey>
  readonly scheduler: Scheduler
  /** Validators and followers that run. */
  readonly victims: readonly number[]
  readonly send: (from: number, to: number, message: Message) => void
  readonly gossipBatch: (from: number, to: number, batch: SignedBatch) => void
  readonly nextTxId: () => number
  /** When it falls silent; Infinity: never. */
  readonly quietMs: number
}

interface Known {
  readonly proposal: Proposal
  readonly block: Block
}

export class Adversary {
  readonly #env: AdversaryEnvironment
  readonly #prng: Prng
  readonly #mine: readonly number[]
  readonly #quorum: bigint
  readonly #certificates = new Map<string, Certificate>()
  readonly #known = new Map<string, Known>()
  readonly #blocks = new Map<string, Block>()
  readonly #votes = new Map<string, { readonly vote: Vote; readonly bySigner: Map<number, Uint8Array> }>()
  readonly #batches = new Map<
    string,
    { readonly fields: Omit<BatchCertificate, 'acks'>; readonly acks: Map<number, CertifiedAck> }
  >()
  readonly #seen = new WeakSet()
  /** Most messages go to many, one after the other. */
  #newest: Message | null = null
  #topView = 1
  #seq = 1

  constructor(env: AdversaryEnvironment, prng: Prng) {
    this.#env = env
    this.#prng = prng
    this.#mine = [...env.keys.keys()].sort((a, b) => a - b)
    const total = env.set.validators.reduce((sum, { weight }) => sum + weight, 0n)
    this.#quorum = (2n * total) / 3n + 1n
  }

  start(): void {
    if (this.#mine.length > 0) this.#plan()
  }

  #plan(): void {
    this.#env.scheduler.after(this.#prng.real(3, 60), () => {
      if (this.#env.scheduler.nowMs >= this.#env.quietMs) return
      for (let i = this.#prng.int(1, 3); i > 0; i--) this.#act()
      this.#plan()
    })
  }

  // ---- what it sees ----

  learn(message: Message): void {
    if (this.#mine.length === 0 || message === this.#newest || this.#seen.has(message)) return
    this.#newest = message
    this.#seen.add(message)
    switch (message.type) {
      case 'vote':
        this.#learnVote(message.vote)
        return
      case 'certificate':
        this.#learnCertificate(message.certificate)
        return
      case 'certificates':
        for (const certificate of message.certificates) this.#learnCertificate(certificate)
        return
      case 'proposal':
        this.#learnProposal(message.proposal)
        return
      case 'blocks':
        for (const block of message.blocks) this.#blocks.set(toHex(blockDigest(block)), block)
        return
      case 'batch':
        this.learnBatch(message.batch)
        return
      case 'ack':
        this.#learnAck(message.ack)
        return
      case 'batch-certificate':
        for (const ack of message.certificate.acks)
          this.#entryOf(message.certificate)?.acks.set(ack.signer, ack)
        return
      default:
        return
    }
  }

  #learnVote(vote: Vote): void {
    if (vote.view > this.#topView + BELIEVABLE_VIEWS) return
    this.#topView = Math.max(this.#topView, vote.view)
    const key = voteKey(vote.kind, vote.view, vote.pid)
    const entry = this.#votes.get(key) ?? { vote, bySigner: new Map<number, Uint8Array>() }
    this.#votes.set(key, entry)
    entry.bySigner.set(vote.signer, vote.signature)
    forget(this.#votes, 8 * MEMORY)
  }

  #learnCertificate(certificate: Certificate): void {
    if (certificate.view > this.#topView + BELIEVABLE_VIEWS) return
    this.#topView = Math.max(this.#topView, certificate.view + 1)
    this.#certificates.set(`${certificate.kind} ${certificate.view}`, certificate)
    forget(this.#certificates, 4 * MEMORY)
  }

  #learnProposal(message: ProposalMessage): void {
    const { proposal, block, parentCertificate, skips } = message
    this.#known.set(toHex(proposalId(this.#env.set.context, proposal)), { proposal, block })
    this.#blocks.set(toHex(proposal.blockDigest), block)
    forget(this.#known, MEMORY)
    forget(this.#blocks, 8 * MEMORY)
    if (parentCertificate !== null) this.#learnCertificate(parentCertificate)
    for (const skip of skips) this.#learnCertificate(skip)
    const signer = leader(this.#env.set, proposal.view)
    const pid = proposalId(this.#env.set.context, proposal)
    this.#learnVote({
      kind: 'notarize',
      epoch: proposal.epoch,
      view: proposal.view,
      pid,
      signer,
      signature: message.signature,
    })
  }

  learnBatch(signed: SignedBatch): void {
    if (this.#mine.length === 0 || this.#seen.has(signed)) return
    this.#seen.add(signed)
    this.#batches.set(toHex(signed.digest), { fields: batchFields(signed.batch), acks: new Map() })
    forget(this.#batches, MEMORY)
    if (this.#prng.chance(0.5)) this.#ackBatch(signed)
  }

  #learnAck(ack: Ack): void {
    // A replayed garbled one may name anybody.
    if (this.#env.set.validators[ack.signer] === undefined) return
    this.#batches.get(toHex(ack.digest))?.acks.set(ack.signer, ack)
  }

  #entryOf(certificate: BatchCertificate): { readonly acks: Map<number, CertifiedAck> } | undefined {
    return this.#batches.get(toHex(batchDigestOfCertificate(this.#env.set.context, certificate)))
  }

  // ---- what it does ----

  #act(): void {
    const choice = this.#prng.real(0, 1)
    if (choice < 0.35) this.#propose()
    else if (choice < 0.75) this.#vote()
    else if (choice < 0.85) this.#showCertificate()
    else if (choice < 0.95) this.#writeBatches()
    else this.#showBatchCertificate()
  }

  #keyOf(index: number): SigningKey {
    const key = this.#env.keys.get(index)
    if (key === undefined) throw new Error(`the adversary has no key of validator ${index}`)
    return key
  }

  #audience(): number[] {
    return this.#prng.sample(this.#env.victims, this.#prng.int(0, this.#env.victims.length))
  }

  /** One or two blocks in a view that a faulty validator leads, each shown to an audience of its own. */
  #propose(): void {
    const view = Math.max(1, this.#topView + this.#prng.int(-2, 1))
    const me = leader(this.#env.set, view)
    if (!this.#mine.includes(me)) return
    this.#formCertificates()
    for (let i = this.#prng.int(1, 2); i > 0; i--) {
      const message = this.#makeProposal(me, view)
      if (message === null) return
      this.#learnProposal(message)
      for (const to of this.#audience()) this.#env.send(me, to, { type: 'proposal', proposal: message })
    }
  }

  #makeProposal(me: number, view: number): ProposalMessage | null {
    const { set } = this.#env
    const parentCertificate = this.#pickParent(view)
    const parent = this.#blockOf(parentCertificate)
    if (parentCertificate !== null && parent === null) return null
    const parentView = parentCertificate?.view ?? 0
    const held: Certificate[] = []
    for (let between = parentView + 1; between < view; between++) {
      const skip = this.#certificates.get(`nullify ${between}`)
      if (skip !== undefined) held.push(skip)
    }
    const skips = inlineSkips(held)
    const block = this.#makeBlock(me, parent)
    const proposal: Proposal = {
      epoch: set.epoch,
      view,
      parentView,
      blockDigest: blockDigest(block),
      justHash: justHash(parentCertificate, skips),
    }
    const message = voteMessage(set.context, 'notarize', set.epoch, view, proposalId(set.context, proposal))
    return { proposal, block, parentCertificate, skips, signature: this.#keyOf(me).sign(message) }
  }

  /** Mostly the newest one below the view; at times an older one, or genesis (null). */
  #pickParent(view: number): Certificate | null {
    const parents = [...this.#certificates.values()].filter(
      ({ kind, view: below }) => kind !== 'nullify' && below < view,
    )
    parents.sort((a, b) => a.view - b.view)
    if (this.#prng.chance(0.05)) return null
    return this.#prng.chance(0.7) ? (parents.at(-1) ?? null) : this.#prng.pick([...parents.slice(-6), null])
  }

  #blockOf(certificate: Certificate | null): Block | null {
    const digest = certificate?.proposal?.blockDigest
    return digest === undefined ? null : (this.#blocks.get(toHex(digest)) ?? null)
  }

  /** Valid as to everything but, maybe, its time and its place. */
  #makeBlock(me: number, parent: Block | null): Block {
    const { set, chain, scheduler } = this.#env
    const aboutNowMs = chain.createdMs + Math.floor(scheduler.nowMs) + this.#prng.int(-50, 300)
    const executed = parent?.executed ?? { height: 0, stateRoot: chain.stateRoot, resultsRoot: EMPTY_ROOT }
    return {
      genesisHash: chain.genesisHash,
      height: (parent?.height ?? 0) + 1,
      parentDigest: parent === null ? chain.genesisHash : blockDigest(parent),
      epoch: set.epoch,
      author: me,
      timeMs: Math.max((parent?.timeMs ?? chain.createdMs) + 1, aboutNowMs),
      payload: this.#payload(),
      executed: { ...executed, resultsRoot: EMPTY_ROOT },
      validatorSetHash: set.hash,
      nextValidatorSetHash: set.hash,
    }
  }

  /** Certificates with as few opinions as possible; also some that are in earlier blocks. */
  #payload(): BatchCertificate[] {
    const certified = [...this.#batches.values()].flatMap(
      ({ fields, acks }) => this.#certify(fields, acks) ?? [],
    )
    return this.#prng.sample(certified, this.#prng.int(0, Math.min(3, certified.length)))
  }

  #certify(
    fields: Omit<BatchCertificate, 'acks'>,
    acks: ReadonlyMap<number, CertifiedAck>,
  ): BatchCertificate | null {
    const chosen: CertifiedAck[] = []
    let weight = 0n
    for (const ack of [...acks.values()].sort((a, b) => a.flags.length - b.flags.length)) {
      if (weight >= this.#quorum) break
      chosen.push({ signer: ack.signer, flags: ack.flags, modelId: ack.modelId, signature: ack.signature })
      weight += this.#env.set.validators[ack.signer]?.weight ?? 0n
    }
    return weight < this.#quorum ? null : { ...fields, acks: chosen.sort((a, b) => a.signer - b.signer) }
  }

  /** Certificates that it can put together from others' votes and its own. */
  #formCertificates(): void {
    for (const { vote, bySigner } of this.#votes.values()) {
      const proposal = vote.pid === null ? null : (this.#known.get(toHex(vote.pid))?.proposal ?? null)
      if (vote.pid !== null && proposal === null) continue
      const signers = [...bySigner.keys()].sort((a, b) => a - b)
      const weight = signers.reduce(
        (sum, signer) => sum + (this.#env.set.validators[signer]?.weight ?? 0n),
        0n,
      )
      if (weight < this.#quorum || this.#certificates.has(`${vote.kind} ${vote.view}`)) continue
      const signatures = signers.map((signer) => bySigner.get(signer) ?? new Uint8Array(64))
      this.#learnCertificate({
        kind: vote.kind,
        epoch: vote.epoch,
        view: vote.view,
        proposal,
        signers,
        signatures,
      })
    }
  }

  #vote(): void {
    const { set } = this.#env
    for (const me of this.#mine) {
      const view = Math.max(1, this.#topView + this.#prng.int(-3, 1))
      const kind = this.#prng.pick<VoteKind>(['notarize', 'nullify', 'finalize'])
      const known = [...this.#known.values()].filter(({ proposal }) => proposal.view === view)
      const target = known.length === 0 ? null : this.#prng.pick(known)
      if (kind !== 'nullify' && target === null) continue
      const pid = kind === 'nullify' || target === null ? null : proposalId(set.context, target.proposal)
      const signature = this.#keyOf(me).sign(voteMessage(set.context, kind, set.epoch, view, pid))
      const vote: Vote = { kind, epoch: set.epoch, view, pid, signer: me, signature }
      this.#learnVote(vote)
      for (const to of this.#audience()) this.#env.send(me, to, { type: 'vote', vote })
    }
  }

  /** A certificate that others may not have, to one validator. */
  #showCertificate(): void {
    this.#formCertificates()
    const recent = [...this.#certificates.values()].filter(({ view }) => view >= this.#topView - 4)
    if (recent.length === 0) return
    this.#env.send(this.#prng.pick(this.#mine), this.#prng.pick(this.#env.victims), {
      type: 'certificate',
      certificate: this.#prng.pick(recent),
    })
  }

  /** A batch, or two under one number, each to an audience of its own; at times with an invalid transaction in it. */
  #writeBatches(): void {
    const me = this.#prng.pick(this.#mine)
    const seq = this.#seq++
    for (let i = this.#prng.chance(0.3) ? 2 : 1; i > 0; i--) {
      const signed = this.#makeBatch(me, seq)
      this.learnBatch(signed)
      for (const to of this.#audience()) this.#env.gossipBatch(me, to, signed)
      const asked: Message = { type: 'batch', batch: signed }
      this.#env.scheduler.after(this.#prng.real(20, 300), () => {
        for (const to of this.#audience()) this.#env.send(me, to, asked)
      })
    }
  }

  #makeBatch(me: number, seq: number): SignedBatch {
    const { set, chain, scheduler } = this.#env
    const createdMs = chain.createdMs + Math.floor(scheduler.nowMs) + this.#prng.int(-100, 100)
    const bad = this.#prng.chance(0.2)
    const txs = Array.from({ length: this.#prng.int(1, 3) }, (_, i) =>
      encodeTx(
        {
          id: this.#env.nextTxId(),
          validUntilMs: createdMs + 60_000,
          suspicion: this.#prng.pick<Suspicion>(['nobody', 'everybody', 'disputed']),
          valid: !(bad && i === 0),
        },
        chain.genesisHash,
      ),
    )
    const batch = { epoch: set.epoch, author: me, seq, createdMs, txs }
    const digest = batchDigestOfBatch(set.context, batch)
    return { batch, digest, signature: this.#keyOf(me).sign(batchMessage(digest)) }
  }

  /** Its own opinions on a batch: everything is suspicious, or nothing. */
  #ackBatch(signed: SignedBatch): void {
    const { set } = this.#env
    const { epoch, author, seq, txs } = signed.batch
    for (const me of this.#mine) {
      const flags: Flag[] = this.#prng.chance(0.5)
        ? []
        : txs.map((_, tx) => ({ tx, action: 0, score: 255, reasons: 1 }))
      const unsigned = { epoch, author, seq, digest: signed.digest, flags, modelId: new Uint8Array(32) }
      const ack: Ack = {
        ...unsigned,
        signer: me,
        signature: this.#keyOf(me).sign(ackMessage(set.context, unsigned)),
      }
      this.#learnAck(ack)
      for (const to of this.#audience()) this.#env.send(me, to, { type: 'ack', ack })
    }
  }

  #showBatchCertificate(): void {
    for (const { fields, acks } of this.#prng.sample([...this.#batches.values()], 2)) {
      const certificate = this.#certify(fields, acks)
      if (certificate === null) continue
      for (const to of this.#audience())
        this.#env.send(this.#prng.pick(this.#mine), to, { type: 'batch-certificate', certificate })
    }
  }
}

function voteKey(kind: VoteKind, view: number, pid: Uint8Array | null): string {
  return `${kind} ${view} ${pid === null ? '' : toHex(pid)}`
}

/** Drops the oldest entries. */
function forget(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return
    map.delete(key)
  }
}
