/** Calls that ended without a node's answer. */
import { CordonError } from '../config/errors.ts'

/** Whether the connection broke before the answer came: the node may have done what it was asked. */
export function isLost(error: unknown): boolean {
  return error instanceof CordonError && error.code === 'connection-lost'
}

/** Whether no node could be asked, or the one that was is gone. */
export function isUnreachable(error: unknown): error is CordonError {
  return error instanceof CordonError && (error.code === 'connection-lost' || error.code === 'cannot-connect')
}
