/**
 * Owns the nodes of one devnet directory: starts them, waits until they are usable, reports exits without restarting,
 * and stops all of them. There is one supervisor per directory; other processes reach it through `control.ts`.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { EarlyNodes } from './early-nodes.ts'
import { askSupervisor, listenForControl, type ControlRequest, type LinkRequest } from './control.ts'
import {
  devnetPaths,
  nodePaths,
  readDevnetFile,
  writeDevnetFile,
  type DevnetFile,
  type DevnetNode,
} from './layout.ts'
import type { Conditions, LinkState } from './links/conditions.ts'
import { Links } from './links/links.ts'
import { takeLock } from './lock.ts'
import { NodeProcess, TERM_TIMEOUT_MS, describeExit, type NodeExit } from './node-process.ts'
import { isSameProcess, processIdentity, signalProcess } from './processes.ts'
import { restoreSnapshot, saveSnapshot, type SnapshotInfo } from './snapshots.ts'

const READY_TIMEOUT_MS = 120_000
const RESTART_TIMEOUT_MS = 60_000
const POLL_MS = 20

/** Something the supervisor has to say. */
export type SupervisorEvent =
  | { readonly event: 'stale'; readonly name: string; readonly pid: number }
  | { readonly event: 'started'; readonly name: string; readonly pid: number }
  | {
      readonly event: 'exit'
      readonly name: string
      readonly pid: number
      readonly code: number | null
      readonly signal: string | null
      readonly message: string
      readonly log: string
    }

interface SupervisorOptions {
  readonly dir: string
  readonly onEvent: (event: SupervisorEvent) => void
  readonly readyTimeoutMs?: number
  /** Between SIGTERM and SIGKILL. */
  readonly termTimeoutMs?: number
  /** Processes of the nodes, started while the devnet was made. */
  readonly early?: Pick<EarlyNodes, 'take'>
  /** Nodes reach each other through links whose network can be bent. */
  readonly withLinks?: boolean
  /** Program run for each node; the daemon unless a test says otherwise. */
  readonly entry?: string
}

/** Of `pause` and `resume`: whether there was a process. */
export interface PauseResult {
  readonly name: string
  readonly pid: number | null
}

export interface KillResult {
  readonly name: string
  /** Of the killed process; null: it did not run. */
  readonly pid: number | null
}

export interface RestartResult {
  readonly name: string
  readonly pid: number
  /** False if too few validators run for any node to become ready. */
  readonly ready: boolean
}

/** Of `warp`. */
export interface WarpResult {
  /** How far the clocks of all nodes are ahead of this machine's now. */
  readonly aheadMs: number
}

export class Supervisor {
  /** Resolves when everything has stopped. */
  readonly stopped: Promise<void>
  readonly #options: SupervisorOptions
  readonly #paths: ReturnType<typeof devnetPaths>
  readonly #releaseLock: () => void
  readonly #processes = new Map<string, NodeProcess>()
  /** The last task of each node: kill and restart of one node wait for each other. */
  readonly #tasks = new Map<string, Promise<unknown>>()
  /** They are ended on purpose, and nobody has to be told. */
  readonly #ending = new Set<NodeProcess>()
  readonly #stopping = new AbortController()
  #file: DevnetFile
  #closeControl: () => void = () => undefined
  #links: Links | null = null
  #stop: Promise<void> | null = null
  /** Until all nodes were ready once, a node that ends makes `start` fail, which says it. */
  #started = false
  #settleStopped: () => void = () => undefined

