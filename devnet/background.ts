/**
 * A devnet that outlives its command: `cordon devnet --detach` starts this file as a process of its own, which owns the
 * nodes, and waits until it says that they are usable. Run as `node background.ts DIR [--demo]`.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CordonError, ERRORS, EXIT, type ErrorCode } from '../config/errors.ts'
import { connectValidators } from './clients.ts'
import { childEnvironment, entryPath } from './entries.ts'
import { devnetPaths } from './layout.ts'
import { playDemo } from './scenarios/demo.ts'
import { signalProcess } from './processes.ts'
import { Supervisor } from './supervisor.ts'

type Message =
  | { readonly ready: true }
  | {
      readonly ready: false
      readonly code: string
      readonly message: string
      readonly payload: Record<string, unknown>
    }

/**
 * Starts the devnet of an existing directory in the background. Resolves when it is usable, and rejects with what went
 * wrong there. If `signal` aborts first, it is stopped.
 */
export async function startInBackground(
  dir: string,
  options: { demo: boolean; signal: AbortSignal },
): Promise<void> {
  const log = openSync(devnetPaths(dir).log, 'a', 0o600)
  const child = spawn(
    process.execPath,
    [entryPath('devnet/background'), devnetPaths(dir).dir, ...(options.demo ? ['--demo'] : [])],
    {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      env: childEnvironment(),
    },
  )
  closeSync(log)
  const stop = (): void => {
    if (child.pid !== undefined) signalProcess(child.pid, 'SIGTERM')
  }
  options.signal.addEventListener('abort', stop, { once: true })
  try {
    const message = await new Promise<Message>((resolve, reject) => {
      child.once('message', (value) => resolve(value as Message))
      child.once('error', (error) =>
        reject(new CordonError('devnet-failed', `the supervisor could not be started: ${error.message}`)),
      )
      child.once('exit', (code, signal) => {
        reject(
          new CordonError(
            'devnet-failed',
            `the supervisor ended (${signal ?? `exit code ${code ?? 'unknown'}`}); see ${devnetPaths(dir).log}`,
          ),
        )
      })
    })
    if (!message.ready) {
      throw new CordonError(
        Object.hasOwn(ERRORS, message.code) ? (message.code as ErrorCode) : 'unexpected',
        message.message,
        message.payload,
      )
    }
  } finally {
    options.signal.removeEventListener('abort', stop)
    if (child.connected) child.disconnect()
    child.unref()
  }
}

/** The background process itself. */
async function runInBackground(dir: string, demo: boolean): Promise<number> {
  const log = (fields: object): boolean =>
    process.stdout.write(`${JSON.stringify({ timeMs: Date.now(), ...fields })}\n`)
  const tell = (message: Message): void => {
    if (process.connected) process.send?.(message)
  }
  try {
    const supervisor = await Supervisor.open({ dir, onEvent: log })
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => void supervisor.stop())
    await supervisor.start()
    tell({ ready: true })
    if (demo)
      runDemo(dir, supervisor, log).catch((error: unknown) =>
        log({ event: 'trouble', message: String(error) }),
      )
    await supervisor.stopped
    return EXIT.done
  } catch (error) {
    const known =
      error instanceof CordonError
        ? error
        : new CordonError(
            'unexpected',
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          )
    log({ event: 'failed', code: known.code, message: known.message })
    tell({ ready: false, code: known.code, message: known.message, payload: { ...known.payload } })
    return ERRORS[known.code].exit
  }
}

async function runDemo(dir: string, supervisor: Supervisor, log: (fields: object) => boolean): Promise<void> {
  const clients = await connectValidators(dir)
  await playDemo({ dir, seed: supervisor.file.seed, clients, signal: supervisor.stopping, onEvent: log })
  for (const client of clients) client.close()
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { demo: { type: 'boolean', default: false } },
  })
  const exitCode = await runInBackground(positionals[0] ?? '', values.demo)
  // Lets the last message out before the end.
  if (process.connected) process.disconnect()
  process.exit(exitCode)
}
