/**
 * What must hold in every run (consensus.md §17, dissemination.md): judged from outside, from the messages on the wire
 * and from what nodes deliver and execute. Weights and thresholds are computed here; no predicate of the code under
 * test is used, only its encodings.
 */
import type {
  Ack,
  BatchCertificate,
  Block,
  Certificate,
  Message,
  Proposal,
  ProposalMessage,
  SignedBatch,
  ValidatorSet,
  Vote,
  VoteKind,
} from '../../consensus/types.ts'
import type { Evidence, Offence } from '../../consensus/evidence.ts'
import {
  ackMessage,
  batchDigest,
  batchDigestOfCertificate,
  batchMessage,
  blockDigest,
  encodeAck,
  proposalId,
  voteMessage,
} from '../../consensus/wire.ts'
import { mapKey, toHex } from '../../crypto/bytes.ts'
import type { Execution } from './application.ts'
import type { Signatures } from './signatures.ts'
import { decodeTx, isSuspicious, type SimTx } from './transactions.ts'

export class Violation extends Error {}

/** Something that must happen did not within its time. */
export class Stall extends Violation {}

/** consensus.md §9 P10. */
const LOST_VIEWS = 32

interface Ballot {
  readonly kind: VoteKind
  readonly view: number
  readonly pid: string
  /** What a vote for it signs. */
  readonly message: Uint8Array
  readonly signers: Set<number>
  weight: bigint
}

interface Executed {
  readonly root: string
  readonly by: string
}

export class Oracles {
  readonly #set: ValidatorSet
  readonly #honest: ReadonlySet<number>
  readonly #signatures: Signatures
  readonly #faultyWeight: bigint
  readonly #quorum: bigint
  readonly #ballots = new Map<string, Ballot>()
  /** Votes of each validator by kind and view, to see two that contradict each other. */
  readonly #votes = new Map<string, Set<string>>()
  readonly #proposals = new Map<string, Proposal>()
  readonly #blocks = new Map<string, Block>()
  /** By view: what has, or could have, a certificate. */
  readonly #notarized = new Map<number, string>()
  readonly #nullified = new Set<number>()
  readonly #finalized = new Map<number, string>()
  /** Final block digests by height. */
  readonly #chain = new Map<number, string>()
  readonly #seen = new WeakSet()
  /** Most messages go to many, one after the other. */
  #newest: Message | null = null
  /** Newest view in which a validator that lost its table was seen to have voted. */
  readonly #lostBelow = new Map<number, number>()
  readonly #acks = new Map<string, { readonly content: string; readonly digest: string }>()
  /** Contents of acks that their signer forgot: others may repeat them. */
  readonly #forgottenAcks = new Set<string>()
  /** When each batch was made, by digest. */
  readonly #batchMs = new Map<string, number>()
  /** Time of the newest block that each honest node executed. */
  readonly #executedMs = new Map<string, number>()
  readonly #executed = new Map<number, Executed>()
  readonly #txHeights = new Map<number, number>()
  readonly #txOutcomes = new Map<number, string>()
  heldByVerdict = 0

  readonly #batchTtlMs: number

  constructor(set: ValidatorSet, honest: ReadonlySet<number>, signatures: Signatures, batchTtlMs: number) {
    this.#set = set
    this.#batchTtlMs = batchTtlMs
    this.#honest = honest
    this.#signatures = signatures
    const total = set.validators.reduce((sum, { weight }) => sum + weight, 0n)
    this.#faultyWeight = (total - 1n) / 3n
    this.#quorum = (2n * total) / 3n + 1n
  }

