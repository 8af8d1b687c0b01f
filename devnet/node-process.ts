/** One node as a child process: started with its log file, watched until it answers, stopped in time. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { entryUrl } from '../config/entries.ts'
import { CordonError, ERRORS, type ErrorCode } from '../config/errors.ts'
import { variableOf } from '../config/node-settings.ts'
import {
  childEnvironment,
  AHEAD,
  AHEAD_VARIABLE,
  EARLY_VARIABLE,
  GO,
  LEASH_FD,
  LEASH_VARIABLE,
  UP,
} from './environment.ts'
import { ask } from './http.ts'

/** A node that has not stopped this long after SIGTERM is killed. */
export const TERM_TIMEOUT_MS = 4_000
const POLL_MS = 20
/** Before the node has said that its ports answer: a refused connection costs more than an answer. */
const SLOW_POLL_MS = 500
const NODE_FLAGS = [
  // MiB. A heap that begins small is collected all the time while a node starts: a tenth of its processor time.
  '--min-semi-space-size=16',
  '--initial-heap-size=96',
  // Four nodes share a machine. Left to itself, V8 lets a young generation grow to 64 MiB and the old one to some times what
  // lives in it: 100 MiB more of each node under load, for some three hundredths of its throughput.
  '--max-semi-space-size=16',
  '--heap-growing-percent=100',
  // Threads that help with a collection of the young generation are in the way of the other nodes: a tenth of the processor
  // time at the maximum.
  '--no-parallel-scavenge',
  // As in bin/cordon: the scoring worker loads TensorFlow.js.
  '--disable-warning=ExperimentalWarning',
]
/** A log longer than this is put aside at the next start. */
const LOG_BYTES = 32 * 1024 * 1024

export interface NodeExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last thing it said to people, or an empty text. */
  readonly lastLine: string
}

interface NodeProcessOptions {
  readonly name: string
  readonly dir: string
  readonly log: string
  readonly rpc: string
  /** The daemon; another program in tests. */
  readonly entry?: string
  /** Multiaddrs to connect to instead of those of its configuration. */
  readonly bootstrap?: readonly string[]
  /** How far its clock is ahead. */
  readonly aheadMs?: number
  /** More environment variables. */
  readonly variables?: Readonly<Record<string, string>>
  /** Its directory is not there yet: the log is opened here, and `directoryIsMade` lets it go on. */
  readonly early?: { readonly log: string }
}

export class NodeProcess {
  readonly name: string
  readonly pid: number
  /** Resolves when the process has ended. */
  readonly exited: Promise<NodeExit>
  readonly #child: ChildProcess
  readonly #rpc: string
  readonly #log: string
  readonly #up: Promise<void>
  #isUp = false
  #exit: NodeExit | null = null

