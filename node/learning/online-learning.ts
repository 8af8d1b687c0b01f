/**
 * Learns from the outcomes of holds while the node runs (docs/fraud.md, Learning from outcomes).
 *
 *     judged batches ─▶ rows ─┐
 *     executed transfers ─────┴─▶ learner ─▶ lesson ─▶ worker ─▶ head ─▶ whoever votes with it
 *     ended holds, ──▶ labels ────┘
 *     closed cases
 *
 * What it remembers lies in a file, with the height that it belongs to; outcomes since then are read from the ledger.
 * Closed cases are told again at each start: one whose outcome is known already teaches nothing more. Losing the file
 * costs what was learned and nothing else.
 */
import { CordonError } from '../../config/errors.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import { Reader, Writer } from '../../crypto/codec.ts'
import type { Head } from '../../fraud/head/head.ts'
import { FROM_TAIL, fromNetwork, type Lesson, type Start } from '../../fraud/learning/fit.ts'
import { Learner, NOTHING_LEARNED, type LearnerState } from '../../fraud/learning/learner.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { decodeLearnerState, encodeLearnerState } from '../../fraud/learning/state-file.ts'
import type { TransferOutcome } from '../../fraud/types.ts'
import { readCheckedFile, writeCheckedFile } from '../checked-file.ts'
import type { BatchObserver, JudgedBatch } from '../scoring/scorer.ts'
import { JudgedRows } from './judged-rows.ts'
import type { OutcomeLabel } from './labels.ts'
import type { Teach } from './teacher.ts'

const VERSION = 1
const ID_BYTES = 32
/** From something worth keeping to the write: what comes meanwhile goes with it. */
const SAVE_AFTER_MS = 30_000

/** The model that learning starts from. */
export interface Base {
  /** As in acks, 32 bytes. */
  readonly id: Uint8Array
  /** Null: the label-free tail. */
  readonly head: Head | null
}

/** A head that was learned, and from how much. */
export interface LearnedHead {
  readonly head: Head
  readonly outcomes: number
  readonly fraud: number
}

export interface OnlineLearningOptions {
  readonly file: string
  readonly base: Base
  readonly teach: Teach
  /** Whether a transfer was suspicious here, so that there is a case of it. @param key as in `TransferFacts`. */
  readonly isAlert: (key: string) => boolean
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly onLearned: (learned: LearnedHead) => void
  readonly log: { warn(fields: object, message: string): void }
  readonly saveAfterMs?: number
}

export class OnlineLearning implements BatchObserver {
  readonly #options: OnlineLearningOptions
  readonly #rows: JudgedRows = new JudgedRows()
  readonly #closing: AbortController = new AbortController()
  #base: Base
  #learner: Learner
  /** Of the newest block that was learned from. */
  #height = 0
  #lesson: Promise<void> = Promise.resolve()
  #saving: Promise<void> = Promise.resolve()
  #saveTimer: NodeJS.Timeout | null = null

  constructor(options: OnlineLearningOptions) {
    this.#options = options
    this.#base = options.base
    const restored = this.#restore()
    this.#height = restored.height
    this.#learner = new Learner(startOf(options.base), options.random, restored.state)
  }

  /** Outcomes of higher blocks were not learned from yet. */
  get height(): number {
    return this.#height
  }

  /** Outcomes that are remembered to learn from. */
  get outcomes(): number {
    return this.#learner.labelled.length
  }

  /** Resolves once the lesson under way is over. */
  get lesson(): Promise<void> {
    return this.#lesson
  }

  judged({ key, transfers, rows, baseline }: JudgedBatch): void {
    this.#rows.add(key, transfers, rows, baseline)
  }

  /** A block was executed. @param labels of the holds that ended in it. */
  executed(height: number, outcomes: readonly TransferOutcome[], labels: readonly OutcomeLabel[]): void {
    let news = false
    for (const { facts, held } of outcomes) {
      const fate = held ? 'held' : this.#options.isAlert(facts.key) ? 'alert' : 'ordinary'
      this.#learner.transfer(() => this.#rows.example(facts), fate)
      news ||= fate !== 'ordinary'
    }
    this.#height = height
    if (news) this.#saveSoon()
    this.labelled(labels)
  }

