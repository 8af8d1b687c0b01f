/**
 * The public entry of a node, for `cordon start` and for the nodes of a devnet
 * (`devnet/run-node.ts`). Logs JSON lines to standard output; the last word of a refusal goes to standard error.
 */
import { pino } from 'pino'
import { CordonError, EXIT, exitCodeOf } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { readNodeConfig } from '../config/node-config.ts'
import { failPointOf } from './fail-points.ts'
import { startNode, type RunningNode, type StartOptions } from './node.ts'

export interface RunOptions extends StartOptions {
  /** Called once its ports answer. */
  readonly onStarted?: () => void
}

export interface DaemonOptions extends RunOptions {
  /** The node's directory, with `config/cordon.toml`. */
  readonly directory: string
  /** Aborted to stop the node. */
  readonly signal: AbortSignal
}

/**
 * Of the memory that small buffers are pieces of; Node's default is 64 KiB. All of it stays as long as one piece is kept, and
 * digests and signatures are kept for a minute among others that are not.
 */
const BUFFER_POOL_BYTES = 8 * 1024

/** Runs a node until the signal aborts or the node fails. Resolves to the exit code. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  Buffer.poolSize = BUFFER_POOL_BYTES
  try {
    const { config, warnings } = readNodeConfig(options.directory, process.env)
    const reached = failPointOf(process.env.CORDON_FAIL_AT)
    const log = pino({ base: null, level: config.logLevel })
    for (const warning of warnings) log.warn(warning)
    const node = await startNode(config, log, { ...options, reached })
    options.onStarted?.()
    const failure = await Promise.race([node.failed.then((error) => ({ error })), aborted(options.signal)])
    const code = failure === null ? EXIT.done : refuse(failure.error, options.directory)
    const trouble = await stopInTime(node)
    if (trouble === null) return code
    process.stderr.write(`cordon: stopping: ${trouble}\n`)
    return failure === null ? EXIT.unexpected : code
  } catch (error) {
    return refuse(error, options.directory)
  }
}

/**
 * What a part that hangs or fails while it closes leaves undone, the next start repairs like any other crash.
 * @returns what went wrong, or null.
 */
async function stopInTime(node: RunningNode): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, LIMITS.stopMs, 'some parts did not stop in time')
  })
  try {
    return await Promise.race([node.stop().then(() => null, String), timeUp])
  } finally {
    clearTimeout(timer)
  }
}

/** Says in one line what happened and, for expected failures, what to do. */
function refuse(error: unknown, directory: string): number {
  if (error instanceof CordonError)
    process.stderr.write(`cordon: ${error.code}: ${error.message}${repairHint(error, directory)}\n`)
  else
    process.stderr.write(
      `cordon: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
  return exitCodeOf(error)
}

function repairHint({ code }: CordonError, directory: string): string {
  return code === 'data-inconsistent'
    ? `. To see what is damaged and repair it: cordon doctor repair --dir ${directory}`
    : ''
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    signal.addEventListener('abort', () => {
      resolve(null)
    })
  })
}

/**
 * Runs a node as all that this process does: until SIGINT, SIGTERM or a failure. Resolves to the exit code, with which
 * the process should then be ended: whatever a library left open must not keep a stopped node alive.
 */
export function runDaemonProcess(directory: string, options: RunOptions = {}): Promise<number> {
  process.on('uncaughtException', (error) => {
    survive(error, directory)
  })
  return runDaemon({ ...options, directory, signal: stopSignal() })
}

/** Aborts at the first SIGINT or SIGTERM; ends the process if stopping takes too long after that. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort()
    setTimeout(() => {
      process.exit(EXIT.unexpected)
    }, LIMITS.stopMs).unref()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return controller.signal
}

/**
 * A write that yamux makes by itself on a stream the peer has just closed throws outside of any call of ours. It ends
 * that stream, which the network notices; it must not end the node. Anything else does.
 */
function survive(error: Error, directory: string): void {
  if (error.name === 'StreamStateError') {
    process.stderr.write(`cordon: a stream was closed under a library's feet: ${error.message}\n`)
    return
  }
  process.exit(refuse(error, directory))
}
