/** The node program of the build, for long runs that start nodes often: it is there several times as fast as the sources. */
import { join } from 'node:path'

export const BUILT_NODE: string = join(import.meta.dirname, '..', '..', 'dist', 'run-node.js')
