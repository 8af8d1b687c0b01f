/**
 * What is usual on this chain: mean and deviation of the tail's features, the usual amount, and the score that only
 * `MAX_FLAG_RATE` of transfers exceed. Learned from executed transfers, without labels.
 *
 * Against poisoning: transfers of busy accounts and held ones are never sampled (`features.ts`), so one account adds a
 * handful of samples a day; and one value moves a mean by at most `CLIP` deviations of its weight.
 */
import type { Reader, Writer } from '../crypto/codec.ts'
import { WINDOW_MS } from './limits.ts'
import { MAX_FLAG_RATE, TAIL, Z_MAX } from './model-spec.ts'
import { COLUMN } from './schema.ts'

/** Samples behind the moving means once there are many: about this many recent ones count. */
const MEMORY = 20_000
/** The tail is silent below this many samples, or this much time. */
const READY_SAMPLES = 1_000
const READY_MS = WINDOW_MS.week
/** The usual amount is known from here on. */
const AMOUNT_SAMPLES = 20
const CLIP = 5
const SMALLEST_DEVIATION = 0.1

const BINS = 512
const BIN_WIDTH = (Z_MAX * TAIL.reduce((sum, term) => sum + term.weight, 0)) / BINS
/** The calibrated threshold never falls below this sum: two features at two deviations are not suspicious anywhere. */
const LOWEST_THRESHOLD = 4
/** Weights of samples grow instead of all bins shrinking; above this, everything is scaled back. */
const RESCALE_AT = 1e9
const QUANTILE_EVERY = 32

/** Numbers that the model needs beside the rows: mean and 1/deviation per tail term (0: silent), then the threshold. */
export const BASELINE_INPUTS: number = 2 * TAIL.length + 1

export class Baseline {
  #samples = 0
  #firstMs = 0
  #lastMs = 0
  readonly #known: Float64Array = new Float64Array(TAIL.length)
  readonly #means: Float64Array = new Float64Array(TAIL.length)
  readonly #squares: Float64Array = new Float64Array(TAIL.length)
  #amountSamples = 0
  #amountLog2 = 0
  readonly #bins: Float64Array = new Float64Array(BINS)
  #binWeight = 1
  #threshold = LOWEST_THRESHOLD
  readonly #inputs: Float32Array = new Float32Array(BASELINE_INPUTS)

  constructor() {
    this.#refreshInputs()
  }

  /** Whether the tail speaks. */
  get ready(): boolean {
    return this.#samples >= READY_SAMPLES && this.#lastMs - this.#firstMs >= READY_MS
  }

  get samples(): number {
    return this.#samples
  }

  /** log2 of the usual amount in CRD, or null: too few seen. */
  get usualAmountLog2(): number | null {
    return this.#amountSamples < AMOUNT_SAMPLES ? null : this.#amountLog2
  }

  /** Shared and overwritten by the next sample: copy it to keep it. */
  get inputs(): Float32Array {
    return this.#inputs
  }

