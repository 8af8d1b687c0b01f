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

/** Where the build puts what other programs import: each source as a file of its own, in the folders of the sources. */
export const LIBRARY_FOLDER = 'library'

/**
 * Where a program lies, as a file URL. Seen from the sources, from the library below the folder of a build, or from a
 * program in it, of which this file is then a part.
 */
export function entryUrl(entry: Entry): URL {
  if (import.meta.filename.endsWith('.ts')) return new URL(`../${entry}.ts`, import.meta.url)
  const isLibrary = import.meta.filename.endsWith(`/${LIBRARY_FOLDER}/config/entries.js`)
  return new URL(`${isLibrary ? '../..' : '.'}/${builtName(entry)}`, import.meta.url)
}

/** Folder of this package: the one with `package.json`, above the sources or the folder of a build. */
export function packageFolder(): URL {
  const programs = new URL('.', entryUrl('cli/main'))
  return new URL('..', programs)
}
