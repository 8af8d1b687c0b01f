/**
 * The review desk of a node: applies this operator's lists to the model's opinion, opens cases, and keeps what people do
 * with them. All of it is events of one log; what is in memory is their fold (`fraud/review/state.ts`).
 */
import { CordonError } from '../../config/errors.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import {
  NODE_ACTOR,
  type Outcome,
  type ReviewBody,
  type ReviewEvent,
  type TransferRecord,
  type VoteSide,
} from '../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../fraud/review/limits.ts'
import { decide, type Decision, type ListEntry, type Thresholds } from '../../fraud/review/policy.ts'
import {
  caseOf,
  closeBody,
  confirmBody,
  entryBody,
  noteBody,
  removeBody,
  voteBody,
} from '../../fraud/review/rules.ts'
import { ReviewState, type ReviewCase } from '../../fraud/review/state.ts'
import { reasonNames } from '../../fraud/reasons/reasons.ts'
import type { Assessment, TransferFacts } from '../../fraud/types.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { holdId } from '../../ledger/entries.ts'
import type { BlockExecution, Hold } from '../../ledger/types.ts'
import { ReviewLogFile, type ReviewLogOptions } from './log-file.ts'

/** Transfers let pass by an entry that are remembered, so that one that lies in two batches is told once. */
const MUTED_ENTRIES = 10_000

