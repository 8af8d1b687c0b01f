/**
 * The fraud engine of a node, put together: which model votes, the scorer that asks it, what it remembers over a restart,
 * and what it learns from outcomes.
 *
 *     shelf ─▶ models ─▶ scorer ◀─ memory (snapshot and replay)
 *                ▲         │
 *                └─ learning ◀─ judged batches, executed blocks
 */
import { randomFillSync } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Logger } from 'pino'
import type { NodeConfig } from '../config/node-config.ts'
import type { Parameters } from '../config/parameters.ts'
import type { BatchRef } from '../consensus/types.ts'
import type { Thresholds } from '../fraud/review/policy.ts'
import type { ReviewCase } from '../fraud/review/state.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { BlockExecution } from '../ledger/types.ts'
import { batchKey } from './assessor.ts'
import { FraudMemory } from './fraud-memory.ts'
import { labelOfCase, labelsOf } from './learning/labels.ts'
import { OnlineLearning } from './learning/online-learning.ts'
import { createTeacher } from './learning/teacher.ts'
import { Models, baseOf } from './models/models.ts'
import { ModelShelf } from './models/shelf.ts'
import { chosenHead } from './scoring/chosen-head.ts'
import { createScorer, type Scorer } from './scoring/scorer.ts'
import { outcomesOf, releasedFacts } from './transfers.ts'

export interface FraudEngineOptions {
  readonly config: Pick<NodeConfig, 'directory' | 'dataDirectory' | 'fraudModel' | 'fraudLearn'>
  readonly parameters: Parameters
  readonly ledger: Ledger
  readonly thresholds: Thresholds
  readonly log: Logger
}

export class FraudEngine {
  readonly #options: FraudEngineOptions
  readonly #memory: FraudMemory
  readonly #learning: OnlineLearning | null
  readonly scorer: Scorer
  readonly models: Models

  private constructor(options: FraudEngineOptions) {
    const { config, ledger, thresholds, log } = options
    this.#options = options
    const shelf = shelfOf(options)
    this.#learning = config.fraudLearn
      ? new OnlineLearning({
          file: join(modelDirectory(config), 'learning.bin'),
          base: baseOf(shelf),
          teach: createTeacher(),
          isAlert: (key) => this.scorer.details(key) !== null,
          random,
          onLearned: (learned) => {
            this.models.learned(learned)
          },
          log,
        })
      : null
    this.scorer = createScorer({
      head: shelf.headOf(shelf.voting),
      thresholds,
      log: {
        info: (message) => {
          log.info(message)
        },
        warn: (message) => {
          log.warn(message)
        },
      },
      observer: this.#learning,
    })
    this.models = new Models({ shelf, scorer: this.scorer, learning: this.#learning, log })
    this.#memory = new FraudMemory({
      scorer: this.scorer,
      ledger,
      file: join(config.dataDirectory, 'fraud-memory.bin'),
      log,
    })
  }

  /** Opened, it has learned of all that the ledger has executed. */
  static async open(options: FraudEngineOptions): Promise<FraudEngine> {
    const engine = new FraudEngine(options)
    try {
      await engine.#memory.open()
      await engine.#catchUp()
    } catch (error) {
      await engine.scorer.close()
      throw error
    }
    return engine
  }

  /** A block was executed. @param refs batches executed or skipped in it. */
  async executed(execution: BlockExecution, refs: readonly BatchRef[]): Promise<void> {
    const { height, endedHolds } = execution
    const outcomes = outcomesOf(execution.transfers)
    const labels = await this.#labelsOf(endedHolds)
    this.scorer.executed(outcomes)
    this.scorer.released(releasedFacts(endedHolds))
    this.#learning?.executed(height, outcomes, labels)
    this.models.executed(outcomes, labels)
    for (const ref of refs) this.scorer.dropBatch(batchKey(ref))
    this.#memory.executed(height)
  }

  /** Reviewers of this node closed cases, or had closed them before: those that it learned from teach nothing more. */
  reviewed(cases: readonly ReviewCase[]): void {
    this.#learning?.labelled(cases.map(labelOfCase).filter((label) => label !== null))
  }

  /** Outcomes that are remembered to learn from. */
  get outcomesLearned(): number {
    return this.#learning?.outcomes ?? 0
  }

  /** Resolves once nothing is being learned. */
  get lesson(): Promise<void> {
    return this.#learning?.lesson ?? Promise.resolve()
  }

  async close(): Promise<void> {
    await this.#memory.save()
    await this.#learning?.close()
    await this.scorer.close()
  }

  /** Outcomes that came after learning was last saved. */
  async #catchUp(): Promise<void> {
    const { ledger } = this.#options
    const learning = this.#learning
    if (learning === null || learning.height >= ledger.height) return
    const ended = await ledger.holdsEndedBetween(learning.height + 1, ledger.height)
    learning.executed(ledger.height, [], await this.#labelsOf(ended))
  }

  #labelsOf(holds: BlockExecution['endedHolds']): ReturnType<typeof labelsOf> {
    const { ledger, parameters } = this.#options
    return labelsOf(holds, ledger, parameters.labelMinAgeMs)
  }
}

function modelDirectory({ directory }: Pick<NodeConfig, 'directory'>): string {
  return join(directory, 'models')
}

function shelfOf({ config, log }: FraudEngineOptions): ModelShelf {
  const head = chosenHead(config.fraudModel, log)
  return new ModelShelf({
    directory: modelDirectory(config),
    configured: head === undefined ? null : { name: basename(config.fraudModel, '.json'), head },
    nowMs: () => Date.now(),
    log,
  })
}

const DRAWN = 1_024
const drawn = new Uint32Array(DRAWN)
let nextDrawn = DRAWN

/** Uniform in [0, 1): which transfers a sample keeps is nobody's to foresee. Drawn many at once, since each draw is a call of the system. */
function random(): number {
  if (nextDrawn === DRAWN) {
    randomFillSync(drawn)
    nextDrawn = 0
  }
  return (drawn[nextDrawn++] as number) / 2 ** 32
}
