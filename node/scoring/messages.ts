/** What the scoring client and its worker say to each other: one message per batch, answers in pieces. */

import type { Head } from '../../fraud/head/head.ts'

/** A head that judges instead of the label-free tail; null: the tail judges. */
export type HeadOrTail = Head | null

/** Which models score. The worker is started with it, and told when it changes. */
export interface Models {
  readonly voting: HeadOrTail
  /** Scores beside it and does not vote; null: none. */
  readonly shadow: { readonly head: HeadOrTail } | null
}

export interface ScoreRequest {
  readonly id: number
  /** Transferred. */
  readonly rows: Float32Array<ArrayBuffer>
  /** `Baseline.inputs` at the time of the request. */
  readonly inputs: Float32Array<ArrayBuffer>
  /** The same for the model in the shadow; null: it does not score. */
  readonly shadowInputs: Float32Array<ArrayBuffer> | null
}

export type WorkerRequest = ScoreRequest | { readonly models: Models }

export type WorkerAnswer =
  | { readonly type: 'ready'; readonly backend: string; readonly problem: string | null }
  /** Scores 0–1 of the rows from `first` on; ascending. */
  | {
      readonly type: 'scores'
      readonly id: number
      readonly first: number
      readonly scores: Float32Array<ArrayBuffer>
      readonly shadowScores: Float32Array<ArrayBuffer> | null
    }
