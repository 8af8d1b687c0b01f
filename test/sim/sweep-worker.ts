/** Simulates the seeds it is told, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { PROFILES, simulate, type Profile } from './simulate.ts'

const { profile } = workerData as { readonly profile: Profile }

parentPort?.on('message', (seed: number) => {
  void simulate(PROFILES[profile](seed)).then((outcome) => {
    parentPort?.postMessage(outcome)
  })
})
