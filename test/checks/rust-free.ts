/**
 * Fails if anything installed was built by rustc: every native or WebAssembly file below node_modules, the Node binary
 * included, is searched for what the Rust compiler and its standard library leave behind.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Panic paths, crate paths and the compiler's own name: stripped release builds keep at least one of them. */
const MARKERS = [
  'rustc version',
  '/rustc/',
  'rust_panic',
  'rust_begin_unwind',
  '.cargo/registry',
  'RUST_BACKTRACE',
]

/** First bytes of ELF, WebAssembly, Mach-O (32, 64, both byte orders, fat), PE and static libraries. */
const MAGICS = [
  '7f454c46',
  '0061736d',
  'feedface',
  'feedfacf',
  'cefaedfe',
  'cffaedfe',
  'cafebabe',
  '4d5a',
  '213c617263683e',
]

/** Not opened at all: text by name. What is left is told by its first bytes. */
const TEXT =
  /\.(?:[cm]?[jt]sx?|map|json|md|markdown|txt|ya?ml|html|css|flow|h|hpp|c|cc|cpp|proto|license|lock|sh|py|snap|svg|png)$/i

const HEAD_BYTES = 8

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile() && !TEXT.test(entry.name)) yield path
  }
}

function isBinary(path: string): boolean {
  const head = Buffer.alloc(HEAD_BYTES)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, HEAD_BYTES, 0)
  } finally {
    closeSync(file)
  }
  const hex = head.toString('hex')
  return MAGICS.some((magic) => hex.startsWith(magic))
}

export interface RustFinding {
  /** Relative to the searched directory. */
  readonly file: string
  readonly marker: string
}

/** Searches all binaries below `directory`. */
export function findRust(directory: string): {
  readonly binaries: number
  readonly bytes: number
  readonly findings: readonly RustFinding[]
} {
  const findings: RustFinding[] = []
  let binaries = 0
  let bytes = 0
  for (const path of filesBelow(directory)) {
    if (!isBinary(path)) continue
    const content = readFileSync(path)
    binaries++
    bytes += statSync(path).size
    const marker = MARKERS.find((text) => content.includes(text))
    if (marker !== undefined) findings.push({ file: relative(directory, path), marker })
  }
  return { binaries, bytes, findings }
}

function main(): number {
  const modules = join(import.meta.dirname, '..', '..', 'node_modules')
  const { binaries, bytes, findings } = findRust(modules)
  if (!statSync(join(modules, 'node', 'bin', 'node'), { throwIfNoEntry: false })?.isFile()) {
    console.error('rust-free: the Node binary of the dev dependency is missing; run npm ci')
    return 1
  }
  for (const { file, marker } of findings)
    console.error(`rust-free: ${file} holds ${JSON.stringify(marker)}: it was built by rustc`)
  if (findings.length > 0) return 1
  console.log(`rust-free: ${binaries} binaries, ${Math.round(bytes / 1e6)} MB, none built by rustc`)
  return 0
}

if (import.meta.main) process.exitCode = main()
