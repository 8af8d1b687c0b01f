/**
 * The scoring worker: loads TensorFlow.js and the model, warms them up, and answers batches. Any error ends the thread;
 * the client restarts it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { chooseBackend } from '../../fraud/model/backend.ts'
import { BASELINE_INPUTS } from '../../fraud/model/tail.ts'
import { createModel, type DirectionalModel } from '../../fraud/model/model.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import { END } from '../workers/spawn.ts'
import type { Models, ScoreRequest, WorkerAnswer, WorkerRequest } from './messages.ts'

/** Rows per piece of an answer: the client can use what has come when the time is up. */
const PIECE_ROWS = 500
/** The first calls compile kernels and grow memory; those of both sizes must be over before a payment waits. */
const WARM_UP_ROWS = [1, 1, PIECE_ROWS, PIECE_ROWS]

if (parentPort === null) throw new Error('scoring-worker.ts runs as a worker thread only')
const port = parentPort
const answer = (message: WorkerAnswer, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer)

/** The models that score, built and warm. */
class Bench {
  readonly #voting: DirectionalModel
  readonly #shadow: DirectionalModel | null

  constructor({ voting, shadow }: Models) {
    this.#voting = createModel(voting)
    this.#shadow = shadow === null ? null : createModel(shadow.head)
    const inputs = new Float32Array(BASELINE_INPUTS).fill(1)
    for (const rows of WARM_UP_ROWS) {
      for (const model of [this.#voting, this.#shadow])
        model?.score(new Float32Array(rows * FEATURE_COUNT), inputs)
    }
  }

  score({ id, rows, inputs, shadowInputs }: ScoreRequest): void {
    const count = rows.length / FEATURE_COUNT
    for (let first = 0; first < count; first += PIECE_ROWS) {
      const piece = rows.subarray(first * FEATURE_COUNT, (first + PIECE_ROWS) * FEATURE_COUNT)
      const scores = Float32Array.from(this.#voting.score(piece, inputs))
      const shadowScores =
        this.#shadow === null || shadowInputs === null
          ? null
          : Float32Array.from(this.#shadow.score(piece, shadowInputs))
      answer(
        { type: 'scores', id, first, scores, shadowScores },
        shadowScores === null ? [scores.buffer] : [scores.buffer, shadowScores.buffer],
      )
    }
  }

  dispose(): void {
    this.#voting.dispose()
    this.#shadow?.dispose()
  }
}

async function serve(): Promise<void> {
  const backend = await chooseBackend()
  let bench = new Bench(workerData as Models)
  port.on('message', (message: WorkerRequest | typeof END) => {
    if (message === END) process.exit()
    if ('models' in message) {
      bench.dispose()
      bench = new Bench(message.models)
    } else {
      bench.score(message)
    }
  })
  answer({ type: 'ready', backend: backend.name, problem: backend.problem })
}

void serve()
