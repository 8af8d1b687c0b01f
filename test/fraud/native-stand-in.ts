/**
 * Stands in for `@tensorflow/tfjs-node` 4.22, which no test can download: like that one it registers a backend named
 * `tensorflow` when it is loaded, and calls a function that Node has removed (`nodejs_kernel_backend.js` there).
 */
import util from 'node:util'
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'

class StandIn extends MathBackendCPU {
  override write(...args: Parameters<MathBackendCPU['write']>): ReturnType<MathBackendCPU['write']> {
    const { isNullOrUndefined } = util as unknown as { isNullOrUndefined: (value: unknown) => boolean }
    if (isNullOrUndefined(args[0])) throw new TypeError('expected values')
    return super.write(...args)
  }
}

tf.copyRegisteredKernels('cpu', 'tensorflow')
tf.registerBackend('tensorflow', () => new StandIn())
