/** One run by its number and profile, and what came of it. */
import { drawOptions, type RunOptions } from './options.ts'
import { Stall, Violation } from './oracles.ts'
import { drawSwarm } from './swarm.ts'
import { World, type RunHooks, type RunResult } from './world.ts'

/** How the options of a run are drawn from its seed. */
export const PROFILES = { core: drawOptions, swarm: drawSwarm } as const
export type Profile = keyof typeof PROFILES

export interface Outcome {
  readonly seed: number
  readonly result: RunResult | null
  /** Null: nothing. A stall is something that must happen and did not in its time. */
  readonly failure: { readonly kind: 'violation' | 'stall' | 'error'; readonly message: string } | null
}

export async function simulate(options: RunOptions, hooks: RunHooks = {}): Promise<Outcome> {
  const { seed } = options
  try {
    const world = await World.create(options, hooks)
    return { seed, result: await world.run(), failure: null }
  } catch (error) {
    const kind = error instanceof Stall ? 'stall' : error instanceof Violation ? 'violation' : 'error'
    const message =
      error instanceof Error
        ? kind === 'error'
          ? (error.stack ?? error.message)
          : error.message
        : String(error)
    return { seed, result: null, failure: { kind, message } }
  }
}
