/** `config/launch.ts`: compiled code is kept, used, and made anew when it does not fit. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'

const LAUNCH = join(import.meta.dirname, '..', '..', 'config', 'launch.ts')

const root = mkdtempSync(join(tmpdir(), 'cordon-launch-'))
after(() => rmSync(root, { recursive: true }))

let count = 0

/** A program of a build, with a folder for its code. */
class Program {
  readonly folder: string
  readonly code: string
  readonly #bundle: string

  constructor(source = 'const said = (x) => x + 1; console.log(said(41))') {
    this.folder = join(root, String(count++))
    this.code = join(this.folder, 'code')
    this.#bundle = join(this.folder, 'program.cjs')
    mkdirSync(this.folder)
    this.write(source)
  }

  write(source: string): void {
    writeFileSync(this.#bundle, source)
  }

  /** Runs it, with `args`, in a process of its own. */
  run(args: readonly string[] = [], variables: Record<string, string> = {}): { used: boolean; said: string } {
    const main = `import { launch } from ${JSON.stringify(LAUNCH)}
      process.stderr.write(String(launch(${JSON.stringify(this.#bundle)})))`
    const entry = join(this.folder, 'main.mjs')
    writeFileSync(entry, main)
    const { stdout, stderr } = spawnSync(process.execPath, [entry, ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_COMPILE_CACHE: this.code, ...variables },
    })
    assert.match(stderr, /^(?:true|false)$/, 'a program says nothing of its kept code')
    return { used: stderr === 'true', said: stdout.trim() }
  }

  /** Names of what is kept. */
  kept(): string[] {
    if (!existsSync(this.code)) return []
    return readdirSync(this.code).filter((name) => name.endsWith('.code'))
  }

  keptPath(): string {
    const [name, ...others] = this.kept()
    assert.ok(name !== undefined && others.length === 0)
    return join(this.code, name)
  }
}

describe('launch', () => {
  it('keeps the compiled code of a run and uses it in the next', () => {
    const program = new Program()
    assert.deepEqual(program.run(), { used: false, said: '42' })
    const bytes = readFileSync(program.keptPath())
    assert.deepEqual(program.run(), { used: true, said: '42' })
    assert.deepEqual(readFileSync(program.keptPath()), bytes)
  })

  it('does not use the code of another bundle, even of the same length', () => {
    const program = new Program('console.log(1)')
    program.run()
    program.write('console.log(2)')
    assert.deepEqual(program.run(), { used: false, said: '2' })
    assert.equal(program.kept().length, 2)
  })

  it('makes damaged code anew', () => {
    const program = new Program()
    program.run()
    const path = program.keptPath()
    const whole = readFileSync(path)
    for (const damaged of [flipped(whole, whole.length - 9), whole.subarray(0, 50), whole.subarray(0, 2)]) {
      writeFileSync(path, damaged)
      assert.deepEqual(program.run(), { used: false, said: '42' })
      assert.deepEqual(program.run(), { used: true, said: '42' })
    }
  })

  it('does not use code that was compiled under other flags', () => {
    const program = new Program()
    program.run()
    assert.deepEqual(program.run([], { NODE_OPTIONS: '--stack-trace-limit=50' }), { used: false, said: '42' })
  })

  it('keeps one for each command', () => {
    const program = new Program()
    for (const args of [[], ['wallet', 'send'], ['wallet', 'show'], ['devnet'], ['/a/path']])
      program.run(args)
    assert.deepEqual(
      program
        .kept()
        .map((name) => name.replace(/-[0-9a-f]+-[0-9a-f]+\.code$/, ''))
        .sort(),
      ['program', 'program-devnet', 'program-wallet'],
    )
  })

  it('keeps nothing of a run that failed, and nothing where that is not wanted or not possible', () => {
    const failing = new Program('console.log(42); process.exitCode = 3')
    failing.run()
    const unwanted = new Program()
    unwanted.run([], { NODE_DISABLE_COMPILE_CACHE: '1' })
    for (const program of [failing, unwanted]) assert.deepEqual(program.kept(), [])
    const blocked = new Program()
    writeFileSync(blocked.code, 'a file where a folder should be')
    assert.deepEqual(blocked.run(), { used: false, said: '42' })
  })

  it('gives the program what a module has', () => {
    const program = new Program(
      "console.log(require('node:path').basename(__filename), typeof exports, process.argv.slice(2).join())",
    )
    assert.equal(program.run(['a', 'b']).said, 'program.cjs object a,b')
  })
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
