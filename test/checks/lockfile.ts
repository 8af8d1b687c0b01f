/**
 * Fails if the manifest names a version range, or the lock file a download address: an install then depends on
 * something outside the two files.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

type Versions = Readonly<Record<string, string>>

export interface Manifest {
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
}

export interface Lock {
  readonly lockfileVersion: number
  readonly packages: Readonly<
    Record<string, Manifest & { readonly resolved?: string; readonly integrity?: string }>
  >
}

/** `1.2.3`, `1.2.3-rc.1` or an alias `npm:name@1.2.3`. */
const EXACT = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/

const SECTIONS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

/** What is wrong, one sentence each. */
export function lockfileProblems(manifest: Manifest, lock: Lock): string[] {
  const problems: string[] = []
  const root = lock.packages['']
  for (const section of SECTIONS) {
    const wanted = manifest[section] ?? {}
    for (const [name, version] of Object.entries(wanted)) {
      if (!EXACT.test(version)) problems.push(`${section} ${name} is ${version}: write one exact version`)
    }
    if (JSON.stringify(sorted(wanted)) !== JSON.stringify(sorted(root?.[section] ?? {}))) {
      problems.push(`${section} of package.json and package-lock.json differ: run npm install`)
    }
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined)
      problems.push(`${path} has a resolved address: npm install with the project's .npmrc leaves it out`)
    if (path !== '' && entry.integrity === undefined) problems.push(`${path} has no integrity hash`)
  }
  return problems
}

function sorted(versions: Versions): [string, string][] {
  return Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1))
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8'))
}

function main(): number {
  const lock = read('package-lock.json') as Lock
  const problems = lockfileProblems(read('package.json') as Manifest, lock)
  for (const problem of problems) console.error(`lockfile: ${problem}`)
  if (problems.length > 0) return 1
  console.log(`lockfile: ${Object.keys(lock.packages).length - 1} packages, all by exact version and hash`)
  return 0
}

if (import.meta.main) process.exitCode = main()
