/** A thread for one lesson: it is started with it, answers with what was learned, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { teach, type Lesson } from '../../fraud/learning/fit.ts'

if (parentPort === null) throw new Error('learning-worker.ts runs as a worker thread only')
parentPort.postMessage(teach(workerData as Lesson))
