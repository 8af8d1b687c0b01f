/** Getting certificates of views that this node jumped over: which are missing, and whom to ask (consensus.md §6, §8.6, §8.8). */
import { CertificateFetcher } from './certificate-fetch.ts'
import { lastFinalView, askOrder, type Core } from './ordering-core.ts'
import { pagedSkips } from './skips.ts'
import type { ProposalMessage } from './types.ts'
import { leader } from './validator-set.ts'

export class CertificateSync {
  readonly #core: Core
  readonly #fetcher = new CertificateFetcher()

  constructor(core: Core) {
    this.#core = core
  }

  /**
   * "Above that, let voters page the rest from the leader": a voter misses nullifications that a proposal of the current
   * view names and does not carry. Its leader is asked first, then those who signed the last one, then all others.
   */
  wantSkips({ proposal, skips }: ProposalMessage): void {
    const range = pagedSkips(proposal)
    if (range === null || this.#fetcher.isWanting()) return
    const { certificates, set, timers } = this.#core
    this.#fetcher.want(
      {
        ...range,
        isHeld: (view) => certificates.has('nullify', view),
        candidates: askOrder(this.#core, [leader(set, proposal.view), ...(skips.at(-1)?.signers ?? [])]),
        retryMs: timers.deltaMs,
      },
      this.#core.clock.monotonicMs,
    )
  }

  /**
   * A leader that jumped holds no certificate of `holeView`: "ask peers for certificates of (lastFin, v); retry every Δ
   * until tLead". Those are asked first whose certificate made it jump.
   */
  wantHole(holeView: number): void {
    if (this.#fetcher.isWanting()) return
    const { certificates, set, timers, view } = this.#core
    const isHeld = (at: number): boolean =>
      certificates.has('nullify', at) || certificates.parentCertificate(at) !== null
    let fromView = holeView
    while (fromView - 1 > lastFinalView(this.#core) && !isHeld(fromView - 1)) fromView--
    const entry = certificates.leadingPast(view - 1)
    const first = entry === null ? [] : [leader(set, entry.view), ...entry.signers]
    const candidates = askOrder(this.#core, first)
    this.#fetcher.want(
      { fromView, toView: holeView, isHeld, candidates, retryMs: timers.deltaMs },
      this.#core.clock.monotonicMs,
    )
  }

  /** What was wanted for another view is wanted no longer. */
  enterView(): void {
    this.#fetcher.clear()
  }

  /** A peer answered a range request. */
  answered(peerId: string): void {
    this.#fetcher.answered(peerId)
  }

  /** Asks for what is missing and due. */
  review(): void {
    const request = this.#fetcher.due(this.#core.clock.monotonicMs)
    if (request === null) return
    const { fromView, toView, targets } = request
    for (const to of targets)
      this.#core.emit({ type: 'send', to, message: { type: 'certificates-request', fromView, toView } })
  }

  get nextDeadlineMs(): number {
    return this.#fetcher.nextDeadlineMs
  }
}
