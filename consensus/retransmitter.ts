/**
 * Sending again (consensus.md §8.2–6): lost messages are no excuse for a stuck network. Everything here is repetition of
 * votes and certificates that exist; nothing here can make a vote.
 */
import { LIMITS } from '../config/limits.ts'
import type { CertificateStore } from './certificates.ts'
import type { OwnVoteBook } from './own-votes.ts'
import type { PeerProgress } from './peer-progress.ts'
import type { Effect, Peer, Target } from './replica-types.ts'
import type { Certificate, Message } from './types.ts'
import { encodeCertificate, encodeVote } from './wire.ts'

const VALIDATORS: Target = { kind: 'validators' }
/** Forwards that wait; newer ones move a straggler further, so the oldest goes. */
const FORWARDS_WAITING = 64

export interface RetransmitterOptions {
  readonly certificates: CertificateStore
  readonly own: OwnVoteBook
  readonly progress: PeerProgress
  readonly emit: (effect: Effect) => void
}

export class Retransmitter {
  readonly #options: RetransmitterOptions
  #forwards: { readonly certificate: Certificate; readonly dueMs: number }[] = []
  readonly #answers = new PeerBudget(LIMITS.answersPerSecondPerPeer)

  constructor(options: RetransmitterOptions) {
    this.#options = options
  }

  #send(to: Target, message: Message): void {
    this.#options.emit({ type: 'send', to, message })
  }

  #sendCertificate(to: Target, certificate: Certificate): void {
    this.#send(to, { type: 'certificate', certificate })
  }

  // ---- forwarding (§8.2) ----

  /** "On forming a certificate, or on entering a view by a received one." Delayed: most will have formed it themselves by then. */
  scheduleForward(certificate: Certificate, dueMs: number): void {
    this.#forwards.push({ certificate, dueMs })
    if (this.#forwards.length > FORWARDS_WAITING) this.#forwards.shift()
  }

  forwardDue(nowMs: number): void {
    if (this.nextForwardMs > nowMs) return
    const due = this.#forwards.filter(({ dueMs }) => dueMs <= nowMs)
    this.#forwards = this.#forwards.filter(({ dueMs }) => dueMs > nowMs)
    for (const { certificate } of due) {
      for (const index of this.#options.progress.notSeenBeyond(certificate.view))
        this.#sendCertificate({ kind: 'validator', index }, certificate)
    }
  }

  get nextForwardMs(): number {
    return this.#forwards[0]?.dueMs ?? Infinity
  }

  // ---- repetition (§8.3–4, P6) ----

  /** "Own votes of this view, the certificate that led into it, and the lastFin certificate." */
  retry(view: number, lastFinal: Certificate | null): void {
    for (const vote of this.#options.own.votes(view)) this.#send(VALIDATORS, { type: 'vote', vote })
    const entry = this.#options.certificates.leadingPast(view - 1)
    if (entry !== null) this.#sendCertificate(VALIDATORS, entry)
    if (lastFinal !== null && lastFinal !== entry) this.#sendCertificate(VALIDATORS, lastFinal)
  }

  /** "Re-send own votes of views > lastFin (identical bytes)." */
  resendOwnVotes(): void {
    for (const vote of this.#options.own.all()) this.#send(VALIDATORS, { type: 'vote', vote })
  }

  /** Everything above the last final view, newest first, as far as the budget goes. */
  standstill(view: number, lastFinal: Certificate | null): void {
    let bytes = 0
    const send = (message: Message, size: number): boolean => {
      bytes += size
      if (bytes > LIMITS.standstillBytes) return false
      this.#send(VALIDATORS, message)
      return true
    }
    if (lastFinal !== null)
      send({ type: 'certificate', certificate: lastFinal }, encodeCertificate(lastFinal).length)
    for (let at = view; at > (lastFinal?.view ?? 0); at--) {
      for (const message of this.#messagesOf(at)) {
        const size =
          message.type === 'vote'
            ? encodeVote(message.vote).length
            : encodeCertificate(message.certificate).length
        if (!send(message, size)) return
      }
    }
  }

  #messagesOf(view: number): Extract<Message, { type: 'vote' | 'certificate' }>[] {
    const held = this.#certificatesOf(view)
    return [
      ...this.#options.own.votes(view).map((vote) => ({ type: 'vote' as const, vote })),
      ...held.map((certificate) => ({ type: 'certificate' as const, certificate })),
    ]
  }

  /** Notarization and nullification of a view above the last final one, as far as they are held. */
  #certificatesOf(view: number): Certificate[] {
    const { certificates } = this.#options
    return [certificates.get('notarize', view), certificates.get('nullify', view)].filter(
      (certificate) => certificate !== null,
    )
  }

  // ---- answers (§8.5–6) ----

  /** A certificate for a peer whose message was stale; rate-limited per peer. */
  answer(to: Peer, certificate: Certificate | null, nowMs: number): void {
    if (certificate !== null && this.#answers.take(to.id, nowMs))
      this.#sendCertificate({ kind: 'peer', id: to.id }, certificate)
  }

  /**
   * `lastFinal` and the certificates of the range, ascending by view, one page. Of a view that has both a notarization and a
   * nullification both are sent: who asks may need the one to build upon, or the other to skip the view (§8.8).
   */
  answerRange(
    to: Peer,
    range: { readonly from: number; readonly to: number },
    lastFinal: Certificate | null,
    nowMs: number,
  ): void {
    if (!this.#answers.take(to.id, nowMs)) return
    const certificates: Certificate[] = lastFinal === null ? [] : [lastFinal]
    let bytes = certificates.reduce((sum, certificate) => sum + encodeCertificate(certificate).length, 0)
    for (let view = Math.max(range.from, (lastFinal?.view ?? 0) + 1); view <= range.to; view++) {
      const held = this.#certificatesOf(view)
      bytes += held.reduce((sum, certificate) => sum + 4 + encodeCertificate(certificate).length, 0)
      if (bytes > LIMITS.pageBytes || certificates.length + held.length > LIMITS.certificatesPerPage) break
      certificates.push(...held)
    }
    this.#send({ kind: 'peer', id: to.id }, { type: 'certificates', certificates })
  }
}

/** A token bucket per peer, a second deep. */
export class PeerBudget {
  readonly #perSecond: number
  readonly #peers = new Map<string, { tokens: number; atMs: number }>()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  take(id: string, nowMs: number): boolean {
    let bucket = this.#peers.get(id)
    if (bucket === undefined) {
      if (this.#peers.size >= 2 * LIMITS.peers) this.#forgetFull(nowMs)
      bucket = { tokens: this.#perSecond, atMs: nowMs }
      this.#peers.set(id, bucket)
    }
    bucket.tokens = this.#refilled(bucket, nowMs)
    bucket.atMs = nowMs
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  #refilled(bucket: { readonly tokens: number; readonly atMs: number }, nowMs: number): number {
    return Math.min(this.#perSecond, bucket.tokens + ((nowMs - bucket.atMs) * this.#perSecond) / 1_000)
  }

  #forgetFull(nowMs: number): void {
    for (const [id, bucket] of this.#peers)
      if (this.#refilled(bucket, nowMs) >= this.#perSecond) this.#peers.delete(id)
  }
}
