/**
 * Fails if anything installed was built by rustc: every native or WebAssembly file below node_modules, the Node binary
 * included, and every WebAssembly module inside of a script, is searched for what the Rust compiler and its standard
 * library leave behind.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Panic paths, crate paths and the compiler's own name: stripped release builds keep at least one of them. */
const MARKERS = [
  'rustc version',
  '/rustc/',
  '.rustup/',
  'rustlib/src',
  'library/core/src',
  'library/alloc/src',
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

/** Told by name to be text; what is left is told by its first bytes. */
const TEXT =
  /\.(?:[cm]?[jt]sx?|map|json|md|markdown|txt|ya?ml|html|css|flow|h|hpp|c|cc|cpp|proto|license|lock|sh|py|snap|svg|png)$/i

/** Text that can hold a WebAssembly module as a string or a list of numbers. */
const SCRIPT = /\.[cm]?js$/i

/** Where such a module begins: in base64, and in decimal. */
const EMBEDDED = /AGFzbQEAAAA[A-Za-z0-9+/]+|\b0, ?97, ?115, ?109, ?1, ?0, ?0, ?0(?:, ?\d{1,3})+/g
const EMBEDDED_STARTS = ['AGFzbQEAAAA', '97,115,109,1', '97, 115, 109, 1']

/** No module of a Rust program is smaller, and most scripts are: they need not be read. */
const SMALLEST_SCRIPT_BYTES = 16 * 1024

const HEAD_BYTES = 8

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

function headIsBinary(path: string): boolean {
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

/** The modules inside a script. */
function embeddedIn(path: string): Buffer[] {
  if (statSync(path).size < SMALLEST_SCRIPT_BYTES) return []
  const bytes = readFileSync(path)
  if (!EMBEDDED_STARTS.some((start) => bytes.includes(start))) return []
  const found = bytes.toString('latin1').match(EMBEDDED) ?? []
  return found.map((text) =>
    text.startsWith('A') ? Buffer.from(text, 'base64') : Buffer.from(text.split(',').map(Number)),
  )
}

function binariesOf(path: string): Buffer[] {
  if (SCRIPT.test(path)) return embeddedIn(path)
  return !TEXT.test(path) && headIsBinary(path) ? [readFileSync(path)] : []
}

export interface RustFinding {
  /** Relative to the searched directory. */
  readonly file: string
  readonly marker: string
}

/** Searches all binaries below `directory`, those inside of scripts too. */
export function findRust(directory: string): {
  readonly binaries: number
  readonly bytes: number
  readonly findings: readonly RustFinding[]
} {
  const findings: RustFinding[] = []
  let binaries = 0
  let bytes = 0
  for (const path of filesBelow(directory)) {
    for (const content of binariesOf(path)) {
      binaries++
      bytes += content.length
      const marker = MARKERS.find((text) => content.includes(text))
      if (marker !== undefined) findings.push({ file: relative(directory, path), marker })
    }
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
