/**
 * What is to be looked at again before an input is done. The parts of ordering set it, and `Ordering` works it off: an
 * event that makes several things possible need not know in which order they happen.
 */
import type { VoteKind } from './types.ts'

export class Agenda {
  /** Whether the current view's proposal may have become acceptable. */
  notarize = false
  /** Whether some notarization may have become finalizable. */
  finalize = false
  /** Whether this node may be able to propose now. */
  propose = false
  /** Whether final blocks may be complete. */
  deliver = false
  /** Whether other blocks may be missing now. */
  fetch = false
  /** Whether the chain may have become idle or busy. */
  idle = false

  /** The view to enter next; above the current one while a certificate waits to be acted upon. */
  targetView: number
  enteredBy: 'start' | VoteKind = 'start'
  /** Whether anybody answered since the start. */
  joined = false
  /** Views with a notarization on which no finalize vote was cast yet. */
  readonly finalizable: Set<number> = new Set()

  constructor(startView: number) {
    this.targetView = startView
  }

  /** Whether anything but fetching is left to do. */
  isOpen(currentView: number): boolean {
    return this.targetView > currentView || this.notarize || this.finalize || this.propose || this.deliver
  }
}
