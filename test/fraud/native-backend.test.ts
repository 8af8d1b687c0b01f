/** The contract of the native backend: found by its name it is used, with what its release needs, and it must compute rightly. */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { after, test } from 'node:test'
import util from 'node:util'
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { BACKENDS, chooseBackend } from '../../fraud/model/backend.ts'
import { createModel } from '../../fraud/model/model.ts'
import { cheapScore } from '../../fraud/model/sum.ts'
import { BASELINE_INPUTS } from '../../fraud/model/tail.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'

const PACKAGE = '@tensorflow/tfjs-node'
const STAND_IN = new URL('./native-stand-in.ts', import.meta.url).href

const hooks = registerHooks({
  resolve: (specifier, context, next) =>
    specifier === PACKAGE ? { url: STAND_IN, shortCircuit: true } : next(specifier, context),
})
after(() => hooks.deregister())

test('installed, it is the first choice, with the function that Node has removed, and judges as the sum does', async () => {
  assert.equal('isNullOrUndefined' in util, false, 'this Node still has it: the shim can go')
  assert.deepEqual(await chooseBackend(), { name: 'tensorflow', problem: null })
  assert.equal(tf.getBackend(), 'tensorflow')
  const model = createModel(null)
  const rows = Float32Array.from({ length: 3 * FEATURE_COUNT }, (_, i) => (i * 7) % 5)
  const inputs = new Float32Array(BASELINE_INPUTS).fill(1)
  model.score(rows, inputs).forEach((score, i) => {
    const expected = cheapScore(rows, i * FEATURE_COUNT, inputs)
    assert.ok(Math.abs(score - expected) < 2e-4, `row ${i}: ${score} by tensors, ${expected} by the sum`)
  })
  model.dispose()
})

test('without that function it would not compute: the stand-in is as demanding as the release', () => {
  const removed = util as { isNullOrUndefined?: unknown }
  const { isNullOrUndefined } = removed
  delete removed.isNullOrUndefined
  assert.throws(() => tf.tensor1d([1]), TypeError)
  removed.isNullOrUndefined = isNullOrUndefined
})

test('one that computes wrongly is passed over, and that is told', async () => {
  class Wrong extends MathBackendCPU {
    override readSync(dataId: object): ReturnType<MathBackendCPU['readSync']> {
      return Float32Array.from(super.readSync(dataId) as Float32Array, (value) => value - 1)
    }
  }
  tf.removeBackend('tensorflow')
  const tensorflow = (): Promise<void> => {
    tf.registerBackend('tensorflow', () => new Wrong())
    return Promise.resolve()
  }
  const cpu = (): Promise<unknown> => import('@tensorflow/tfjs-backend-cpu')
  const chosen = await chooseBackend(['tensorflow', 'cpu'], { tensorflow, wasm: cpu, cpu })
  assert.deepEqual(chosen, { name: 'cpu', problem: 'tensorflow: it computes wrongly' })
  assert.deepEqual(BACKENDS, ['tensorflow', 'wasm', 'cpu'])
})
