/**
 * Chooses what TensorFlow.js computes on. Order: `@tensorflow/tfjs-node` if the operator installed it, WebAssembly
 * (the default, SIMD, nothing to download), plain JavaScript as the last resort. A backend is taken only if it gives
 * the right answer to a small sum: one that loads and computes wrongly is as bad as none.
 */
import * as tf from '@tensorflow/tfjs-core'
import { loadNative } from './native.ts'

export type BackendName = 'tensorflow' | 'wasm' | 'cpu'

export interface Backend {
  readonly name: BackendName
  /** Why better ones were passed over, and what this one lacks; null: the first choice works as it should. */
  readonly problem: string | null
}

/** Registers a backend by importing its package. Throws if that is not there. */
export type BackendLoader = () => Promise<unknown>

const LOADERS: Readonly<Record<BackendName, BackendLoader>> = {
  tensorflow: loadNative,
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
}

/** The default order. A missing native package is no problem worth telling. */
export const BACKENDS: readonly BackendName[] = ['tensorflow', 'wasm', 'cpu']

/**
 * Sets the first of `names` that works.
 * @throws Error naming each backend's trouble if none does.
 */
export async function chooseBackend(
  names: readonly BackendName[] = BACKENDS,
  loaders: Readonly<Record<BackendName, BackendLoader>> = LOADERS,
): Promise<Backend> {
  tf.enableProdMode() // no advertisements on the console
  const problems: string[] = []
  for (const name of names) {
    try {
      await loaders[name]()
      if (!(await tf.setBackend(name))) throw new Error('TensorFlow.js does not start it')
      await tf.ready()
      if (!computesRightly()) throw new Error('it computes wrongly')
      if (name === 'wasm' && !(await hasSimd()))
        problems.push('wasm: this machine has no SIMD for WebAssembly, so the model is slower')
      return { name, problem: problems.length === 0 ? null : problems.join('; ') }
    } catch (error) {
      if (name === 'tensorflow' && isMissing(error)) continue
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new Error(`no TensorFlow.js backend works (${problems.join('; ')})`)
}

/** 1·4 + 2·5 + 3·6, by the operations that the model uses. */
function computesRightly(): boolean {
  return tf.tidy(() => {
    const sum = tf.sum(
      tf.mul(tf.gather(tf.tensor2d([[1, 2, 3]]), tf.tensor1d([0, 1, 2], 'int32'), 1), tf.tensor1d([4, 5, 6])),
      1,
    )
    return sum.dataSync<'float32'>()[0] === 32
  })
}

/** TensorFlow.js then takes another build of its kernels by itself, with the same results. */
async function hasSimd(): Promise<boolean> {
  return (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) === true
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