  /** What transfers were is known; what is not awaited teaches nothing. */
  labelled(labels: readonly OutcomeLabel[]): void {
    const taught = labels.filter(({ key, label }) => this.#learner.outcome(key, label === 'fraud'))
    if (taught.length > 0) this.#saveSoon()
    if (labels.length > 0) this.#learn()
  }

  dropped(batchKey: string): void {
    this.#rows.drop(batchKey)
  }

  /** Begins anew from another model, with what was seen so far. */
  startFrom(base: Base): void {
    this.#base = base
    this.#learner = new Learner(startOf(base), this.#options.random, withoutHeads(this.#learner.state))
    this.#saveSoon()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#saveTimer !== null) clearTimeout(this.#saveTimer)
    await this.#lesson
    await this.save()
  }

  /** Writes what is remembered now, after what is being written. */
  save(): Promise<void> {
    this.#saveTimer = null
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  #learn(): void {
    const learner = this.#learner
    const { head, lesson } = learner.next()
    if (head !== null) this.#tell(head)
    if (lesson !== null) this.#lesson = this.#teach(learner, lesson)
  }

  /** Never rejects: a lesson that fails is told, and asked for again with the next outcome. */
  async #teach(learner: Learner, lesson: Lesson): Promise<void> {
    const { teach, log } = this.#options
    try {
      const taught = await teach(lesson, this.#closing.signal)
      if (learner !== this.#learner) return // it learns from another model now
      const head = learner.learned(taught)
      if (head !== null) this.#tell(head)
      this.#saveSoon()
    } catch (error) {
      learner.notLearned()
      if (!this.#closing.signal.aborted)
        log.warn({ err: error }, 'the fraud model could not learn; it tries again with the next outcome')
    }
  }

  #tell(head: Head): void {
    const { labelled } = this.#learner
    const fraud = labelled.filter(({ laundering }) => laundering).length
    this.#options.onLearned({ head, outcomes: labelled.length, fraud })
  }

  #saveSoon(): void {
    if (this.#saveTimer !== null || this.#closing.signal.aborted) return
    this.#saveTimer = setTimeout(() => void this.save(), this.#options.saveAfterMs ?? SAVE_AFTER_MS)
    this.#saveTimer.unref()
  }

  async #write(): Promise<void> {
    const { file, log } = this.#options
    const parts = [new Writer().u8(VERSION).u48(this.#height).fixed(this.#base.id, ID_BYTES).finish()]
    for (const part of encodeLearnerState(this.#learner.state)) {
      parts.push(part)
      await nextTurn()
    }
    try {
      await writeCheckedFile(file, parts)
    } catch (error) {
      log.warn({ err: error }, 'what the fraud model learned could not be written; a restart loses it')
    }
  }

  #restore(): { readonly height: number; readonly state: LearnerState } {
    const { file, log, base } = this.#options
    const nothing = { height: 0, state: NOTHING_LEARNED }
    try {
      const body = readCheckedFile(file, LEARNING_LIMITS.stateBytes)
      if (body === null) return nothing
      const { height, baseId, state } = decodeFile(body)
      if (equalBytes(baseId, base.id)) return { height, state }
      return { height, state: withoutHeads(state) }
    } catch (error) {
      log.warn({ err: error, file }, 'what the fraud model learned cannot be used; learning begins anew')
      return nothing
    }
  }
}

interface LearningFile {
  readonly height: number
  readonly baseId: Uint8Array
  readonly state: LearnerState
}

function decodeFile(body: Uint8Array): LearningFile {
  const reader = new Reader(body)
  const version = reader.u8()
  if (version !== VERSION)
    throw new CordonError('format-version', `expected version ${VERSION}, got ${version}`, { version })
  const height = reader.u48()
  const baseId = reader.fixed(ID_BYTES)
  return { height, baseId, state: decodeLearnerState(reader.rest()) }
}

/** What was seen, for a learner that starts from another model. */
function withoutHeads({ sample, waiting, waitingAlerts, labelled }: LearnerState): LearnerState {
  return { ...NOTHING_LEARNED, sample, waiting, waitingAlerts, labelled }
}

function startOf({ head }: Base): Start {
  return head === null ? FROM_TAIL : fromNetwork(head)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
