/**
 * A devnet that outlives its command: `cordon devnet --detach` starts a process that owns the nodes (`supervise.ts`), and
 * waits until that says that they are usable.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { entryUrl } from '../config/entries.ts'
import { CordonError, ERRORS, type ErrorCode } from '../config/errors.ts'
import { childEnvironment } from './environment.ts'
import { devnetPaths } from './layout.ts'
import { signalProcess } from './processes.ts'

/** What the background process tells its parent, once. */
export type Message =
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
  options: { demo: boolean; links: boolean; signal: AbortSignal },
): Promise<void> {
  const log = openSync(devnetPaths(dir).log, 'a', 0o600)
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(entryUrl('devnet/supervise')),
      devnetPaths(dir).dir,
      ...(options.demo ? ['--demo'] : []),
      ...(options.links ? ['--links'] : []),
    ],
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
