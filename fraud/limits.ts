/** Bounds of the feature store. They belong to the fraud engine alone; `docs/fraud.md` lists them. */
export const FRAUD_LIMITS = {
  /** Accounts remembered; beyond it the least recently active is forgotten. About 0.7 KiB each, and 48 bytes for each partner. */
  accounts: 100_000,
  /** Payees remembered per account; the one paid longest ago makes room. */
  payeesPerAccount: 32,
  /** Payers remembered per account; the one who paid longest ago makes room. */
  payersPerAccount: 32,
  /** Amounts of the payer's own settled payments behind its median. */
  ownAmounts: 16,
  /** Own payments needed before they count as a history. */
  ownAmountsNeeded: 3,
  /** Pending own payments that stand in for a history that is not executed yet: the earliest ones. */
  pendingAmounts: 4,
  /** Inflow amounts remembered for "what came goes on". */
  inflowAmounts: 8,
  /** Recent partners of each side that circles are looked for among: the latest ones. */
  tiesPerAccount: 16,
  /** A transfer teaches the baseline only if its payer paid and its payee received at most this often in a day. */
  sampledPaymentsPerDay: 8,
  sampledReceiptsPerDay: 16,
  /** Transfers acked and not executed. Beyond it the oldest batch is forgotten. */
  provisionalTransfers: 200_000,
  /** Executed transactions remembered, so that a late duplicate does not count twice. */
  executedTransactions: 131_072,
  /** Flagged transfers whose numbers are kept for `details`. */
  explanations: 10_000,
  /** Longest snapshot that `restore` looks at. */
  snapshotBytes: 512 * 1024 * 1024,
  /** A line of a labelled file. */
  labelledLineCharacters: 1_024,
  /** Rows of a labelled file. */
  labelledRows: 20_000_000,
} as const

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Time constants of the decaying windows, in ms. */
export const WINDOW_MS = {
  minute: MINUTE,
  tenMinutes: 10 * MINUTE,
  hour: HOUR,
  day: DAY,
  fiveDays: 5 * DAY,
  week: 7 * DAY,
  tenDays: 10 * DAY,
  twentyDays: 20 * DAY,
} as const

/** A payee counts as new this long after the first payment to it: a small first payment must not open the door. */
export const YOUNG_PAIR_MS: number = DAY
