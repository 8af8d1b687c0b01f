/**
 * What is usual on this chain: mean and deviation of the tail's features, the usual amount, and the scores of tail and
 * head that only `MAX_FLAG_RATE` of transfers exceed. Learned from executed transfers, without labels.
 *
 * Against poisoning: transfers of busy accounts and held ones are never sampled (`store/feature-store.ts`), so one account adds a
 * handful of samples a day; and one value moves a mean by at most `CLIP` deviations of its weight.
 */
import type { Reader, Writer } from '../../crypto/codec.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import { HeadByHand, flagThreshold, headId, type Head } from '../head/head.ts'
import { WINDOW_MS } from '../limits.ts'
import { MAX_FLAG_RATE, TAIL, Z_MAX } from './model-spec.ts'
import { QUANTILE_STATE, RunningQuantile } from './running-quantile.ts'
import { COLUMN } from '../schema.ts'
import { BASELINE_INPUTS, INPUT, tailSum, tailValue } from './tail.ts'
import { log2Amount } from '../units.ts'

/** Samples behind the moving means once there are many: about this many recent ones count. */
const MEMORY = 20_000
/** Tail and head are silent below this many samples, or this much time. */
const READY_SAMPLES = 1_000
const READY_MS = WINDOW_MS.week
/** The usual amount is known from here on. */
const AMOUNT_SAMPLES = 20
const CLIP = 5
const SMALLEST_DEVIATION = 0.1
/** The tail's threshold never falls below this sum: two features at two deviations are not suspicious anywhere. */
const LOWEST_THRESHOLD = 4
const QUANTILE_EVERY = 32
/** A network by hand costs microseconds: one sample in this many is enough. */
const LOGIT_EVERY = 4
/** Logits beyond these are as good as certain. */
const LOGITS = [-24, 8] as const
/** This chain's own threshold of the head stands from so many logits on. */
const LOGITS_NEEDED = 1_000
/** A threshold that nothing reaches. */
const SILENT = 1e6
const HEAD_ID_BYTES = 32

const NUMBERS = 6
const STATE = NUMBERS + 2 * TAIL.length + 2 * QUANTILE_STATE

interface CalibratedHead {
  readonly head: Head
  readonly byHand: HeadByHand
  readonly id: Uint8Array
}

export class Baseline {
  #head: CalibratedHead | null
  #samples = 0
  #firstMs = 0
  #lastMs = 0
  readonly #means: Float64Array = new Float64Array(TAIL.length)
  readonly #squares: Float64Array = new Float64Array(TAIL.length)
  #amountLog2 = 0
  readonly #sums: RunningQuantile = new RunningQuantile(0, Z_MAX * TAIL.length)
  #logits: RunningQuantile = new RunningQuantile(...LOGITS)
  #tailThreshold = LOWEST_THRESHOLD
  #headThreshold: number
  readonly #inputs: Float32Array = new Float32Array(BASELINE_INPUTS)

  /** @param head the head whose logits are to be calibrated, or null. */
  constructor(head: Head | null = null) {
    this.#head = calibrated(head)
    this.#headThreshold = head === null ? 0 : flagThreshold(head, null)
    this.#refreshInputs()
  }

  /** Whether tail and head speak. */
  get ready(): boolean {
    return this.#samples >= READY_SAMPLES && this.#lastMs - this.#firstMs >= READY_MS
  }

  get samples(): number {
    return this.#samples
  }

  /** log2 of the usual amount in CRD, or null: too few seen. */
  get usualAmountLog2(): number | null {
    return this.#samples < AMOUNT_SAMPLES ? null : this.#amountLog2
  }

  /** `INPUT`. Shared and overwritten by the next sample: copy it to keep it. */
  get inputs(): Float32Array {
    return this.#inputs
  }

