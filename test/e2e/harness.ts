/**
 * Real processes for the end-to-end tests: a devnet in a fresh directory, and the CLI as a script would use it.
 * Waiting is always for an event or for a condition over RPC, with a limit that fails the test.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CORDON = fileURLToPath(new URL('../../bin/cordon', import.meta.url))
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 50

export interface ReadyValidator {
  readonly name: string
  readonly pid: number
  readonly rpc: string
  readonly dir: string
  readonly stake: string
  /** Link to its dashboard for operators, signed in. */
  readonly review: string
}

export interface ReadyEvent {
  readonly event: 'ready'
  readonly validators: readonly ReadyValidator[]
  readonly accounts: readonly { readonly name: string; readonly address: string; readonly balance: string }[]
  readonly dashboard: string
}

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Parsed envelope of `--json`, or null if stdout is no JSON. */
  readonly json: {
    readonly v: number
    readonly ok: boolean
    readonly data?: unknown
    readonly error?: { readonly code: string; readonly message: string }
  } | null
}

/** Runs the CLI to its end. */
export async function cordon(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<CliResult> {
  const child = spawn(CORDON, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  child.stdin.end(options.input ?? '')
  const [code, stdout, stderr] = await Promise.all([exitOf(child), text(child.stdout), text(child.stderr)])
  let json: CliResult['json'] = null
  try {
    json = JSON.parse(stdout) as CliResult['json']
  } catch {
    // not every command is run with --json
  }
  return { code, stdout, stderr, json }
}

/**
 * Runs the CLI and ends it with SIGKILL as soon as a file is there. Its end by itself is a failure: it was too quick.
 * @param file in a folder of a folder that is there; all of the latter is watched.
 */
export async function killed(args: readonly string[], file: string): Promise<void> {
  const child = spawn(CORDON, args, { stdio: 'ignore' })
  const exited = exitOf(child)
  const watcher = watch(dirname(dirname(file)), { recursive: true }, () => {
    if (existsSync(file)) child.kill('SIGKILL')
  })
  const code = await exited
  watcher.close()
  assert.equal(code, 128, `cordon ${args.join(' ')} ended before ${file} was there`)
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += String(chunk)
  return all
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve(code ?? (signal === null ? -1 : 128))
    })
  })
}

export class Devnet implements AsyncDisposable {
  readonly dir: string
  readonly ready: ReadyEvent
  readonly #child: ChildProcess
  /** From spawning the command to its ready line, ms. */
  readonly readyMs: number

  private constructor(dir: string, ready: ReadyEvent, child: ChildProcess, readyMs: number) {
    this.dir = dir
    this.ready = ready
    this.#child = child
    this.readyMs = readyMs
  }

  /** Starts `cordon devnet --json` and waits for its ready line. `dir`: an existing directory to go on with. */
  static async start(
    args: readonly string[] = [],
    dir: string = mkdtempSync(join(tmpdir(), 'cordon-e2e-')),
  ): Promise<Devnet> {
    const startedMs = performance.now()
    const child = spawn(CORDON, ['devnet', '--json', '--dir', dir, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const ready = await new Promise<ReadyEvent>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGTERM')
        reject(new Error(`the devnet was not ready within ${READY_TIMEOUT_MS} ms; stderr: ${stderr}`))
      }, READY_TIMEOUT_MS)
      child.once('exit', (code) => {
        clearTimeout(timer)
        reject(new Error(`the devnet ended with ${code} before it was ready; stderr: ${stderr}`))
      })
      createInterface({ input: child.stdout }).on('line', (line) => {
        const event = JSON.parse(line) as { event: string }
        if (event.event !== 'ready') return
        clearTimeout(timer)
        resolve(event as ReadyEvent)
      })
    })
    return new Devnet(dir, ready, child, performance.now() - startedMs)
  }

  /** Runs a client command against this devnet with `--json`. */
  cli(...args: readonly string[]): Promise<CliResult> {
    return cordon([...args, '--dir', this.dir, '--json'])
  }

  /** Like `cli`, and insists on the exit code. @returns `data` of the envelope, or `error` if there is none. */
  async run(expectedCode: number, ...args: readonly string[]): Promise<Record<string, unknown>> {
    const result = await this.cli(...args)
    assert.equal(
      result.code,
      expectedCode,
      `cordon ${args.join(' ')}: exit ${result.code}\n${result.stdout}\n${result.stderr}`,
    )
    return (result.json?.data ?? result.json?.error ?? {}) as Record<string, unknown>
  }

  rpcOf(name: string): string {
    const validator = this.ready.validators.find((entry) => entry.name === name)
    assert.ok(validator, `no validator ${name}`)
    return validator.rpc
  }

  /** Ends the devnet as Ctrl-C does; resolves to how long it took, ms. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return 0
    const startedMs = performance.now()
    const exited = exitOf(this.#child)
    this.#child.kill(signal)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
    return performance.now() - startedMs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** One JSON-RPC call over HTTP, with nothing of the project in between. */
export async function rpc<Result>(url: string, method: string, params: object = {}): Promise<Result> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = (await response.json()) as { result?: Result; error?: { message: string } }
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
  return answer.result as Result
}

/** Resolves once `condition` holds; fails after `timeoutMs`, saying what was waited for. */
export async function eventually(
  what: string,
  timeoutMs: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  let lastError: unknown
  while (performance.now() < deadlineMs) {
    try {
      if (await condition()) return
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  assert.fail(
    `waited ${timeoutMs} ms for: ${what}${lastError instanceof Error ? ` (${lastError.message})` : ''}`,
  )
}

interface Status {
  readonly executedHeight: number
  readonly stateRoot: string
  readonly totalSupply: string
}

/** All nodes have the same block hash and state root at a common height, and the same supply. */
export async function assertAgreement(urls: readonly string[]): Promise<void> {
  const statuses = await Promise.all(urls.map((url) => rpc<Status>(url, 'chain_status')))
  const height = Math.min(...statuses.map((status) => status.executedHeight))
  assert.ok(height > 0, 'no node has executed a block')
  for (const at of [height, Math.max(1, Math.floor(height / 2))]) {
    const blocks = await Promise.all(
      urls.map((url) => rpc<{ hash: string; stateRoot: string | null }>(url, 'chain_block', { height: at })),
    )
    assert.equal(new Set(blocks.map((block) => block.hash)).size, 1, `block hashes differ at height ${at}`)
    assert.equal(
      new Set(blocks.map((block) => block.stateRoot)).size,
      1,
      `state roots differ at height ${at}`,
    )
    assert.notEqual(blocks[0]?.stateRoot, null)
  }
  assert.equal(new Set(statuses.map((status) => status.totalSupply)).size, 1, 'total supplies differ')
}