  private constructor(options: NodeProcessOptions, child: ChildProcess, pid: number, logOffset: number) {
    this.name = options.name
    this.pid = pid
    this.#child = child
    this.#rpc = options.rpc
    this.#log = options.log
    const leash = child.stdio[LEASH_FD] as Socket
    leash.on('error', () => undefined) // it ended, and `exited` says so
    this.#up = new Promise((resolve) => {
      leash.on('data', (said: Buffer) => {
        if (!said.toString().includes(UP)) return
        this.#isUp = true
        resolve()
      })
    })
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal, lastLine: lastLine(options.log, logOffset) }
        resolve(this.#exit)
      })
    })
  }

  /**
   * Starts the node.
   * @throws CordonError `devnet-failed` if the system cannot start a process.
   */
  static async start(options: NodeProcessOptions): Promise<NodeProcess> {
    const logNow = options.early?.log ?? options.log
    rotateLog(logNow)
    const log = openSync(logNow, 'a')
    try {
      const logOffset = fstatSync(log).size
      const child = spawn(
        process.execPath,
        [...NODE_FLAGS, options.entry ?? fileURLToPath(entryUrl('devnet/run-node')), '--dir', options.dir],
        {
          stdio: ['ignore', log, log, 'pipe'],
          env: childEnvironment({
            ...options.variables,
            [LEASH_VARIABLE]: '1',
            ...(options.aheadMs !== undefined && { [AHEAD_VARIABLE]: String(options.aheadMs) }),
            ...(options.early !== undefined && { [EARLY_VARIABLE]: '1' }),
            ...(options.bootstrap !== undefined && {
              [variableOf('bootstrap')]: options.bootstrap.join(','),
            }),
          }),
        },
      )
      const pid = await spawned(child, options.name)
      return new NodeProcess(options, child, pid, logOffset)
    } finally {
      closeSync(log)
    }
  }

  /** Tells a process that was started early to go on. */
  directoryIsMade(): void {
    this.#tell(GO)
  }

  /** Sets its clock so far ahead of this machine's. */
  setClockAhead(ms: number): void {
    this.#tell(`${AHEAD} ${ms}`)
  }

  #tell(line: string): void {
    const leash = this.#child.stdio[LEASH_FD] as Socket
    leash.write(`${line}\n`)
  }

  /** Null while it runs. */
  get exit(): NodeExit | null {
    return this.#exit
  }

  /**
   * Waits until `path` of the node's port answers 200.
   * @throws CordonError `devnet-failed` if the process ends first or the time is up; the reason of the signal if that aborts.
   */
  async waitFor(path: '/readyz' | '/healthz', timeoutMs: number, signal: AbortSignal): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      await this.#poll(`${this.#rpc}${path}`, timeoutMs, signal, agent)
    } finally {
      agent.destroy()
    }
  }

  async #poll(url: string, timeoutMs: number, signal: AbortSignal, agent: Agent): Promise<void> {
    const deadline = performance.now() + timeoutMs
    let last = 'no answer'
    while (performance.now() < deadline) {
      if (!this.#isUp)
        await Promise.race([
          this.#up,
          this.exited,
          delay(SLOW_POLL_MS, undefined, { signal }).catch(() => undefined),
        ])
      signal.throwIfAborted()
      if (this.#exit !== null) throw this.#failure(this.#exit)
      const answer = await ask(url, agent)
      if (answer.status === 200) return
      last = answer.text
      // Throws the signal's own reason at the next turn.
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
    // It may have ended while the last answer was waited for.
    if (this.#exit !== null) throw this.#failure(this.#exit)
    throw new CordonError(
      'devnet-failed',
      `${this.name} (pid ${this.pid}) is not ready after ${timeoutMs / 1000} s: ${last}; log: ${this.#log}`,
      { name: this.name, pid: this.pid },
    )
  }

  /** A refusal that the node named keeps its code. */
  #failure(exit: NodeExit): CordonError {
    const code = /^cordon: ([a-z-]+): /.exec(exit.lastLine)?.[1]
    const known = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'devnet-failed'
    return new CordonError(known, `${this.name} ${describeExit(exit)}; log: ${this.#log}`, {
      name: this.name,
      ...exit,
    })
  }

  /** Whether the node's port answers anything at all. */
  async answers(): Promise<boolean> {
    return (await ask(`${this.#rpc}/healthz`)).status !== 0
  }

  kill(): Promise<NodeExit> {
    if (this.#exit === null) this.#child.kill('SIGKILL')
    return this.exited
  }

  /** SIGSTOP: the process is there and does nothing. False: it does not run. */
  pause(): boolean {
    return this.#exit === null && this.#child.kill('SIGSTOP')
  }

  /** SIGCONT. False: it does not run. */
  resume(): boolean {
    return this.#exit === null && this.#child.kill('SIGCONT')
  }

  /** SIGTERM, and SIGKILL if that does not end it in time. */
  async stop(termTimeoutMs: number = TERM_TIMEOUT_MS): Promise<NodeExit> {
    if (this.#exit !== null) return this.#exit
    this.#child.kill('SIGTERM')
    this.#child.kill('SIGCONT') // a paused process hears nothing else
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), termTimeoutMs)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }
}

/** "ended with exit code 78: cordon: port-in-use: …" */
export function describeExit(exit: NodeExit): string {
  const how =
    exit.signal === null ? `ended with exit code ${exit.code ?? 'unknown'}` : `was ended by ${exit.signal}`
  return exit.lastLine === '' ? how : `${how}: ${exit.lastLine}`
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => {
      if (child.pid !== undefined) resolve(child.pid)
    })
    child.once('error', (error) => {
      reject(
        new CordonError(
          'devnet-failed',
          `${name} could not be started: ${error.message}`,
          { name },
          { cause: error },
        ),
      )
    })
  })
}

function rotateLog(path: string): void {
  try {
    if (statSync(path).size > LOG_BYTES) renameSync(path, `${path}.1`)
  } catch {
    // There is no log yet.
  }
}

/** What the process said last to people since `offset`: its own refusal, else the error that ended it, else the last line. */
function lastLine(path: string, offset: number): string {
  let lines: string[]
  try {
    lines = readFileSync(path)
      .subarray(offset)
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('{'))
  } catch {
    return ''
  }
  return (
    lines.findLast((line) => line.startsWith('cordon: ')) ??
    lines.findLast((line) => /^\w*Error\b.*: /.test(line)) ??
    lines.at(-1) ??
    ''
  )
}
