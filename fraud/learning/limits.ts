/** Bounds of learning from outcomes. `docs/fraud.md` lists them. */
export const LEARNING_LIMITS = {
  /** Transfers sampled from all traffic. */
  sampledTransfers: 4_000,
  /** Chance of a transfer to enter a full sample: the memory fades over this share's inverse times its size. */
  sampledShare: 0.1,
  /** Holds whose outcome is awaited. */
  waitingHolds: 10_000,
  /** Transfers that were suspicious and not held, whose case may be closed with an outcome. */
  waitingAlerts: 2_000,
  /** Outcomes remembered. */
  labels: 5_000,
  /** Outcomes remembered of one payer's transfers. */
  labelsPerAccount: 16,
  /** Outcomes, and laundering among them, before anything is learned. */
  labelsNeeded: 20,
  launderingNeeded: 4,
  /** New outcomes that decide between champion and challenger. */
  trialLabels: 8,
  /** Judged transfers that are not executed yet, whose rows are kept to learn from. */
  judgedRows: 20_000,
  /** Longest lesson; a worker that needs longer is ended. */
  lessonMs: 60_000,
  /** Models kept on disk, beside those in use. */
  keptModels: 5,
  /** Transfers whose comparison with the model in the shadow waits for an outcome. */
  comparedTransfers: 20_000,
  /** Longest file of what was learned. */
  stateBytes: 64 * 1024 * 1024,
} as const
