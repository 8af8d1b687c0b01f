/** docs/two-machines.md, word by word: two people at two machines, from nothing to a payment with a receipt. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { EXIT } from '../../config/errors.ts'
import { stepsOf, type Step } from './guide.ts'
import { TwoMachines, whyNoMachines, type Machine, type Ran } from './machines.ts'

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'two-machines.md'), 'utf8')

/** Follows a step on the machines it is for, and insists on how it says that its commands end. */
async function follow({ machine, exit, commands }: Step, machines: TwoMachines): Promise<Ran[]> {
  const where = machine === 'both' ? machines.all : [machines.of(machine)]
  const runs = await Promise.all(where.map((each) => typeAll(each, commands, exit)))
  return runs.flat()
}

async function typeAll(machine: Machine, commands: readonly string[], exit: number): Promise<Ran[]> {
  const runs: Ran[] = []
  for (const [index, command] of commands.entries()) {
    const run = await machine.run(command)
    const expected = index === commands.length - 1 ? exit : EXIT.done
    assert.equal(run.code, expected, `${command}\n${run.stdout}${run.stderr}`)
    runs.push(run)
  }
  return runs
}

/** What a command with `--json` says. */
async function ask<Data>(machine: Machine, command: string): Promise<Data> {
  const { code, stdout, stderr } = await machine.run(`${command} --json`)
  assert.equal(code, EXIT.done, `${command}\n${stdout}${stderr}`)
  return (JSON.parse(stdout) as { readonly data: Data }).data
}

suite('two machines', { skip: whyNoMachines() ?? false }, () => {
  const open = new DisposableStack()
  let machines: TwoMachines
  const runs: Ran[] = []

  before(async () => {
    machines = open.use(new TwoMachines({ anna: '192.0.2.1', ben: '192.0.2.2' }))
    for (const step of stepsOf(PAGE)) runs.push(...(await follow(step, machines)))
  })
  after(() => {
    open.dispose()
  })

  /** What the page's commands of this beginning said, in their order. */
  function told(command: string): string[] {
    return runs
      .filter((run) => run.command.startsWith(command))
      .map(({ stdout, stderr }) => `${stdout}${stderr}`)
  }

  test('what the page says of its commands is what they say', () => {
    const [early, ...complete] = told('cordon config check')
    assert.match(early ?? '', /there is no genesis file/)
    assert.equal(complete.filter((text) => text.includes('nothing is wrong')).length, 2)
    assert.match(told('cordon genesis create').join(), /anna has 50 % of the stake.*\n.*ben has 50 %/)
    const hashes = told('cordon genesis show').map((text) => /^hash +(\w{64})$/m.exec(text)?.[1])
    assert.equal(hashes.length, 2)
    assert.equal(new Set(hashes).size, 1)
    for (const status of told('cordon status')) assert.match(status, /^peers +1$/m)
    assert.match(told('cordon wallet balance ben').join(), /125\.00CRD/)
    assert.match(
      told('cordon verify').join(),
      /the receipt is valid +settled.*\n(?:.*\n)*.*signed by anna, ben/,
    )
    assert.match(told('cordon doctor stall').join(), /stalled +yes\n(?:.*\n)*.*start ben/)
    assert.equal(
      told('cordon wallet history ben')
        .join()
        .match(/ settled /g)?.length,
      2,
    )
  })

  test('what is paid while the wire is cut is final once it is whole, on both sides', async () => {
    const [anna, ben] = [machines.of('anna'), machines.of('ben')]
    machines.setWire('down')
    const payment = 'cordon wallet send --from anna --to ben --amount 1CRD --wait accepted'
    const { txId } = await ask<{ txId: string }>(anna, payment)
    assert.equal((await anna.run(`cordon tx wait ${txId} --timeout 2s`)).code, EXIT.outcomeUnknown)
    machines.setWire('up')
    const { height } = await ask<{ height: number }>(anna, `cordon tx wait ${txId}`)
    await ask(ben, `cordon tx wait ${txId} --rpc http://127.0.0.1:7310`)
    const blocks = await Promise.all(
      machines.all.map((machine) =>
        ask<{ hash: string; stateRoot: string }>(machine, `cordon block get ${height}`),
      ),
    )
    assert.equal(blocks.length, 2)
    assert.deepEqual([blocks[0]?.hash, blocks[0]?.stateRoot], [blocks[1]?.hash, blocks[1]?.stateRoot])
    const { balance } = await ask<{ balance: string }>(ben, 'cordon wallet balance ben')
    assert.equal(balance, '131000000')
    const { offences } = await ask<{ offences: readonly object[] }>(anna, 'cordon evidence list')
    assert.deepEqual(offences, [])
  })
})