  private constructor(options: SupervisorOptions, file: DevnetFile, releaseLock: () => void) {
    this.#options = options
    this.#paths = devnetPaths(options.dir)
    this.#file = file
    this.#releaseLock = releaseLock
    this.stopped = new Promise((resolve) => (this.#settleStopped = resolve))
  }

  /**
   * Takes the directory, ends what an earlier supervisor left behind, and opens the control channel. Starts no node.
   * @throws CordonError `devnet-running` if another supervisor holds the directory; `devnet-missing`.
   */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const { lock, dir } = devnetPaths(options.dir)
    readDevnetFile(dir)
    const releaseLock = takeLock(lock, dir)
    try {
      // Read again: until the lock was held, somebody else could write it.
      const supervisor = new Supervisor(options, readDevnetFile(dir), releaseLock)
      await supervisor.#prepare()
      return supervisor
    } catch (error) {
      releaseLock()
      throw error
    }
  }

  /** Aborts as soon as the stop begins. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  get #termTimeoutMs(): number {
    return this.#options.termTimeoutMs ?? TERM_TIMEOUT_MS
  }

  get file(): DevnetFile {
    return this.#file
  }

  /**
   * Starts every node and waits until each is ready. If one fails, or `signal` aborts, everything is stopped again.
   * @throws CordonError `devnet-failed` with the node's own last words; the signal's reason.
   */
  async start(): Promise<void> {
    try {
      for (const node of this.#file.nodes) await this.#launch(node)
      const timeoutMs = this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS
      await Promise.all(
        [...this.#processes.values()].map((running) =>
          running.waitFor('/readyz', timeoutMs, this.#stopping.signal),
        ),
      )
      this.#started = true
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Stops all nodes within five seconds and gives the directory back. Calling it again waits for the same stop. */
  stop(): Promise<void> {
    this.#stop ??= this.#stopAll()
    return this.#stop
  }

  /** SIGKILL for one node. @throws CordonError `usage` for an unknown name. */
  kill(name: string): Promise<KillResult> {
    const node = this.#nodeOf(name)
    return this.#afterOthers(node.name, async () => {
      const running = this.#running(name)
      await running?.kill()
      return { name, pid: running?.pid ?? null }
    })
  }

  /**
   * SIGSTOP for one node: it keeps its connections and answers nothing. At once, also while a restart waits for it.
   * @throws CordonError `usage` for an unknown name.
   */
  pause(name: string): PauseResult {
    const running = this.#running(this.#nodeOf(name).name)
    return { name, pid: running?.pause() === true ? running.pid : null }
  }

  /** SIGCONT for one node, at once. @throws CordonError `usage` for an unknown name. */
  resume(name: string): PauseResult {
    const running = this.#running(this.#nodeOf(name).name)
    return { name, pid: running?.resume() === true ? running.pid : null }
  }

  /**
   * The network between the nodes.
   * @throws CordonError `usage` if the nodes are connected directly.
   */
  get network(): Conditions {
    if (this.#links !== null) return this.#links.conditions
    const { dir } = this.#options
    throw new CordonError(
      'usage',
      `the nodes of the devnet in ${dir} are connected directly, so their network cannot be bent; stop it and start it again with: cordon devnet --links --dir ${dir}`,
      { dir },
    )
  }

  /**
   * Stops one node if it runs, starts it, and waits until it is ready; or, if fewer validators run than can make
   * blocks, until it answers.
   * @param variables for the new process only, such as what arms a fail point.
   * @throws CordonError `usage` for an unknown name; `devnet-failed`.
   */
  restart(name: string, variables: Readonly<Record<string, string>> = {}): Promise<RestartResult> {
    const node = this.#nodeOf(name)
    return this.#afterOthers(node.name, async () => {
      await this.#end(name)
      const running = await this.#launch(node, variables)
      return { name, pid: running.pid, ready: await this.#becomesReady(running) }
    })
  }

  /**
   * Moves the clocks of all nodes on, of those that start later too.
   * @throws CordonError `usage` for what is no time ahead, or too far.
   */
  warp(byMs: number): WarpResult {
    const aheadMs = this.#file.aheadMs + byMs
    if (!Number.isSafeInteger(byMs) || byMs <= 0 || aheadMs > LIMITS.devnetAheadMs)
      throw new CordonError(
        'usage',
        `time goes forward only, and at most ${LIMITS.devnetAheadMs} ms in sum: expected 1 to ${LIMITS.devnetAheadMs - this.#file.aheadMs} ms, got ${byMs}`,
        { byMs },
      )
    this.#write({ ...this.#file, aheadMs })
    for (const { name } of this.#file.nodes) this.#running(name)?.setClockAhead(aheadMs)
    return { aheadMs }
  }

  /** Keeps what all nodes know. They are stopped for it and started again. @throws CordonError as `saveSnapshot`. */
  snapshot(name: string): Promise<SnapshotInfo> {
    return this.#whileStopped(() => saveSnapshot(this.#paths.dir, name, Date.now()))
  }

  /** Goes back to a snapshot, in the same way. @throws CordonError as `restoreSnapshot`. */
  restore(name: string): Promise<SnapshotInfo> {
    return this.#whileStopped(() => {
      const restored = restoreSnapshot(this.#paths.dir, name)
      this.#file = readDevnetFile(this.#paths.dir)
      return restored
    })
  }

  /** How each node's latest process ended; null: it runs, or was never started. */
  exits(): Record<string, NodeExit | null> {
    return Object.fromEntries(
      this.#file.nodes.map(({ name }) => [name, this.#processes.get(name)?.exit ?? null]),
    )
  }

  async #prepare(): Promise<void> {
    for (const { name, pid } of await stopStrays(this.#file, this.#termTimeoutMs))
      this.#options.onEvent({ event: 'stale', name, pid })
    if (this.#options.withLinks === true) this.#links = await Links.open(this.#file.nodes)
    const token = randomBytes(16).toString('hex')
    const { port, close } = await listenForControl(token, (request) => this.#answer(request))
    this.#closeControl = close
    const supervisor = {
      pid: process.pid,
      identity: processIdentity(process.pid) ?? '',
      port,
      token,
      startedMs: Date.now(),
    }
    this.#write({
      ...this.#file,
      supervisor,
      nodes: this.#file.nodes.map((node) => ({ ...node, pid: null })),
      identities: {},
    })
  }

  async #answer(request: ControlRequest): Promise<unknown> {
    switch (request.op) {
      case 'status':
        return { pid: process.pid, exits: this.exits() }
      case 'stop':
        await this.stop()
        return { stopped: true }
      case 'kill':
        return this.kill(request.name)
      case 'restart':
        return this.restart(request.name)
      case 'pause':
        return this.pause(request.name)
      case 'resume':
        return this.resume(request.name)
      case 'warp':
        return this.warp(request.byMs)
      case 'snapshot':
        return this.snapshot(request.name)
      case 'restore':
        return this.restore(request.name)
      default:
        return this.#bend(request)
    }
  }

  #bend(request: LinkRequest): readonly LinkState[] {
    const { network } = this
    switch (request.op) {
      case 'partition':
        network.partition(request.names, request.oneWay)
        break
      case 'delay':
        network.delay(request.delayMs, request.jitterMs, request.names)
        break
      case 'loss':
        network.loss(request.lossPercent, request.names)
        break
      case 'heal':
        network.heal()
    }
    return network.list()
  }

  async #launch(node: DevnetNode, variables: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
    this.#stopping.signal.throwIfAborted()
    const { dir, log } = nodePaths(this.#paths.dir, node)
    const more = {
      variables,
      aheadMs: this.#file.aheadMs,
      ...(this.#options.entry !== undefined && { entry: this.#options.entry }),
      ...(this.#links !== null && { bootstrap: this.#links.addressesFor(node.name) }),
    }
    const running =
      (await this.#options.early?.take(node.name)) ??
      (await NodeProcess.start({ name: node.name, dir, log, rpc: node.rpc, ...more }))
    this.#processes.set(node.name, running)
    this.#notePid(node.name, running.pid)
    this.#options.onEvent({ event: 'started', name: node.name, pid: running.pid })
    void running.exited.then((exit) => {
      this.#onExit(running, exit, log)
    })
    return running
  }

  #onExit(running: NodeProcess, exit: NodeExit, log: string): void {
    if (this.#processes.get(running.name) === running) this.#notePid(running.name, null)
    if (this.#stopping.signal.aborted || !this.#started || this.#ending.delete(running)) return
    const { code, signal } = exit
    this.#options.onEvent({
      event: 'exit',
      name: running.name,
      pid: running.pid,
      code,
      signal,
      message: `${running.name} ${describeExit(exit)}`,
      log,
    })
  }

  async #becomesReady(running: NodeProcess): Promise<boolean> {
    const deadline = performance.now() + RESTART_TIMEOUT_MS
    for (;;) {
      const leftMs = deadline - performance.now()
      try {
        await running.waitFor('/readyz', Math.min(leftMs, 1_000), this.#stopping.signal)
        return true
      } catch (error) {
        if (running.exit !== null || this.#stopping.signal.aborted || leftMs <= 1_000) throw error
      }
      if (!this.#quorumRuns() && (await running.answers())) return false
    }
  }

  /** Whether the validators whose processes run have the stake that finality needs: more than two thirds. */
  #quorumRuns(): boolean {
    let total = 0n
    let alive = 0n
    for (const { name, stake } of this.#file.nodes) {
      total += BigInt(stake)
      if (this.#running(name) !== null) alive += BigInt(stake)
    }
    return 3n * alive > 2n * total
  }

  async #end(name: string): Promise<void> {
    const running = this.#running(name)
    if (running === null) return
    this.#ending.add(running)
    await running.stop(this.#termTimeoutMs)
  }

  /** Runs `task` while no node does; those that ran are started again, whatever became of it. */
  #whileStopped<Result>(task: () => Result): Promise<Result> {
    const names = this.#file.nodes.map(({ name }) => name)
    const others = Promise.allSettled(this.#tasks.values())
    const own = others.then(async () => {
      const ran = this.#file.nodes.filter(({ name }) => this.#running(name) !== null)
      await Promise.all(ran.map(({ name }) => this.#end(name)))
      try {
        return task()
      } finally {
        const started = await Promise.all(ran.map((node) => this.#launch(node)))
        await Promise.all(started.map((running) => this.#becomesReady(running)))
      }
    })
    for (const name of names) this.#tasks.set(name, own)
    return own
  }

  #running(name: string): NodeProcess | null {
    const found = this.#processes.get(name)
    return found?.exit === null ? found : null
  }

  #nodeOf(name: string): DevnetNode {
    const node = this.#file.nodes.find((other) => other.name === name)
    if (node !== undefined) return node
    const known = this.#file.nodes.map((other) => other.name)
    throw new CordonError(
      'usage',
      `there is no node ${JSON.stringify(name)}; this devnet has ${known.join(', ')}`,
      { name, known },
    )
  }

  async #afterOthers<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#tasks.get(name) ?? Promise.resolve()
    const own = before.then(task, task)
    this.#tasks.set(name, own)
    return own
  }

  async #stopAll(): Promise<void> {
    this.#stopping.abort(new CordonError('devnet-failed', 'the devnet was stopped before it was ready'))
    // A restart under way may have started a process that is not in the table yet.
    const tasks = Promise.allSettled(this.#tasks.values())
    await Promise.all([...this.#processes.values()].map((running) => running.stop(this.#termTimeoutMs)))
    await tasks
    await Promise.all([...this.#processes.values()].map((running) => running.stop(this.#termTimeoutMs)))
    this.#write({
      ...this.#file,
      supervisor: null,
      identities: {},
      nodes: this.#file.nodes.map((node) => ({ ...node, pid: null })),
    })
    this.#closeControl()
    this.#links?.close()
    this.#releaseLock()
    this.#settleStopped()
  }

  #notePid(name: string, pid: number | null): void {
    const nodes = this.#file.nodes.map((node) => (node.name === name ? { ...node, pid } : node))
    const identities = { ...this.#file.identities, [name]: pid === null ? '' : (processIdentity(pid) ?? '') }
    this.#write({ ...this.#file, nodes, identities })
  }

  #write(file: DevnetFile): void {
    this.#file = file
    try {
      writeDevnetFile(this.#paths.dir, file)
    } catch (error) {
      // Somebody removed the directory of a running devnet: its nodes must still be stopped.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/**
 * The running supervisor of a directory.
 * @throws CordonError `devnet-missing` if there is no devnet or it does not run.
 */
export function runningSupervisor(dir: string): NonNullable<DevnetFile['supervisor']> {
  const { supervisor } = readDevnetFile(dir)
  if (supervisor !== null && isSameProcess(supervisor.pid, supervisor.identity)) return supervisor
  throw new CordonError(
    'devnet-missing',
    `the devnet in ${dir} does not run; start it with: cordon devnet --dir ${dir}`,
    { dir },
  )
}

/** Stops the devnet of a directory from another process, nodes of a dead supervisor too. False: nothing ran. */
export async function stopDevnet(dir: string): Promise<boolean> {
  const file = readDevnetFile(dir)
  const { supervisor } = file
  if (supervisor === null || !isSameProcess(supervisor.pid, supervisor.identity))
    return (await stopStrays(file, TERM_TIMEOUT_MS)).length > 0
  await askSupervisor(supervisor, { op: 'stop' }).catch(() => signalProcess(supervisor.pid, 'SIGTERM'))
  await ended([supervisor], TERM_TIMEOUT_MS + 1_000)
  return true
}

/** Ends node processes whose supervisor died. Resolves to those it found. */
async function stopStrays(
  file: DevnetFile,
  termTimeoutMs: number,
): Promise<{ name: string; pid: number; identity: string }[]> {
  const strays = file.nodes.flatMap(({ name, pid }) => {
    const identity = file.identities[name]
    return pid !== null && identity !== undefined && isSameProcess(pid, identity)
      ? [{ name, pid, identity }]
      : []
  })
  for (const { pid } of strays) signalProcess(pid, 'SIGTERM')
  if (await ended(strays, termTimeoutMs)) return strays
  for (const { pid, identity } of strays) if (isSameProcess(pid, identity)) signalProcess(pid, 'SIGKILL')
  await ended(strays, TERM_TIMEOUT_MS)
  return strays
}

/** Waits until none of the processes is alive; false if the time is up first. */
async function ended(
  processes: readonly { pid: number; identity: string }[],
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (processes.some(({ pid, identity }) => isSameProcess(pid, identity))) {
    if (performance.now() > deadline) return false
    await delay(POLL_MS)
  }
  return true
}
