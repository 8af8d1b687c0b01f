/**
 * Starts a program of a build. A program is one CommonJS file, and V8's compiled form of it is kept from one run to the
 * next: all functions that ran, which Node's own compile cache does not hold (it has only what is compiled when a module
 * loads). What that saves stands in docs/adr/0008.
 *
 * The kept file belongs to exactly this bundle, this V8 and its flags, and carries its own checksum: one that does not
 * match is made anew. Where it cannot be written, nothing is kept.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'
import { constants, Script } from 'node:vm'
import { isMainThread, threadId } from 'node:worker_threads'
import { crc32 } from 'node:zlib'

const CHECKSUM_BYTES = 4

type ModuleFunction = (exports: object, require: NodeJS.Require, filename: string) => void

/** Runs the program whose bundle this is. @returns whether kept code was used. */
export function launch(bundle: string): boolean {
  // V8 must not drop what ran only once, at the start: that is what the next start needs. Kept code is valid under the
  // same flags only, so this one is always set, and workers have it from their process.
  if (isMainThread) setFlagsFromString('--no-flush-bytecode')
  const source = readFileSync(bundle)
  const kept = keptPath(bundle, source)
  const code = kept === null ? null : readKept(kept)
  // The bundle is plain ASCII (`build.ts`), so V8 needs one byte for each character.
  const script = new Script(`(function (exports, require, __filename) {${source.toString('latin1')}\n})`, {
    filename: bundle,
    ...(code !== null && { cachedData: code }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const used = code !== null && script.cachedDataRejected === false
  if (kept !== null && !used) keepAtExit(script, kept)
  const run = script.runInThisContext() as ModuleFunction
  run({}, createRequire(bundle), bundle)
  return used
}

/** Where the compiled form of this bundle is kept: in the folder of Node's compile cache, if it has one. */
function keptPath(bundle: string, source: Uint8Array): string | null {
  const folder = process.env.NODE_COMPILE_CACHE
  if (folder === undefined || folder === '' || process.env.NODE_DISABLE_COMPILE_CACHE === '1') return null
  const parts = [crc32(source).toString(16), cachedDataVersionTag().toString(16)]
  return join(folder, `${[basename(bundle, '.cjs'), ...command(), ...parts].join('-')}.code`)
}

/** The commands of one program run different parts of it. */
function command(): string[] {
  const [, , first] = process.argv
  return isMainThread && first !== undefined && /^[a-z]+$/.test(first) ? [first] : []
}

/** Null: there is none, or it is damaged. */
function readKept(path: string): Buffer | null {
  let file: Buffer
  try {
    file = readFileSync(path)
  } catch {
    return null
  }
  if (file.length < CHECKSUM_BYTES) return null
  const code = file.subarray(CHECKSUM_BYTES)
  return crc32(code) === file.readUInt32LE() ? code : null
}

function keepAtExit(script: Script, path: string): void {
  process.once('exit', (exitCode) => {
    if (exitCode !== 0) return // it may have done little of what it is there for
    const draft = `${path}.${process.pid}.${threadId}`
    try {
      write(draft, script.createCachedData())
      renameSync(draft, path)
    } catch {
      discard(draft)
    }
  })
}

function write(path: string, code: Uint8Array): void {
  const checksum = Buffer.alloc(CHECKSUM_BYTES)
  checksum.writeUInt32LE(crc32(code))
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, Buffer.concat([checksum, code]), { mode: 0o600 })
}

/** Where nothing can be written, nothing can be removed either: a program must not end in an error for that. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // There is none.
  }
}
