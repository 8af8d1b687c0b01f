/**
 * A short simulation: a few seeds of everything at once. More of them: `npm run sim -- --seeds 1000 --profile swarm`;
 * one that failed, in detail: `npm run sim -- --seed X --profile swarm --trace`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from './options.ts'
import { PROFILES, simulate, type Profile } from './simulate.ts'
import type { RunResult } from './world.ts'

const SEEDS: Readonly<Record<Profile, readonly number[]>> = {
  core: [1, 2, 4, 5, 6, 7, 8, 9],
  swarm: [1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 15, 21],
}
/** Each found a fault once; the commit that mends it says which. */
const REGRESSIONS: Readonly<Record<Profile, readonly number[]>> = {
  core: [2017, 3003],
  swarm: [46, 3778, 11245, 15767, 18122, 18702, 223023, 253845, 259073, 298653, 300033, 323266],
}

async function run(profile: Profile, seed: number): Promise<RunResult> {
  const options = PROFILES[profile](seed)
  console.log(`seed ${seed} ${profile} ${describe(options)}`)
  const { result, failure } = await simulate(options)
  if (result === null) assert.fail(`${failure?.kind ?? ''}: ${failure?.message ?? ''}`)
  return result
}

for (const profile of ['core', 'swarm'] as const) {
  for (const seed of [...SEEDS[profile], ...REGRESSIONS[profile]]) {
    test(`${profile} ${seed}: safe throughout, alive after healing, nothing accepted is lost`, async () => {
      const { finalHeight, executed } = await run(profile, seed)
      assert.ok(finalHeight > 5)
      assert.ok(executed > 0)
    })
  }
}

test('the same seed gives the same run, another seed another', async () => {
  const first = await run('swarm', 2)
  const second = await run('swarm', 2)
  const other = await run('swarm', 5)
  assert.equal(first.audit, second.audit)
  assert.notEqual(first.audit, other.audit)
})