export interface ReviewDeskOptions extends Omit<ReviewLogOptions, 'nowMs' | 'log'> {
  readonly ledger: Pick<Ledger, 'hold' | 'holdsOpen'>
  readonly thresholds: Thresholds
  /** Amounts above it need a second reviewer, in uCRD. */
  readonly secondAboveUnits: bigint
  /** Told of each case whose outcome stands from now on. */
  readonly onClosed?: (closed: ReviewCase) => void
  readonly log: {
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

export class ReviewDesk {
  readonly #options: ReviewDeskOptions
  readonly #file: ReviewLogFile
  readonly #state = new ReviewState()
  /** What the assessor has seen and is not written yet, by case. */
  readonly #seen = new Map<string, ReviewBody>()
  readonly #muted = new Set<string>()
  #isFull = false
  /** Ends when all that the node noticed so far has been recorded. */
  #noticed: Promise<unknown> = Promise.resolve()
  /** Ends when everything recorded so far is durable. */
  #written: Promise<unknown> = Promise.resolve()

  private constructor(options: ReviewDeskOptions, file: ReviewLogFile, events: readonly ReviewEvent[]) {
    this.#options = options
    this.#file = file
    for (const event of events) this.#state.apply(event)
  }

  /** @throws CordonError `review-invalid`. */
  static async open(options: ReviewDeskOptions): Promise<ReviewDesk> {
    const { file, events } = await ReviewLogFile.open({ ...options, nowMs: Date.now() })
    const desk = new ReviewDesk(options, file, events)
    await desk.#reconcile()
    return desk
  }

  get state(): ReviewState {
    return this.#state
  }

  /** What becomes of a transfer that the model has judged. Cases are opened behind the caller's back. */
  judge(facts: TransferFacts, assessment: Assessment): Pick<Decision, 'flagged' | 'score' | 'reasons'> {
    if (assessment.score < this.#options.thresholds.alert && this.#state.lists.isEmpty) return assessment
    const decision = this.consider(facts, assessment)
    if (decision.report !== 'none') this.#notice(facts, assessment, decision)
    return decision
  }

  /** The same without a trace, for dry runs. */
  consider(facts: TransferFacts, assessment: Assessment): Decision {
    return decide(this.#state.lists, this.#options.thresholds, facts, assessment, Date.now())
  }

  /** A block was executed: holds began and ended. */
  executed({ receipts, endedHolds }: Pick<BlockExecution, 'receipts' | 'endedHolds'>): void {
    const began = receipts.flatMap(({ holds }) => holds.map((hold) => hold.holdId))
    if (began.length > 0) this.#inBackground(this.#noteBegan(began))
    if (endedHolds.length > 0) this.#inBackground(this.#noteEnded(endedHolds))
  }

  async note(actor: string, id: string, text: string): Promise<ReviewCase> {
    await this.#byPerson(actor, (state) => noteBody(state, id, text))
    return caseOf(this.#state, id)
  }

  /** Writes down that this node votes on a hold for somebody; durable when it resolves. */
  async vote(
    actor: string,
    vote: { readonly id: string; readonly side: VoteSide; readonly txId: string },
  ): Promise<void> {
    await this.#byPerson(actor, (state) => voteBody(state, vote))
  }

  async closeCase(actor: string, id: string, outcome: Outcome): Promise<ReviewCase> {
    const { secondAboveUnits } = this.#options
    await this.#byPerson(actor, (state) => closeBody(state, { id, outcome, actor, secondAboveUnits }))
    return this.#tellIfClosed(caseOf(this.#state, id))
  }

  async confirmCase(actor: string, id: string): Promise<ReviewCase> {
    await this.#byPerson(actor, (state) => confirmBody(state, id, actor))
    return this.#tellIfClosed(caseOf(this.#state, id))
  }

  async addEntry(
    actor: string,
    entry: Pick<ListEntry, 'kind' | 'subject' | 'expiresMs' | 'why'>,
  ): Promise<ListEntry> {
    const seq = await this.#byPerson(actor, (state) => entryBody(state, entry, Date.now()))
    return { seq, actor, ...entry }
  }

  async removeEntry(actor: string, seq: number): Promise<void> {
    await this.#byPerson(actor, (state) => removeBody(state, seq, Date.now()))
  }

  /** Lines of the log from number `since` on. */
  lines(since: number, limit: number): Promise<readonly string[]> {
    return this.#file.lines(since, limit)
  }

  /** Resolves when what was noticed so far is durable. */
  async settled(): Promise<void> {
    await this.#noticed
    await this.#written
  }

  async close(): Promise<void> {
    await this.settled()
    await this.#file.close()
  }

  #tellIfClosed(found: ReviewCase): ReviewCase {
    if (found.status === 'closed') this.#options.onClosed?.(found)
    return found
  }

  /** @returns the number of the event. */
  async #byPerson(actor: string, make: (state: ReviewState) => ReviewBody): Promise<number> {
    const [event] = await this.#record(actor, REVIEW_LIMITS.events, (state) => [make(state)])
    if (event === undefined)
      throw new CordonError(
        'review-refused',
        `the review log has ${this.#state.events} events, as many as it may; stop the node and move ${this.#options.directory} away, and it begins a new one`,
      )
    return event.seq
  }

  /** Appends what `make` says, once everything before it is applied. Nothing, if the log would get too long. */
  #record(
    actor: string,
    maxEvents: number,
    make: (state: ReviewState) => readonly ReviewBody[],
  ): Promise<readonly ReviewEvent[]> {
    const recorded = this.#written.then(async () => {
      const bodies = make(this.#state)
      if (bodies.length === 0 || this.#state.events + bodies.length > maxEvents) return []
      const timeMs = Date.now()
      const events = await this.#file.append(bodies.map((body) => ({ timeMs, actor, body })))
      for (const event of events) this.#state.apply(event)
      return events
    })
    this.#written = recorded.catch(() => undefined) // whoever recorded it is told
    return recorded
  }

  #byNode(make: (state: ReviewState) => readonly ReviewBody[]): Promise<readonly ReviewEvent[]> {
    return this.#record(NODE_ACTOR, REVIEW_LIMITS.events - REVIEW_LIMITS.eventsForPeople, make)
  }

  /** What the node notices by itself must not stop it. */
  #inBackground(work: Promise<unknown>): void {
    const guarded = work.catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the review log could not be written; a case may be missing')
    })
    this.#noticed = this.#noticed.then(() => guarded)
  }

  #notice(facts: TransferFacts, assessment: Assessment, { report, score, reasons, entry }: Decision): void {
    const record = recordOf(facts)
    const id = toHex(holdId(fromHex(record.txId), record.action))
    const said = { ...record, score: assessment.score, reasons: reasonNames(assessment.reasons) }
    if (report === 'muted') {
      if (entry !== null && this.#isFirst(facts.key))
        this.#enqueue(`muted ${id}`, { type: 'alert.muted', entry: entry.seq, ...said })
      return
    }
    if (report === 'none' || this.#state.case(id) !== null) return
    this.#enqueue(id, {
      type: 'case.opened',
      case: id,
      cause: report,
      details: assessment.details.map(({ text }) => text),
      ...said,
      score,
      reasons: reasonNames(reasons),
    })
  }

  #isFirst(key: string): boolean {
    if (this.#muted.has(key)) return false
    if (this.#muted.size >= MUTED_ENTRIES) this.#muted.clear()
    this.#muted.add(key)
    return true
  }

  /** What is noticed until the log is free goes into one write. */
  #enqueue(name: string, body: ReviewBody): void {
    this.#seen.set(name, body)
    if (this.#seen.size > 1) return
    this.#inBackground(
      this.#byNode((state) => {
        const bodies = [...this.#seen.values()]
        this.#seen.clear()
        return this.#withRoom(state, bodies)
      }),
    )
  }

  /** Without cases that are there already, and without those for which there is no place. */
  #withRoom(state: ReviewState, bodies: readonly ReviewBody[]): readonly ReviewBody[] {
    let places = REVIEW_LIMITS.openCases - state.openCases
    let alertPlaces = REVIEW_LIMITS.openAlerts - state.countAlerts()
    const fitting = bodies.filter((body) => {
      if (body.type !== 'case.opened') return true
      if (state.case(body.case) !== null) return false
      return places-- > 0 && (body.cause !== 'alert' || alertPlaces-- > 0)
    })
    const fits = state.events + bodies.length <= REVIEW_LIMITS.events - REVIEW_LIMITS.eventsForPeople
    if ((places < 0 || alertPlaces < 0 || !fits) && !this.#isFull) {
      this.#isFull = true
      this.#options.log.warn(
        { openCases: state.openCases, alerts: state.countAlerts(), events: state.events },
        'the review log takes no more cases: close some, raise fraud.alert_score, or begin a new log (docs/review.md)',
      )
    }
    return fitting
  }

  async #noteBegan(ids: readonly Uint8Array[]): Promise<void> {
    const holds = await Promise.all(ids.map((id) => this.#options.ledger.hold(id)))
    await this.#byNode((state) =>
      holds.flatMap((hold) => (hold === null ? [] : this.#beganBodies(state, hold))),
    )
  }

  /** A hold that is over long since, when a node catches up, is nobody's work any more. */
  #beganBodies(state: ReviewState, hold: Hold): readonly ReviewBody[] {
    const id = toHex(hold.id)
    const known = state.case(id)
    if (known === null ? hold.expiresMs <= Date.now() : known.hold !== null) return []
    const began: ReviewBody = { type: 'hold.began', case: id, expiresMs: hold.expiresMs }
    if (known !== null) return [began]
    const opened = this.#withRoom(state, [openedByHold(hold)])
    return opened.length === 0 ? [] : [...opened, began]
  }

  async #noteEnded(holds: readonly Hold[]): Promise<void> {
    await this.#byNode((state) => holds.flatMap((hold) => endedBodies(state, hold)))
  }

  /** What happened on the ledger while this node did not look. */
  async #reconcile(): Promise<void> {
    const { ledger } = this.#options
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof ledger.holdsOpen>> = await ledger.holdsOpen(
        cursor === null ? {} : { cursor },
      )
      await this.#byNode((state) => page.items.flatMap((hold) => this.#beganBodies(state, hold)))
      cursor = page.cursor
    } while (cursor !== null)
    const waiting = [...this.#state.queue(), ...this.#state.closed()].filter(({ hold }) => hold?.end === null)
    const holds = await Promise.all(waiting.map(({ id }) => ledger.hold(fromHex(id))))
    await this.#noteEnded(holds.filter((hold) => hold !== null))
  }
}

function endedBodies(state: ReviewState, { id, end }: Hold): readonly ReviewBody[] {
  const known = state.case(toHex(id))
  if (end === null || known === null || (known.hold !== null && known.hold.end !== null)) return []
  return [{ type: 'hold.ended', case: toHex(id), how: end.how, atMs: end.atMs }]
}

/** The case of a payment that others flagged and this node did not. */
function openedByHold(hold: Hold): ReviewBody {
  return {
    type: 'case.opened',
    case: toHex(hold.id),
    cause: 'hold',
    txId: toHex(hold.txId),
    action: hold.action,
    payer: toHex(hold.payer),
    payee: toHex(hold.payee),
    amount: String(hold.amount),
    score: 0,
    reasons: reasonNames(hold.flaggers.reduce((bits, { reasons }) => bits | reasons, 0)),
    details: [],
  }
}

function recordOf({ key, payer, payee, amount }: TransferFacts): TransferRecord {
  const [txId = '', action = ''] = key.split(':')
  return { txId, action: Number(action), payer, payee, amount: String(amount) }
}