  /** The usual value of a tail term, and one deviation below and above it, in its feature's own unit; null: too few seen. */
  usual(term: number): { readonly value: number; readonly from: number; readonly to: number } | null {
    if (this.#samples < READY_SAMPLES) return null
    const scale = TAIL[term]?.scale ?? 1
    const mean = this.#means[term] as number
    const deviation = this.#deviation(term)
    const valueAt = (log2: number): number => (2 ** log2 - 1) / scale
    return {
      value: valueAt(mean),
      from: valueAt(Math.max(0, mean - deviation)),
      to: valueAt(mean + deviation),
    }
  }

  /** Takes the row of one executed transfer. `offset`: where the row starts. */
  sample(rows: Float32Array, offset: number, timeMs: number): void {
    if (this.#samples === 0) this.#firstMs = timeMs
    this.#samples++
    this.#lastMs = Math.max(this.#lastMs, timeMs)
    this.#sampleAmount(log2Amount(rows[offset + COLUMN.amount] as number))
    if (this.ready) this.#calibrate(rows, offset)
    TAIL.forEach((_, i) => this.#sampleTerm(i, tailValue(i, rows, offset)))
    this.#refreshInputs()
  }

  write(writer: Writer): void {
    const state = [
      this.#samples,
      this.#firstMs,
      this.#lastMs,
      this.#amountLog2,
      this.#tailThreshold,
      this.#headThreshold,
      ...this.#means,
      ...this.#squares,
      ...this.#sums.state(),
      ...this.#logits.state(),
    ]
    writer.raw(this.#head?.id ?? new Uint8Array(HEAD_ID_BYTES))
    writer.bytes(new Uint8Array(new Float64Array(state).buffer))
  }

  /** What was learned about the logits of another head than `head` is left out. */
  static read(reader: Reader, head: Head | null): Baseline {
    const baseline = new Baseline(head)
    const id = reader.fixed(HEAD_ID_BYTES)
    const state = new Float64Array(reader.bytes(8 * STATE).slice().buffer)
    if (state.length !== STATE || !state.every(Number.isFinite))
      throw new RangeError('the baseline of the snapshot is damaged')
    const [samples, firstMs, lastMs, amountLog2, tailThreshold, headThreshold] = state as unknown as number[]
    baseline.#samples = samples as number
    baseline.#firstMs = firstMs as number
    baseline.#lastMs = lastMs as number
    baseline.#amountLog2 = amountLog2 as number
    baseline.#tailThreshold = tailThreshold as number
    let offset = NUMBERS
    const take = (length: number): Float64Array => state.subarray(offset, (offset += length))
    baseline.#means.set(take(TAIL.length))
    baseline.#squares.set(take(TAIL.length))
    baseline.#sums.load(take(QUANTILE_STATE))
    if (baseline.#head !== null && equalBytes(id, baseline.#head.id)) {
      baseline.#logits.load(take(QUANTILE_STATE))
      baseline.#headThreshold = headThreshold as number
    }
    baseline.#refreshInputs()
    return baseline
  }

  /** Another head judges from now on: what was learned about the logits of the old one is gone. */
  useHead(head: Head | null): void {
    this.#head = calibrated(head)
    this.#logits = new RunningQuantile(...LOGITS)
    this.#headThreshold = head === null ? 0 : flagThreshold(head, null)
    this.#refreshInputs()
  }

  #sampleAmount(log2: number): void {
    const weight = 1 / Math.min(this.#samples, MEMORY)
    const difference = log2 - this.#amountLog2
    this.#amountLog2 += weight * (this.#samples === 1 ? difference : clamp(difference, -CLIP, CLIP))
  }

  #sampleTerm(i: number, value: number): void {
    const weight = 1 / Math.min(this.#samples, MEMORY)
    const deviation = this.#deviation(i)
    const difference = value - (this.#means[i] as number)
    const step =
      this.#samples < READY_SAMPLES ? difference : clamp(difference, -CLIP * deviation, CLIP * deviation)
    this.#means[i] = (this.#means[i] as number) + weight * step
    this.#squares[i] = (1 - weight) * ((this.#squares[i] as number) + weight * step * step)
  }

  #deviation(i: number): number {
    return Math.max(SMALLEST_DEVIATION, Math.sqrt(this.#squares[i] as number))
  }

  #calibrate(rows: Float32Array, offset: number): void {
    this.#sums.add(tailSum(rows, offset, this.#inputs))
    if (this.#head !== null && this.#samples % LOGIT_EVERY === 0)
      this.#logits.add(this.#head.byHand.logit(rows, offset, this.#inputs))
    if (this.#samples % QUANTILE_EVERY !== 0) return
    this.#tailThreshold = Math.max(LOWEST_THRESHOLD, this.#sums.exceededBy(MAX_FLAG_RATE))
    if (this.#head !== null && this.#logits.count >= LOGITS_NEEDED)
      this.#headThreshold = flagThreshold(this.#head.head, this.#logits.exceededBy(MAX_FLAG_RATE))
  }

  #refreshInputs(): void {
    const speaks = this.ready
    for (let i = 0; i < TAIL.length; i++) {
      this.#inputs[INPUT.means + i] = this.#means[i] as number
      this.#inputs[INPUT.precisions + i] = speaks ? 1 / this.#deviation(i) : 0
    }
    this.#inputs[INPUT.tailThreshold] = this.#tailThreshold
    this.#inputs[INPUT.headThreshold] = speaks && this.#head !== null ? this.#headThreshold : SILENT
  }
}

function calibrated(head: Head | null): CalibratedHead | null {
  return head === null ? null : { head, byHand: new HeadByHand(head), id: headId(head) }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
