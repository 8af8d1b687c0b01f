/** The executable specification holds, and would not if a rule of it were another one. */
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { BROKEN_RULES, isFound } from './broken-rules.ts'
import { INSTANCES } from './instances.ts'
import { MODELS, ORDERING, quint, simulate, VERDICT } from './quint.ts'
import { replay } from './replay.ts'

const SEED = 20_261
/** Per instance. */
const ORDERING_TRACES = 50
const REPLAYED_TRACES = 10
const VERDICT_TRACES = 60
const BROKEN_RULE_TRACES = 100

// Quint is a process of one thread. Types are checked by every call of it.
describe('the executable specification', { concurrency: availableParallelism() }, () => {
  test('the directed runs come out as they say', async () => {
    const scenarios = join(MODELS, 'scenarios.qnt')
    const { exitCode, output } = await quint(['test', scenarios, '--main=scenarios', '--backend=typescript'])
    assert.equal(exitCode, 0, output)
    assert.match(output, /6 passing/)
  })

  for (const instance of Object.keys(INSTANCES)) {
    test(`ordering, ${instance}: every invariant holds in random traces, and the engine does the same`, async () => {
      const size = { traces: ORDERING_TRACES, keep: REPLAYED_TRACES, steps: 40, seed: SEED }
      const { violation, kept } = await simulate({ model: ORDERING, instance, invariant: 'safe', ...size })
      assert.equal(violation, null)
      assert.equal(kept.length, REPLAYED_TRACES)
      for (const trace of kept) await replay(trace)
    })
  }

  for (const instance of ['verdictEqual', 'verdictWeighted']) {
    test(`the verdict, ${instance}: its table holds in random traces`, async () => {
      const size = { traces: VERDICT_TRACES, steps: 8, seed: SEED }
      const { violation } = await simulate({ model: VERDICT, instance, invariant: 'table', ...size })
      assert.equal(violation, null)
    })
  }

  // One here; the long run hunts them all.
  for (const rule of BROKEN_RULES.filter(({ name }) => name.includes('4.3.2'))) {
    test(`a broken rule is found: ${rule.name}`, async () => {
      assert.ok(await isFound(rule, BROKEN_RULE_TRACES, SEED))
    })
  }
})
