/** What the fraud engine takes in and hands out. Nothing here reads a clock: times are arguments, in ms. */

/** One transfer to judge. Accounts are lower-case hex ids. */
export interface TransferFacts {
  /** Unique: transaction id hex ‖ ':' ‖ action index. */
  readonly key: string
  /** What it has in common with the other transfers of its transaction, which are executed together: its id, hex. */
  readonly transaction: string
  readonly payer: string
  readonly payee: string
  /** In uCRD. */
  readonly amount: bigint
  /** Executed balance of the payer, in uCRD, before this and before anything not yet executed. */
  readonly payerBalance: bigint
  /** Batch creation time while judged, block time when executed. */
  readonly timeMs: number
}

/** What happened to a transfer at execution. */
export interface TransferOutcome {
  readonly facts: TransferFacts
  readonly held: boolean
}

/** Where most values lie: one deviation below and above the usual one. */
export interface UsualRange {
  readonly from: number
  readonly to: number
  /** Whose values they are: the account's own, or everybody's. */
  readonly of: 'account' | 'network'
}

/** One number behind a flag, so that a person can act on it. */
export interface ReasonDetail {
  /** Feature name, `docs/fraud.md`. */
  readonly feature: string
  /** Value of this transfer, in the feature's unit. */
  readonly value: number
  /** The account's usual value, or null: not enough history. */
  readonly usual: number | null
  /** In the feature's unit; null: only the usual value itself is known, if that. */
  readonly usualRange: UsualRange | null
  /** Share of the score, 0–1. */
  readonly share: number
  /** One sentence in plain words with the numbers in it. */
  readonly text: string
}

/** One part of a score: a rule, or what compares with the population. */
export interface ScorePart {
  readonly name: string
  /** 0–255. */
  readonly score: number
  /** Bits of what it tells. */
  readonly reasons: number
}

export interface Assessment {
  readonly key: string
  /** 0–255. */
  readonly score: number
  readonly flagged: boolean
  /** Reason bits, `fraud/reasons/reasons.ts`. */
  readonly reasons: number
  readonly details: readonly ReasonDetail[]
  /** The parts whose largest is the score, where reasons are made; else left out. */
  readonly parts?: readonly ScorePart[]
}
