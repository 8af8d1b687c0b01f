/**
 * The second half of `npm run build`: lets the built programs run once as a small devnet with a payment, so that each
 * leaves its compiled code for the next start (`config/launch.ts`), which is then the first that somebody waits for.
 * A machine on which that does not work starts more slowly and is told so; the build is as good.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const CORDON = join(import.meta.dirname, 'bin', 'cordon')
const CODE = join(import.meta.dirname, 'node_modules', '.cache', 'cordon')
const TIMEOUT_MS = 60_000

/** Resolves when a devnet in `dir` has settled a payment and stopped in order. */
async function practise(dir: string): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const devnet = spawn(CORDON, ['devnet', '--dir', dir, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(devnet, 'exit') as Promise<[number | null]>
  exited.catch(() => undefined) // it could not be started: told below
  const stop = (): boolean => devnet.kill('SIGINT')
  signal.addEventListener('abort', stop)
  try {
    for await (const line of createInterface({ input: devnet.stdout })) {
      if ((JSON.parse(line) as { event?: string }).event !== 'ready') continue
      const payment = ['--from', 'alice', '--to', 'bob', '--amount', '1CRD', '--dir', dir, '--json']
      await promisify(execFile)(CORDON, ['wallet', 'send', ...payment], { signal })
      stop()
    }
  } finally {
    stop()
    await exited
  }
  const [exitCode] = await exited
  if (exitCode !== 0 || signal.aborted)
    throw new Error(`the devnet ended with exit code ${exitCode ?? 'unknown'}`)
}

rmSync(CODE, { recursive: true, force: true })
const folder = mkdtempSync(join(tmpdir(), 'cordon-build-'))
try {
  await practise(join(folder, 'devnet'))
} catch (error) {
  process.stderr.write(`build: no compiled code is kept, the first start will be slower: ${String(error)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
