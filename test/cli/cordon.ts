/** Runs the real `bin/cordon` as a process, the way a script does. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const CORDON: string = fileURLToPath(new URL('../../bin/cordon', import.meta.url))

/** Compiled code is shared; a fresh home would compile everything anew. */
const CACHE = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')

/** Of a command whose home is this: no settings of the tests' own environment. */
export function environmentOf(home: string): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CORDON_'))
  return { ...Object.fromEntries(inherited), HOME: home, XDG_CACHE_HOME: CACHE }
}

export interface Envelope {
  readonly v: number
  readonly ok: boolean
  readonly data?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: string; readonly message: string } & Readonly<Record<string, unknown>>
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** stdout as an envelope. Throws if it is not exactly one line of JSON. */
  readonly envelope: Envelope
}

/** A folder that is home and working directory of the commands of one test. */
export class Home implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'cordon-cli-'))

  /** @param options.input what standard input gives; it ends after that. */
  run(
    args: readonly string[],
    options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Run> {
    return new Promise((resolve, reject) => {
      const child = spawn(CORDON, args, {
        cwd: this.path,
        env: { ...environmentOf(this.path), ...options.env },
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.stdin.on('error', () => undefined) // a command may end without reading
      child.stdin.end(options.input ?? '')
      child.on('error', reject)
      child.on('close', (code) =>
        resolve({
          code,
          stdout,
          stderr,
          get envelope(): Envelope {
            if (!/^.+\n$/.test(stdout))
              throw new Error(`expected one line on stdout, got ${JSON.stringify(stdout)}; stderr: ${stderr}`)
            return JSON.parse(stdout) as Envelope
          },
        }),
      )
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
