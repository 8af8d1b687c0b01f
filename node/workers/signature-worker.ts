/** The signature worker: answers each packed batch with one byte per signature. */
import { parentPort } from 'node:worker_threads'
import { LIMITS } from '../../config/limits.ts'
import { END } from './spawn.ts'
import { checkPacked } from './signature-batch.ts'

if (parentPort === null) throw new Error('signature-worker.ts runs as a worker thread only')
const port = parentPort

port.on('message', (message: { id: number; packed: Uint8Array } | typeof END) => {
  if (message === END) process.exit()
  const { id, packed } = message
  const answers = checkPacked(packed, LIMITS.slowSignaturesPerBatch)
  port.postMessage({ id, answers }, [answers.buffer])
})
