/** On a machine whose WebAssembly has no SIMD the model runs all the same, with the same scores, and says so. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chooseBackend } from '../../fraud/model/backend.ts'
import { createModel } from '../../fraud/model/model.ts'
import { BASELINE_INPUTS } from '../../fraud/model/tail.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'

/** V8 offers SIMD only with these instructions. They are those of x64: elsewhere the switch changes nothing. */
const WITHOUT_SIMD = '--no-enable-sse4-1'
const ROWS = 4

async function judge(): Promise<{ readonly backend: object; readonly scores: readonly number[] }> {
  const backend = await chooseBackend()
  const rows = Float32Array.from({ length: ROWS * FEATURE_COUNT }, (_, i) => (i * 7) % 5)
  const scores = createModel(null).score(rows, new Float32Array(BASELINE_INPUTS).fill(1))
  return { backend, scores: [...scores] }
}

/** The same in a process of its own. */
async function judgeWithoutSimd(): Promise<Awaited<ReturnType<typeof judge>>> {
  const program = fileURLToPath(import.meta.url)
  const { stdout } = await promisify(execFile)(process.execPath, [WITHOUT_SIMD, program, 'judge'])
  return JSON.parse(stdout) as Awaited<ReturnType<typeof judge>>
}

if (process.argv[2] === 'judge') {
  void judge().then((judged) => process.stdout.write(JSON.stringify(judged)))
} else {
  test('without SIMD', { skip: process.arch !== 'x64' && 'no switch for this' }, async () => {
    const [judged, without] = [await judge(), await judgeWithoutSimd()]
    assert.deepEqual(judged.backend, { name: 'wasm', problem: null })
    assert.deepEqual(without.backend, {
      name: 'wasm',
      problem: 'wasm: this machine has no SIMD for WebAssembly, so the model is slower',
    })
    without.scores.forEach((score, i) => assert.ok(Math.abs(score - (judged.scores[i] as number)) < 1e-5))
    assert.equal(without.scores.length, ROWS)
  })
}
