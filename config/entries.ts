/**
 * The programs of this package: files that are run in a process or thread of their own. In the sources each lies in the
 * folder it belongs to; a build has all of them side by side.
 */

/** Paths in the sources, without extension. The build makes one file of each, under the last part of its name. */
export const ENTRIES = [
  'cli/main',
  'devnet/run-node',
  'devnet/supervise',
  'node/learning/learning-worker',
  'node/scoring/scoring-worker',
  'node/workers/signature-worker',
] as const

export type Entry = (typeof ENTRIES)[number]

/** File name of a program in a build. */
export function builtName(entry: Entry): string {
  return `${entry.slice(entry.lastIndexOf('/') + 1)}.js`
}

/** Where a program lies, as a file URL: beside this file's own code, be that sources or a build. */
export function entryUrl(entry: Entry): URL {
  const isSource = import.meta.filename.endsWith('.ts')
  return new URL(isSource ? `../${entry}.ts` : `./${builtName(entry)}`, import.meta.url)
}
