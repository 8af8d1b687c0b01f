/**
 * `npm run wasm`: compiles `crypto/batch/wasm` and writes it, as text, into `crypto/batch/module.ts`, so that programs and
 * threads need no file beside them. A test compiles again and compares.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '..', '..')
export const MODULE_FILE: string = join(ROOT, 'crypto', 'batch', 'module.ts')
const COMPILER = join(ROOT, 'node_modules', '.bin', 'asc')
const OPTIONS = ['-O3', '--enable', 'simd', '--runtime', 'stub', '--use', 'abort=', '--noColors']

/** The text of `module.ts` as the sources have it. */
export async function compile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cordon-wasm-'))
  try {
    const output = join(directory, 'batch.wasm')
    const source = join('crypto', 'batch', 'wasm', 'index.ts')
    await promisify(execFile)(COMPILER, [source, ...OPTIONS, '--outFile', output], { cwd: ROOT })
    const bytes = await readFile(output)
    return `/** Written by \`npm run wasm\` from crypto/batch/wasm. */\nexport const MODULE: string =\n  '${bytes.toString('base64')}'\n`
  } finally {
    await rm(directory, { recursive: true })
  }
}

if (import.meta.main) await writeFile(MODULE_FILE, await compile())
