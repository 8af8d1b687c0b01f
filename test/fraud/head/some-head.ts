/** Heads with random numbers in them. */
import { networkHead, type Head, type Layer } from '../../../fraud/head/head.ts'
import { HEAD_INPUTS } from '../../../fraud/head/inputs.ts'
import { random } from '../play.ts'

const INPUTS = HEAD_INPUTS.length

function layer(inputs: number, outputs: number, unit: () => number): Layer {
  return {
    inputs,
    outputs,
    weights: Float32Array.from({ length: inputs * outputs }, () => unit() - 0.5),
    biases: Float32Array.from({ length: outputs }, () => unit() - 0.5),
  }
}

/** A network alone. */
export function someNetwork(seed: number): Head {
  const unit = random(seed)
  const standard = {
    means: Float32Array.from({ length: INPUTS }, () => 2 * unit()),
    deviations: Float32Array.from({ length: INPUTS }, () => 0.5 + unit()),
  }
  return networkHead(standard, [layer(INPUTS, 6, unit), layer(6, 4, unit), layer(4, 1, unit)])
}

/** A network with a direct part and a share of the tail. */
export function someHead(seed: number): Head {
  const unit = random(seed + 1_000)
  const direct = Float32Array.from({ length: INPUTS }, () => unit() - 0.5)
  return { ...someNetwork(seed), direct, bias: -1.5, tailWeight: 0.3 }
}
