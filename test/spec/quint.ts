/** Runs Quint's command line on the models of `docs/spec/quint`, with its TypeScript simulator: the other one is built with Rust. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readItf, type ModelTrace } from './trace.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CLI = join(ROOT, 'node_modules', '@informalsystems', 'quint', 'dist', 'src', 'cli.js')

export const MODELS: string = join(ROOT, 'docs', 'spec', 'quint')
export const ORDERING: string = join(MODELS, 'ordering.qnt')
export const VERDICT: string = join(MODELS, 'verdict.qnt')

export interface QuintAnswer {
  readonly exitCode: number | null
  readonly output: string
}

export function quint(args: readonly string[]): Promise<QuintAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', reject)
    child.on('close', (exitCode) => {
      resolve({ exitCode, output })
    })
  })
}

export interface Simulation {
  readonly model: string
  /** Module of the model to run. */
  readonly instance: string
  readonly invariant: string
  readonly traces: number
  readonly steps: number
  readonly seed: number
  /** How many of the traces to return. */
  readonly keep?: number
}

export interface Simulated {
  /** Null: the invariant held in all traces; else what Quint prints of the trace that violates it, with its seed. */
  readonly violation: string | null
  readonly kept: readonly ModelTrace[]
}

/** Random traces, every state of which is held to the invariant. @throws Error if Quint fails for another reason. */
export async function simulate(simulation: Simulation): Promise<Simulated> {
  const { model, instance, invariant, traces, steps, seed, keep = 0 } = simulation
  const dir = mkdtempSync(join(tmpdir(), 'cordon-spec-'))
  const settings = { main: instance, invariant, backend: 'typescript', verbosity: 2, seed }
  const sizes = { 'max-samples': traces, 'max-steps': steps }
  const wanted = keep === 0 ? {} : { 'n-traces': keep, 'out-itf': join(dir, 'trace_{seq}.itf.json') }
  const options = Object.entries({ ...settings, ...sizes, ...wanted }).map(
    ([name, value]) => `--${name}=${value}`,
  )
  try {
    const { exitCode, output } = await quint(['run', model, ...options, ...(keep === 0 ? [] : ['--mbt'])])
    if (output.includes('[violation]')) return { violation: output, kept: [] }
    if (exitCode !== 0 || !output.includes('[ok]'))
      throw new Error(`quint run ${options.join(' ')} ended with ${exitCode}: ${output}`)
    const kept = readdirSync(dir).map((name) => readItf(readFileSync(join(dir, name), 'utf8')))
    return { violation: null, kept }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