  /** The usual value of a tail term in its feature's own unit, or null. */
  usual(term: number): number | null {
    if ((this.#known[term] as number) < READY_SAMPLES) return null
    const direction = TAIL[term]?.direction ?? 1
    return 2 ** (direction * (this.#means[term] as number)) - 1
  }

  /** Takes the row of one executed transfer. `offset`: where the row starts. */
  sample(rows: Float32Array, offset: number, timeMs: number): void {
    if (this.#samples === 0) this.#firstMs = timeMs
    this.#samples++
    this.#lastMs = Math.max(this.#lastMs, timeMs)
    this.#sampleAmount(Math.log2(Math.max(rows[offset + COLUMN.amount] as number, 1e-6)))
    if (this.ready) this.#sampleSum(tailSum(rows, offset, this.#inputs))
    TAIL.forEach((term, i) => {
      if (term.known === null || rows[offset + COLUMN[term.known]] === 1) {
        this.#sampleTerm(i, tailValue(term.direction, rows[offset + COLUMN[term.feature]] as number))
      }
    })
    this.#refreshInputs()
  }

  write(writer: Writer): void {
    const state = [
      this.#samples,
      this.#firstMs,
      this.#lastMs,
      this.#amountSamples,
      this.#amountLog2,
      this.#binWeight,
      this.#threshold,
      ...this.#known,
      ...this.#means,
      ...this.#squares,
      ...this.#bins,
    ]
    writer.bytes(new Uint8Array(new Float64Array(state).buffer))
  }

  static read(reader: Reader): Baseline {
    const baseline = new Baseline()
    const length = 7 + 3 * TAIL.length + BINS
    const bytes = reader.bytes(8 * length)
    const state = new Float64Array(bytes.slice().buffer)
    if (state.length !== length || !state.every(Number.isFinite))
      throw new RangeError('the baseline of the snapshot is damaged')
    const [samples, firstMs, lastMs, amountSamples, amountLog2, binWeight, threshold] =
      state as unknown as number[]
    baseline.#samples = samples as number
    baseline.#firstMs = firstMs as number
    baseline.#lastMs = lastMs as number
    baseline.#amountSamples = amountSamples as number
    baseline.#amountLog2 = amountLog2 as number
    baseline.#binWeight = binWeight as number
    baseline.#threshold = threshold as number
    let offset = 7
    for (const part of [baseline.#known, baseline.#means, baseline.#squares, baseline.#bins]) {
      part.set(state.subarray(offset, offset + part.length))
      offset += part.length
    }
    baseline.#refreshInputs()
    return baseline
  }

  #sampleAmount(log2: number): void {
    this.#amountSamples++
    const weight = 1 / Math.min(this.#amountSamples, MEMORY)
    const difference = log2 - this.#amountLog2
    this.#amountLog2 += weight * (this.#amountSamples === 1 ? difference : clamp(difference, -CLIP, CLIP))
  }

  #sampleTerm(i: number, value: number): void {
    const count = ((this.#known[i] as number) += 1)
    const weight = 1 / Math.min(count, MEMORY)
    const deviation = this.#deviation(i)
    const difference = value - (this.#means[i] as number)
    const step = count < READY_SAMPLES ? difference : clamp(difference, -CLIP * deviation, CLIP * deviation)
    this.#means[i] = (this.#means[i] as number) + weight * step
    this.#squares[i] = (1 - weight) * ((this.#squares[i] as number) + weight * step * step)
  }

  #deviation(i: number): number {
    return Math.max(SMALLEST_DEVIATION, Math.sqrt(this.#squares[i] as number))
  }

  #sampleSum(sum: number): void {
    this.#binWeight *= 1 + 1 / MEMORY
    const bin = Math.min(BINS - 1, Math.floor(sum / BIN_WIDTH))
    this.#bins[bin] = (this.#bins[bin] as number) + this.#binWeight
    if (this.#binWeight > RESCALE_AT) {
      for (let i = 0; i < BINS; i++) this.#bins[i] = (this.#bins[i] as number) / this.#binWeight
      this.#binWeight = 1
    }
    if (this.#samples % QUANTILE_EVERY === 0) this.#calibrate()
  }

  #calibrate(): void {
    const total = this.#bins.reduce((sum, weight) => sum + weight, 0)
    let above = 0
    let bin = BINS
    while (bin > 0 && above + (this.#bins[bin - 1] as number) <= MAX_FLAG_RATE * total)
      above += this.#bins[--bin] as number
    this.#threshold = Math.max(LOWEST_THRESHOLD, bin * BIN_WIDTH)
  }

  #refreshInputs(): void {
    const speaks = this.ready
    TAIL.forEach((_, i) => {
      this.#inputs[i] = this.#means[i] as number
      this.#inputs[TAIL.length + i] = speaks ? 1 / this.#deviation(i) : 0
    })
    this.#inputs[2 * TAIL.length] = this.#threshold
  }
}

/** The value of a tail term as it is compared with the population. */
export function tailValue(direction: 1 | -1, value: number): number {
  return direction * Math.log2(1 + Math.max(0, value))
}

/** Contribution of one tail term to the sum. */
export function tailTerm(i: number, rows: Float32Array, offset: number, inputs: Float32Array): number {
  const term = TAIL[i]
  if (term === undefined || (term.known !== null && rows[offset + COLUMN[term.known]] === 0)) return 0
  const value = tailValue(term.direction, rows[offset + COLUMN[term.feature]] as number)
  const z = (value - (inputs[i] as number)) * (inputs[TAIL.length + i] as number)
  return term.weight * clamp(z, 0, Z_MAX)
}

/** The whole sum, before it is divided by the threshold. */
export function tailSum(rows: Float32Array, offset: number, inputs: Float32Array): number {
  let sum = 0
  for (let i = 0; i < TAIL.length; i++) sum += tailTerm(i, rows, offset, inputs)
  return sum
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
