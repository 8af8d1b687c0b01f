/** Bounds of the review log and of what is made of it; `docs/review.md` lists them. */
export const REVIEW_LIMITS = {
  /** Events of one log. Beyond it nothing is added: the log has to be put aside and a new one begun. */
  events: 200_000,
  /** Of these, kept for what people do: what the node adds by itself stops that much earlier. */
  eventsForPeople: 20_000,
  /** Line of the log. */
  lineCharacters: 16_384,
  /** Cases that are not closed. Beyond it no more are opened; flags and holds go on without. */
  openCases: 10_000,
  /** Those of them that only an alert opened: what is held must always find a place. */
  openAlerts: 2_000,
  /** Closed cases in memory, the newest; older ones are in the log only. */
  closedCases: 10_000,
  /** Entries of all lists together, expired ones not counted. */
  entries: 10_000,
  /** Snoozed rules and reasons among them. */
  snoozes: 32,
  /** Votes on one hold that this node signs: more than one only if those before did not count. */
  votes: 16,
  /** Holds without a case whose votes are remembered, those voted on last. */
  caselessHolds: 1_000,
  /** Notes of one case. */
  notes: 100,
  /** Past holds shown beside one. */
  similarHolds: 5,
  /** A note, or why an entry was made. */
  textCharacters: 1_000,
  /** Longest life of an entry, and of a snooze. */
  entryMs: 366 * 86_400_000,
} as const
