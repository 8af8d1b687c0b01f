/** A devnet in processes of its own, driven by the CLI as a user would, and what its validators use. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { readDevnetFile } from '../../devnet/layout.ts'
import { prepareLoad, type LoadOptions, type LoadResult, type PreparedLoad } from '../../devnet/load/run.ts'
import { processUse } from '../../devnet/processes.ts'

/** The program of this checkout. */
export const CORDON: string = join(import.meta.dirname, '..', '..', 'bin', 'cordon')
const run = promisify(execFile)

export type LoadMore = Pick<LoadOptions, 'transfers' | 'theftShare' | 'accounts' | 'firstAccount'>

export class BenchDevnet implements AsyncDisposable {
  readonly dir: string
  readonly #program: string
  readonly #end: () => Promise<void>

  private constructor(dir: string, program: string, end: () => Promise<void>) {
    this.dir = dir
    this.#program = program
    this.#end = end
  }

  /**
   * Resolves when it says that it is ready.
   * @param program `bin/cordon` of a checkout that is built.
   */
  static async start(
    flags: readonly string[],
    variables: Readonly<Record<string, string>> = {},
    program: string = CORDON,
  ): Promise<BenchDevnet> {
    const parent = mkdtempSync(join(tmpdir(), 'cordon-bench-'))
    const dir = join(parent, 'devnet')
    const child = spawn(program, ['devnet', '--json', '--dir', dir, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...variables },
    })
    const exit = once(child, 'exit')
    const ready = once(createInterface({ input: child.stdout }), 'line').then(() => true)
    if (!(await Promise.race([ready, exit.then(() => false)]))) throw new Error('the devnet did not start')
    return new BenchDevnet(dir, program, async () => {
      child.kill('SIGINT')
      await exit
      rmSync(parent, { recursive: true, force: true })
    })
  }

  /** `cordon devnet …` */
  async verb(...args: readonly string[]): Promise<void> {
    await run(this.#program, ['devnet', ...args, '--dir', this.dir])
  }

  async load(ratePerSecond: number, durationS: number, more: LoadMore = {}): Promise<LoadResult> {
    return (await this.prepare(ratePerSecond, durationS, more)).play()
  }

  prepare(ratePerSecond: number, durationS: number, more: LoadMore = {}): Promise<PreparedLoad> {
    return prepareLoad({ dir: this.dir, ratePerSecond: Math.round(ratePerSecond), durationS, ...more })
  }

  /** URL of a validator's RPC. */
  rpcOf(name: string): string {
    return readDevnetFile(this.dir).nodes.find((node) => node.name === name)?.rpc ?? ''
  }

  /** Processor time of all validators so far. */
  cpuMs(): number {
    return readDevnetFile(this.dir).nodes.reduce(
      (sum, { pid }) => sum + (pid === null ? 0 : (processUse(pid)?.cpuMs ?? 0)),
      0,
    )
  }

  /** Sum of a counter of Prometheus over all validators and labels. */
  async counted(name: string, labels = ''): Promise<number> {
    const pages = await Promise.all(
      readDevnetFile(this.dir).nodes.map(async ({ rpc }) => (await fetch(`${rpc}/metrics`)).text()),
    )
    return pages
      .flatMap((page) => page.split('\n'))
      .filter((line) => line.startsWith(name) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }
}
