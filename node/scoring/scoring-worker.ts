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
import type { ScoreRequest, WorkerAnswer, WorkerStart } from './messages.ts'

/** Rows per piece of an answer: the client can use what has come when the time is up. */
const PIECE_ROWS = 500
/** The first calls compile kernels and grow memory; those of both sizes must be over before a payment waits. */
const WARM_UP_ROWS = [1, 1, PIECE_ROWS, PIECE_ROWS]

if (parentPort === null) throw new Error('scoring-worker.ts runs as a worker thread only')
const port = parentPort
const answer = (message: WorkerAnswer, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer)

function score(model: DirectionalModel, { id, rows, inputs }: ScoreRequest): void {
  const count = rows.length / FEATURE_COUNT
  for (let first = 0; first < count; first += PIECE_ROWS) {
    const piece = rows.subarray(first * FEATURE_COUNT, (first + PIECE_ROWS) * FEATURE_COUNT)
    const scores = Float32Array.from(model.score(piece, inputs))
    answer({ type: 'scores', id, first, scores }, [scores.buffer])
  }
}

async function serve(): Promise<void> {
  const backend = await chooseBackend()
  const { head } = workerData as WorkerStart
  const model = createModel(head)
  for (const rows of WARM_UP_ROWS) {
    model.score(new Float32Array(rows * FEATURE_COUNT), new Float32Array(BASELINE_INPUTS).fill(1))
  }
  port.on('message', (message: ScoreRequest | typeof END) => {
    if (message === END) process.exit()
    score(model, message)
  })
  answer({ type: 'ready', backend: backend.name, problem: backend.problem, modelId: model.id })
}

void serve()
