/**
 * `@tensorflow/tfjs-node`, which is no dependency: the operator installs it, or not. Its release 4.22 calls a function of
 * `node:util` that Node has removed since, with every operation; it is put back before the package is loaded.
 */
import util from 'node:util'

/** In a variable, so that nobody looks for it before it is wanted. */
const PACKAGE: string = '@tensorflow/tfjs-node'

interface Removed {
  isNullOrUndefined?: (value: unknown) => boolean
}

/** Registers the backend `tensorflow`. Rejects if the package is not there, or not whole. */
export function loadNative(): Promise<unknown> {
  const removed = util as Removed
  removed.isNullOrUndefined ??= (value) => value === null || value === undefined
  return import(PACKAGE)
}
