/** What the scoring client and its worker say to each other: one message per batch, answers in pieces. */

import type { Head } from '../../fraud/head/head.ts'

/** What the worker is started with. */
export interface WorkerStart {
  /** Judges instead of the label-free tail; null: none. */
  readonly head: Head | null
}

export interface ScoreRequest {
  readonly id: number
  /** Transferred. */
  readonly rows: Float32Array<ArrayBuffer>
  /** `Baseline.inputs` at the time of the request. */
  readonly inputs: Float32Array<ArrayBuffer>
}

export type WorkerAnswer =
  | {
      readonly type: 'ready'
      readonly backend: string
      readonly problem: string | null
      readonly modelId: Uint8Array
    }
  /** Scores 0–1 of the rows from `first` on; ascending. */
  | {
      readonly type: 'scores'
      readonly id: number
      readonly first: number
      readonly scores: Float32Array<ArrayBuffer>
    }
