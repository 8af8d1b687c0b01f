/** Keeps the feature rows of a replay, with their labels, to learn from. */
import type { TrainingRows } from '../head/train.ts'
import { FEATURE_COUNT } from '../schema.ts'
import type { LabelledRow } from './labelled-rows.ts'
import type { Judge } from './replay.ts'

const FIRST_ROWS = 16_384

export class TrainingRowCollector implements Judge {
  #rows: Float32Array = new Float32Array(FIRST_ROWS * FEATURE_COUNT)
  #labels: Uint8Array = new Uint8Array(FIRST_ROWS)
  #count = 0
  #laundering = 0

  get counts(): { readonly transfers: number; readonly laundering: number } {
    return { transfers: this.#count, laundering: this.#laundering }
  }

  judge(transfers: readonly LabelledRow[], rows: Float32Array): undefined {
    this.#makeRoom(transfers.length)
    this.#rows.set(rows, this.#count * FEATURE_COUNT)
    for (const { laundering } of transfers) {
      this.#labels[this.#count++] = laundering ? 1 : 0
      if (laundering) this.#laundering++
    }
  }

  /** All that was kept, of one file or of several. */
  finish(): TrainingRows {
    return {
      rows: this.#rows.subarray(0, this.#count * FEATURE_COUNT),
      labels: this.#labels.subarray(0, this.#count),
    }
  }

  #makeRoom(more: number): void {
    const needed = this.#count + more
    if (needed <= this.#labels.length) return
    const room = Math.max(needed, 2 * this.#labels.length)
    const rows = new Float32Array(room * FEATURE_COUNT)
    rows.set(this.#rows)
    const labels = new Uint8Array(room)
    labels.set(this.#labels)
    this.#rows = rows
    this.#labels = labels
  }
}
