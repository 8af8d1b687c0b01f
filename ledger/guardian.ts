/**
 * The second factor of an account (ledger.md, Actions): another account that may let a held payment of it go on. A change
 * waits for `guardianDelayMs`, so that whoever steals a key cannot at once put a guardian of his own in the owner's place,
 * nor take the owner's away.
 */
import type { Bytes32 } from './types.ts'

export interface Guardian {
  /** Account id of the guardian before the newest change, or null: nobody. */
  readonly before: Bytes32 | null
  /** The guardian that the newest change names, or null: nobody. */
  readonly after: Bytes32 | null
  /** Block time from which it is in force. */
  readonly fromMs: number
}

/** The guardian in force at a block time, or null. */
export function guardianAt(guardian: Guardian | null, timeMs: number): Bytes32 | null {
  if (guardian === null) return null
  return timeMs < guardian.fromMs ? guardian.before : guardian.after
}

/** The guardian of an account after a change at `timeMs`. Null: it has none, and waits for none. */
export function changedGuardian(
  guardian: Guardian | null,
  after: Bytes32 | null,
  { timeMs, delayMs }: { readonly timeMs: number; readonly delayMs: number },
): Guardian | null {
  const before = guardianAt(guardian, timeMs)
  if (before === null && after === null) return null
  return { before, after, fromMs: timeMs + delayMs }
}
