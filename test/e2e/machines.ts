/**
 * Two machines on one: network namespaces with a wire between them, each with a home, a terminal and nothing else in
 * common. Files go from one to the other by `scp`, which is played by a copy.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { CORDON, environmentOf } from '../cli/cordon.ts'

/** Why there can be no machines here, or null. */
export function whyNoMachines(): string | null {
  if (spawnSync('curl', ['--version']).error !== undefined) return 'no curl here: apt-get install curl'
  const probe = `cordon-probe-${process.pid}`
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' })
  if (made.error !== undefined) return 'no ip here: apt-get install iproute2'
  if (made.status !== 0) return `network namespaces cannot be made here: ${made.stderr.trim()}`
  ip('netns', 'delete', probe)
  return null
}

function ip(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** What a command came to. */
export interface Ran {
  readonly command: string
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A machine with one terminal: variables and jobs that a command leaves behind, the next one finds. */
export class Machine implements Disposable {
  readonly namespace: string
  readonly #terminal: ChildProcess
  /** One line for each command: how it ended. */
  readonly #answers: AsyncIterator<string>
  readonly #output: string

  /**
   * @param user whose home and terminal it has.
   * @param folder with a folder for each user, the commands of all machines in `bin`, and `password`.
   */
  constructor(user: string, folder: string) {
    this.namespace = `cordon-${user}-${process.pid}`
    this.#output = join(folder, `${user}.output`)
    ip('netns', 'add', this.namespace)
    ip('-n', this.namespace, 'link', 'set', 'lo', 'up')
    const home = join(folder, user)
    mkdirSync(home)
    const environment = environmentOf(home)
    const path = [join(folder, 'bin'), dirname(CORDON), environment.PATH].join(delimiter)
    this.#terminal = spawn('ip', ['netns', 'exec', this.namespace, 'sh'], {
      cwd: home,
      env: { ...environment, PATH: path, CORDON_PASSWORD_FILE: join(folder, 'password') },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    assert.ok(this.#terminal.stdout)
    this.#answers = createInterface({ input: this.#terminal.stdout })[Symbol.asyncIterator]()
  }

  /** Puts one end of a wire into it. @param address IPv4. */
  plug(end: string, address: string): void {
    ip('link', 'set', end, 'netns', this.namespace)
    ip('-n', this.namespace, 'address', 'add', `${address}/24`, 'dev', end)
    ip('-n', this.namespace, 'link', 'set', end, 'up')
  }

  /** Types a command and waits for its end. */
  async run(command: string): Promise<Ran> {
    const [out, err] = [`${this.#output}.out`, `${this.#output}.err`]
    this.#terminal.stdin?.write(`{ ${command}\n} </dev/null >'${out}' 2>'${err}'\necho $?\n`)
    const answer = await this.#answers.next()
    assert.ok(answer.done !== true, `the terminal was closed by: ${command}`)
    return {
      command,
      code: Number(answer.value),
      stdout: readFileSync(out, 'utf8'),
      stderr: readFileSync(err, 'utf8'),
    }
  }

  /** Ends everything that runs on it. */
  [Symbol.dispose](): void {
    for (const pid of ip('netns', 'pids', this.namespace).split('\n').filter(Boolean)) kill(Number(pid))
    ip('netns', 'delete', this.namespace)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Where a user's machine is: IPv4 on the wire, by user. */
export type Addresses = Readonly<Record<string, string>>

/** Machines of two users with a wire between them. */
export class TwoMachines implements Disposable {
  readonly #machines = new Map<string, Machine>()
  readonly #stack: DisposableStack
  readonly #wire: readonly [string, string]

  constructor(addresses: Addresses) {
    using stack = new DisposableStack()
    const folder = mkdtempSync(join(tmpdir(), 'cordon-machines-'))
    stack.defer(() => {
      rmSync(folder, { recursive: true, force: true })
    })
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'password'), 'correct horse\n', { mode: 0o600 })
    writeFileSync(join(folder, 'bin', 'scp'), copyCommand(folder, addresses), { mode: 0o755 })
    for (const user of Object.keys(addresses)) this.#machines.set(user, stack.use(new Machine(user, folder)))
    this.#wire = [`cordon${process.pid}-1`, `cordon${process.pid}-2`]
    ip('link', 'add', this.#wire[0], 'type', 'veth', 'peer', 'name', this.#wire[1])
    for (const [index, [user, address]] of Object.entries(addresses).entries())
      this.of(user).plug(this.#wire[index] ?? '', address)
    this.#stack = stack.move()
    this.#disposeAtExit()
  }

  /** A namespace and what runs in it would outlive a test that is broken off. */
  #disposeAtExit(): void {
    process.once('exit', () => {
      this.#stack.dispose()
    })
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.once(signal, () => {
        process.exit(1)
      })
  }

  get all(): readonly Machine[] {
    return [...this.#machines.values()]
  }

  of(user: string): Machine {
    return this.#machines.get(user) ?? assert.fail(`nobody here is called ${user}`)
  }

  /** From now on nothing gets through, and nobody is told; or it does again. */
  setWire(state: 'down' | 'up'): void {
    const [machine] = this.all
    ip('-n', machine?.namespace ?? '', 'link', 'set', this.#wire[0], state)
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}

/** A shell script that does for these machines what `scp FILE USER@HOST:PATH` does for others. */
function copyCommand(folder: string, addresses: Addresses): string {
  const homes = Object.entries(addresses).map(
    ([user, address]) => `${user}@${address}) home='${join(folder, user)}' ;;`,
  )
  return [
    '#!/bin/sh',
    'case "${2%%:*}" in',
    ...homes,
    '*) echo "scp: no such machine: $2" >&2; exit 1 ;;',
    'esac',
    'exec cp "$1" "$home/${2#*:}"',
    '',
  ].join('\n')
}