  /** One who is a quorum alone need not tell others how it votes, nor on which blocks that they never asked for. */
  get #hasSoloQuorum(): boolean {
    return this.#set.validators.some(({ weight }) => weight >= this.#quorum)
  }

  get finalHeight(): number {
    return this.#chain.size
  }

  /** Time of the newest block that an honest node executed. */
  get newestBlockMs(): number {
    return Math.max(0, ...this.#executedMs.values())
  }

  outcomeOf(txId: number): string | null {
    return this.#txOutcomes.get(txId) ?? null
  }

  /** Height at which a transaction was executed, or null. */
  heightOf(txId: number): number | null {
    return this.#txHeights.get(txId) ?? null
  }

  #weightOf(signers: Iterable<number>): bigint {
    let weight = 0n
    for (const signer of new Set(signers)) weight += this.#set.validators[signer]?.weight ?? 0n
    return weight
  }

  // ---- messages, as they leave a node ----

  /** `from`: index of the sender, or null for a follower. */
  sent(from: number | null, message: Message): void {
    if (message === this.#newest || this.#seen.has(message)) return
    this.#newest = message
    this.#seen.add(message)
    const honest = from === null || this.#honest.has(from)
    switch (message.type) {
      case 'vote':
        if (from === message.vote.signer) this.#checkLost(message.vote)
        this.#vote(message.vote, honest)
        return
      case 'certificate':
        this.#certificate(message.certificate, honest)
        return
      case 'certificates':
        for (const certificate of message.certificates) this.#certificate(certificate, honest)
        return
      case 'proposal':
        this.#proposal(message.proposal, from, honest)
        return
      case 'ack':
        this.#ack(message.ack, honest)
        return
      case 'batch-certificate':
        this.#batchCertificate(message.certificate, honest)
        return
      case 'batch':
        this.written(message.batch)
        return
      case 'blocks':
        for (const block of message.blocks) this.#block(block)
        return
      default:
        return
    }
  }

  #isSigned(message: Uint8Array, signer: number, signature: Uint8Array): boolean {
    const validator = this.#set.validators[signer]
    return validator !== undefined && this.#signatures.verify(signature, message, validator.publicKey)
  }

  #vote(vote: Vote, honest: boolean): void {
    const ballot = this.#ballotOf(vote.kind, vote.view, vote.pid)
    if (this.#isSigned(ballot.message, vote.signer, vote.signature)) {
      this.#count(ballot, vote.signer)
    } else if (honest)
      throw new Violation(
        `an honest node sent a ${vote.kind} vote of ${vote.signer} in view ${vote.view} with a wrong signature`,
      )
  }

  #certificate(certificate: Certificate, honest: boolean): void {
    if (this.#seen.has(certificate)) return
    this.#seen.add(certificate)
    const { kind, view, proposal, signers, signatures } = certificate
    const pid = proposal === null ? null : proposalId(this.#set.context, proposal)
    if (proposal !== null && pid !== null) this.#proposals.set(toHex(pid), proposal)
    const ballot = this.#ballotOf(kind, view, pid)
    const valid = signers.filter((signer, i) =>
      this.#isSigned(ballot.message, signer, signatures[i] ?? new Uint8Array()),
    )
    for (const signer of valid) this.#count(ballot, signer)
    if (!honest) return
    if (
      valid.length !== signers.length ||
      new Set(signers).size !== signers.length ||
      this.#weightOf(signers) < this.#quorum
    ) {
      throw new Violation(
        `an honest node sent an invalid ${kind} certificate of view ${view}, signed by ${signers.join(' ')}`,
      )
    }
  }

  #proposal(message: ProposalMessage, from: number | null, honest: boolean): void {
    if (message.parentCertificate !== null) this.#certificate(message.parentCertificate, honest)
    for (const skip of message.skips) this.#certificate(skip, honest)
    const { proposal, block, signature } = message
    const pid = proposalId(this.#set.context, proposal)
    this.#proposals.set(toHex(pid), proposal)
    this.#block(block)
    const ballot = this.#ballotOf('notarize', proposal.view, pid)
    // Whoever signed it, and that is nearly always its sender.
    const signers = [...(from === null ? [] : [from]), ...this.#set.validators.keys()]
    const signer = signers.find((index) => this.#isSigned(ballot.message, index, signature))
    if (signer !== undefined) this.#count(ballot, signer)
  }

  #block(block: Block): void {
    if (this.#seen.has(block)) return
    this.#seen.add(block)
    this.#blocks.set(toHex(blockDigest(block)), block)
  }

  // ---- votes and what they add up to ----

  #count(ballot: Ballot, signer: number): void {
    if (ballot.signers.has(signer)) return
    this.#checkContradiction(ballot.kind, ballot.view, ballot.pid, signer)
    ballot.signers.add(signer)
    const before = ballot.weight
    ballot.weight = this.#weightOf(ballot.signers)
    if (before < this.#quorum && ballot.weight >= this.#quorum) this.#certified(ballot)
  }

  #ballotOf(kind: VoteKind, view: number, pid: Uint8Array | null): Ballot {
    const name = pid === null ? '' : toHex(pid)
    const key = `${kind} ${view} ${name}`
    const known = this.#ballots.get(key)
    if (known !== undefined) return known
    const message = voteMessage(this.#set.context, kind, this.#set.epoch, view, pid)
    const ballot = { kind, view, pid: name, message, signers: new Set<number>(), weight: 0n }
    this.#ballots.set(key, ballot)
    return ballot
  }

  // ---- lost tables ----

  /** The votes of a validator are not on its disk any more. */
  losesTable(validator: number): void {
    const views = [...this.#votes.keys()].map((key) => key.split(' ').map(Number))
    const own = views.flatMap(([signer, view]) => (signer === validator ? [view ?? 0] : []))
    this.#lostBelow.set(validator, Math.max(0, ...own))
  }

  /** P10: votes again only above 32 views more than were seen, and it saw those in which it voted. */
  #checkLost({ signer, view }: Vote): void {
    const below = this.#lostBelow.get(signer)
    if (below !== undefined && view <= below + LOST_VIEWS)
      throw new Violation(
        `validator ${signer} votes in view ${view}, though it lost its votes up to view ${below}`,
      )
  }

  /** The acks of a validator are not on its disk any more: others for the same batches are no fault (consensus.md §10). */
  forgetsAcks(validator: number): void {
    for (const [name, { content }] of this.#acks) {
      if (!name.startsWith(`${validator} `)) continue
      this.#acks.delete(name)
      this.#forgottenAcks.add(content)
    }
  }

  /** The pairs marked "yes" in consensus.md §10: no honest validator ever makes one. */
  #checkContradiction(kind: VoteKind, view: number, pid: string, signer: number): void {
    if (!this.#honest.has(signer)) return
    const key = `${signer} ${view}`
    const votes = this.#votes.get(key) ?? new Set<string>()
    this.#votes.set(key, votes.add(`${kind} ${pid}`))
    const finalizes = [...votes].filter((vote) => vote.startsWith('finalize'))
    const notarizes = [...votes].filter((vote) => vote.startsWith('notarize'))
    const contradiction =
      finalizes.length > 1 ||
      notarizes.length > 1 ||
      (finalizes.length > 0 && [...votes].some((vote) => vote.startsWith('nullify'))) ||
      (finalizes[0] !== undefined &&
        notarizes[0] !== undefined &&
        finalizes[0].slice(9) !== notarizes[0].slice(9))
    if (contradiction)
      throw new Violation(
        `honest validator ${signer} contradicts itself in view ${view}: ${[...votes].join(', ')}`,
      )
  }

  /** A certificate can exist from now on. */
  #certified({ kind, view, pid }: Ballot): void {
    if (kind === 'nullify') {
      if (this.#finalized.has(view)) throw new Violation(`view ${view} is finalized and nullified`)
      this.#nullified.add(view)
      return
    }
    const known = this.#notarized.get(view)
    if (known !== undefined && known !== pid)
      throw new Violation(`two proposals of view ${view} have a ${kind} quorum`)
    if (kind === 'notarize') {
      if ((this.#finalized.get(view) ?? pid) !== pid)
        throw new Violation(`view ${view} has one proposal notarized and another finalized`)
      this.#notarized.set(view, pid)
      this.#checkLink(view, pid)
      return
    }
    if (known === undefined && !this.#hasSoloQuorum && !this.#couldBeNotarized(view, pid))
      throw new Violation(`view ${view} is finalized without a notarization`)
    if (this.#nullified.has(view)) throw new Violation(`view ${view} is nullified and finalized`)
    this.#finalized.set(view, pid)
    this.#extendChain(this.#proposals.get(pid), view)
  }

  /**
   * Whether validators of a quorum signed notarize votes, some of which were not sent yet: one may have crashed in
   * between and find the notarization in its journal, while faulty ones finalize ahead of it (swarm 18122).
   */
  #couldBeNotarized(view: number, pid: string): boolean {
    const { context, epoch, validators } = this.#set
    const message = voteMessage(context, 'notarize', epoch, view, Buffer.from(pid, 'hex'))
    const signers = [...validators.keys()].filter((index) => {
      const publicKey = validators[index]?.publicKey
      return publicKey !== undefined && this.#signatures.hasSigned(message, publicKey)
    })
    return this.#weightOf(signers) >= this.#quorum
  }

  /** Parent links never skip a view without a nullification, and lead to something notarized. */
  #checkLink(view: number, pid: string): void {
    if (this.#hasSoloQuorum) return
    const proposal = this.#proposals.get(pid)
    if (proposal === undefined) throw new Violation(`the notarized proposal of view ${view} was never sent`)
    const block = this.#blocks.get(toHex(proposal.blockDigest))
    if (block === undefined)
      throw new Violation(`the block of the notarized proposal of view ${view} was never sent`)
    for (let between = proposal.parentView + 1; between < view; between++) {
      if (!this.#nullified.has(between))
        throw new Violation(
          `view ${view} builds on ${proposal.parentView} and skips view ${between}, which has no nullification`,
        )
    }
    if (proposal.parentView === 0) {
      if (block.height !== 1) throw new Violation(`view ${view} builds on genesis at height ${block.height}`)
      return
    }
    const parent = this.#proposals.get(this.#notarized.get(proposal.parentView) ?? '')
    if (parent === undefined)
      throw new Violation(`view ${view} builds on view ${proposal.parentView}, which has no notarization`)
    if (toHex(parent.blockDigest) !== toHex(block.parentDigest))
      throw new Violation(`the block of view ${view} does not build on that of view ${proposal.parentView}`)
  }

  #extendChain(proposal: Proposal | undefined, view: number): void {
    if (proposal === undefined) throw new Violation(`the finalized proposal of view ${view} was never sent`)
    let digest = toHex(proposal.blockDigest)
    for (;;) {
      const block = this.#blocks.get(digest)
      if (block === undefined && this.#hasSoloQuorum) return
      if (block === undefined) throw new Violation(`a block under the finalized view ${view} was never sent`)
      const known = this.#chain.get(block.height)
      if (known === digest) return
      if (known !== undefined)
        throw new Violation(`fork at height ${block.height}: ${known} and ${digest} are final`)
      this.#chain.set(block.height, digest)
      if (block.height === 1) return
      digest = toHex(block.parentDigest)
    }
  }

  /** An honest node has evidence: it names a faulty validator, which signed both of two things that differ. */
  accused(node: string, offence: Offence, evidence: Evidence): void {
    const { validator, kind, position } = offence
    if (this.#honest.has(validator))
      throw new Violation(`${node} accuses honest validator ${validator}: ${kind} at ${position}`)
    if (evidence.validator !== validator || !this.#proves(evidence, kind))
      throw new Violation(`${node} accuses ${validator} of ${kind} at ${position} without proof`)
  }

  #proves(evidence: Evidence, kind: string): boolean {
    const publicKey = this.#set.validators[evidence.validator]?.publicKey ?? new Uint8Array(32)
    const { context, epoch } = this.#set
    if (evidence.type === 'batches') {
      const digests = evidence.batches.map(({ createdMs, txCount, bytes, txsHash }) =>
        batchDigest(context, {
          epoch,
          author: evidence.validator,
          seq: evidence.seq,
          createdMs,
          txCount,
          bytes,
          txsHash,
        }),
      )
      const names = new Set(digests.map((digest) => toHex(digest)))
      const areSigned = evidence.batches.every(({ signature }, i) =>
        this.#signatures.verify(signature, batchMessage(digests[i] ?? new Uint8Array(32)), publicKey),
      )
      return kind === 'double-batch' && names.size === 2 && areSigned
    }
    const { view, choices } = evidence
    const areSigned = choices.every((choice) =>
      this.#isSigned(
        this.#ballotOf(choice.kind, view, choice.pid).message,
        evidence.validator,
        choice.signature,
      ),
    )
    const [first, second] = choices.map(({ kind: vote, pid }) =>
      [vote, pid === null ? '' : toHex(pid)].join(' '),
    )
    const pairs: Readonly<Record<string, string>> = {
      'double-notarize': 'notarize notarize',
      'double-finalize': 'finalize finalize',
      'nullify-finalize': 'nullify finalize',
      'notarize-finalize': 'notarize finalize',
    }
    const named = choices.map((choice) => choice.kind).join(' ')
    const proposals = choices.map(({ pid }) => (pid === null ? '' : toHex(pid)))
    return areSigned && first !== second && pairs[kind] === named && proposals[0] !== proposals[1]
  }

  /** An honest node handed out a final block. */
  delivered(node: string, block: Block): void {
    const digest = toHex(blockDigest(block))
    const known = this.#chain.get(block.height)
    if (known === undefined && this.#hasSoloQuorum) this.#chain.set(block.height, digest)
    else if (known !== digest)
      throw new Violation(
        `${node} delivered ${digest} at height ${block.height}; final there is ${known ?? 'nothing'}`,
      )
  }

  // ---- batches ----

  /**
   * An honest validator acks one digest per (author, number) as long as that can still be ordered, and gives the same
   * bytes for it.
   */
  #ack(ack: Ack, honest: boolean): void {
    const validator = this.#set.validators[ack.signer]
    const signed =
      validator !== undefined &&
      this.#signatures.verify(ack.signature, ackMessage(this.#set.context, ack), validator.publicKey)
    if (!signed) {
      if (honest) throw new Violation(`an honest node sent an ack of ${ack.signer} with a wrong signature`)
      return
    }
    if (!this.#honest.has(ack.signer)) return
    const name = `${ack.signer} acks ${ack.author} ${ack.seq}`
    const content = mapKey(encodeAck(ack))
    if (this.#forgottenAcks.has(content)) return
    const known = this.#acks.get(name)
    if (known !== undefined && known.content !== content && !this.#isVoid(known, ack))
      throw new Violation(`validator ${name} with two different acks`)
    this.#acks.set(name, { content, digest: toHex(ack.digest) })
  }

  /** Whether the batch acked first can never be ordered any more, as far as the acker has executed. */
  #isVoid(known: { readonly digest: string }, ack: Ack): boolean {
    const createdMs = this.#batchMs.get(known.digest)
    const executedMs = this.#executedMs.get(`n${ack.signer}`) ?? 0
    return (
      known.digest !== toHex(ack.digest) &&
      createdMs !== undefined &&
      executedMs > createdMs + this.#batchTtlMs
    )
  }

  /** A batch was written, by whomever. */
  written({ batch, digest }: SignedBatch): void {
    this.#batchMs.set(toHex(digest), batch.createdMs)
  }

  #batchCertificate(certificate: BatchCertificate, honest: boolean): void {
    if (honest) this.#checkAcks(certificate, 'an honest node sent')
  }

  #checkAcks(certificate: BatchCertificate, who: string): void {
    const { epoch, author, seq, acks, txCount } = certificate
    const digest = batchDigestOfCertificate(this.#set.context, certificate)
    const what = `${who} a certificate of batch ${seq} of ${author}`
    const signers = acks.map(({ signer }) => signer)
    if (new Set(signers).size !== signers.length) throw new Violation(`${what} with a signer twice`)
    if (this.#weightOf(signers) < this.#quorum) throw new Violation(`${what} below the quorum`)
    /** What those sign who flag nothing, by model. */
    const unflagged = new Map<string, Uint8Array>()
    for (const { signer, flags, modelId, signature } of acks) {
      const message =
        (flags.length === 0 ? unflagged.get(mapKey(modelId)) : undefined) ??
        ackMessage(this.#set.context, { epoch, author, seq, digest, flags, modelId })
      if (flags.length === 0) unflagged.set(mapKey(modelId), message)
      const key = this.#set.validators[signer]?.publicKey ?? new Uint8Array()
      if (!this.#signatures.verify(signature, message, key))
        throw new Violation(`${what} with a wrong signature of ${signer}`)
      if (flags.some(({ tx }) => tx >= txCount)) throw new Violation(`${what} with a flag outside the batch`)
    }
  }

  // ---- execution ----

  /** An honest node executed a block. `bodies[i]` is null if batch i was skipped. */
  executed(
    node: string,
    block: Block,
    bodies: readonly (readonly Uint8Array[] | null)[],
    execution: Execution,
  ): void {
    this.#executedMs.set(node, block.timeMs)
    const root = toHex(execution.result.stateRoot)
    const known = this.#executed.get(block.height)
    if (known !== undefined) {
      if (known.root !== root)
        throw new Violation(
          `state roots of height ${block.height} differ: ${known.by} ${known.root}, ${node} ${root}`,
        )
      return
    }
    this.#executed.set(block.height, { root, by: node })
    for (const [i, certificate] of block.payload.entries()) {
      this.#checkAcks(certificate, `block ${block.height} holds`)
      const outcomes = execution.batches[i]
      if (outcomes === undefined || outcomes === null) continue
      for (const [index, { outcome }] of outcomes.entries()) {
        const tx = decodeTx(bodies[i]?.[index] ?? new Uint8Array())
        if (outcome === 'settled' || outcome === 'held')
          this.#checkOutcome(block, certificate, index, tx, outcome)
      }
    }
  }

  #checkOutcome(
    block: Block,
    certificate: BatchCertificate,
    index: number,
    tx: SimTx,
    outcome: 'settled' | 'held',
  ): void {
    const before = this.#txHeights.get(tx.id)
    if (before !== undefined)
      throw new Violation(`transaction ${tx.id} was executed at heights ${before} and ${block.height}`)
    this.#txHeights.set(tx.id, block.height)
    this.#txOutcomes.set(tx.id, outcome)
    if (!tx.valid)
      throw new Violation(`the invalid transaction ${tx.id} was executed at height ${block.height}`)
    const flaggers = certificate.acks.filter(({ flags }) =>
      flags.some((flag) => flag.tx === index && flag.action === 0),
    )
    const held = this.#weightOf(flaggers.map(({ signer }) => signer)) >= this.#faultyWeight + 1n
    if (held !== (outcome === 'held'))
      throw new Violation(`transaction ${tx.id} is ${outcome} against the opinions in its certificate`)
    this.#checkTable(tx, outcome)
    if (held) this.heldByVerdict++
  }

  /** The table of dissemination.md, "The verdict", against what honest validators think. */
  #checkTable(tx: SimTx, outcome: 'settled' | 'held'): void {
    const honest = [...this.#honest]
    const suspecting = honest.filter((index) => isSuspicious(tx, index))
    if (suspecting.length === 0 && outcome === 'held')
      throw new Violation(`transaction ${tx.id} is held although no honest validator flags it`)
    const certain =
      suspecting.length === honest.length || this.#weightOf(suspecting) >= 2n * this.#faultyWeight + 1n
    if (certain && outcome === 'settled')
      throw new Violation(
        `transaction ${tx.id} settled although honest weight ${this.#weightOf(suspecting)} flags it`,
      )
  }
}
