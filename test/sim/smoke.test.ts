/**
 * A short simulation: a few seeds of everything at once. More of them: `npm run sim -- --seeds 1000 --start 1`; one
 * that failed, in detail: `npm run sim -- --seed X --trace`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, drawOptions } from './options.ts'
import { World, type RunResult } from './world.ts'

const SEEDS = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
/** Each found a fault once; the commit that mends it says which. */
const REGRESSIONS: readonly number[] = [2017, 3003]

async function simulate(seed: number): Promise<RunResult> {
  const options = drawOptions(seed)
  console.log(`seed ${seed} ${describe(options)}`)
  const world = await World.create(options)
  return world.run()
}

for (const seed of [...SEEDS, ...REGRESSIONS]) {
  test(`seed ${seed}: safe throughout, alive after healing, nothing accepted is lost`, async () => {
    const { finalHeight, executed } = await simulate(seed)
    assert.ok(finalHeight > 10)
    assert.ok(executed > 0)
  })
}

test('the same seed gives the same run, another seed another', async () => {
  const first = await simulate(2)
  const second = await simulate(2)
  const other = await simulate(4)
  assert.equal(first.audit, second.audit)
  assert.notEqual(first.audit, other.audit)
})
