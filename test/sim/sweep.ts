/** Many runs on several threads, in the order in which threads are free; what is reported is in the order of the seeds. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Outcome, Profile } from './simulate.ts'

export interface SweepResult {
  readonly seeds: number
  readonly violations: readonly Outcome[]
  readonly stalls: readonly Outcome[]
  /** Over the audit hashes of all runs, ascending by seed: the same on every machine and with any number of threads. */
  readonly auditHash: string
  readonly worstRecoveryMs: number
}

export interface SweepOptions {
  readonly profile: Profile
  readonly first: number
  readonly count: number
  readonly jobs: number
  readonly onOutcome: (outcome: Outcome, done: number) => void
}

export async function sweep({ profile, first, count, jobs, onOutcome }: SweepOptions): Promise<SweepResult> {
  const outcomes: Outcome[] = []
  let next = 0
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./sweep-worker.ts', import.meta.url), { workerData: { profile } })
    try {
      while (next < count) {
        worker.postMessage(first + next++)
        const [outcome] = (await once(worker, 'message')) as [Outcome]
        outcomes.push(outcome)
        onOutcome(outcome, outcomes.length)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, work))
  outcomes.sort((a, b) => a.seed - b.seed)
  const audit = createHash('sha256')
  for (const { seed, result, failure } of outcomes)
    audit.update(`${seed} ${result?.audit ?? failure?.message ?? ''}\n`)
  return {
    seeds: outcomes.length,
    violations: outcomes.filter(({ failure }) => failure !== null && failure.kind !== 'stall'),
    stalls: outcomes.filter(({ failure }) => failure?.kind === 'stall'),
    auditHash: audit.digest('hex'),
    worstRecoveryMs: Math.max(0, ...outcomes.map(({ result }) => result?.recoveredMs ?? 0)),
  }
}
