/** Bounds of learning from outcomes. `docs/fraud.md` lists them. */
export const LEARNING_LIMITS = {
  /** Transfers sampled from all traffic. */
  sampledTransfers: 4_000,
  /** Chance of a transfer to enter a full sample: the memory fades over this share's inverse times its size. */
  sampledShare: 0.1,
  /** Holds whose outcome is awaited. */
  waitingHolds: 10_000,
  /** Outcomes remembered. */
  labels: 5_000,
  /** Outcomes remembered of one payer's transfers. */
  labelsPerAccount: 16,
  /** Outcomes, and laundering among them, before anything is learned. */
  labelsNeeded: 20,
  launderingNeeded: 4,
  /** New outcomes that decide between champion and challenger. */
  trialLabels: 8,
} as const
