/** What the error messages of a damaged data directory advise works: the node comes back and agrees with the others. */
import assert from 'node:assert/strict'
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { flipBit } from '../bitrot/flip.ts'
import { Devnet, assertAgreement, cordon, eventually, rpc } from './harness.ts'

let devnet: Devnet
before(async () => {
  devnet = await Devnet.start(['--load-accounts', '100'])
  for (let i = 0; i < 3; i++)
    await devnet.run(0, 'wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
})
after(async () => {
  await devnet[Symbol.asyncDispose]()
})

/** Flips a bit in the middle of the newest log of a store, and has the damage repaired. */
async function rotAndRepair(dir: string, store: string): Promise<void> {
  const folder = join(dir, 'data', store)
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'))
  const path = join(folder, logs.at(-1) ?? assert.fail(`no log in ${folder}`))
  flipBit(path, 4 * statSync(path).size)
  const { code, json } = await cordon(['doctor', 'repair', '--dir', dir, '--json'])
  assert.equal(code, 0, JSON.stringify(json))
  const { startable, findings } = json?.data as {
    startable: boolean
    findings: { part: string; damage: string }[]
  }
  assert.equal(startable, true)
  assert.match(findings.find(({ part }) => part === store)?.damage ?? '', /\.log is damaged at byte \d+/)
}

for (const [what, spoil] of [
  ['its ledger alone', (dir: string) => rmSync(join(dir, 'data/ledger'), { recursive: true })],
  ['all its data', (dir: string) => renameSync(join(dir, 'data'), join(dir, `data-away`))],
  ['a bit of its ledger', (dir: string) => rotAndRepair(dir, 'ledger')],
  ['a bit of its blocks', (dir: string) => rotAndRepair(dir, 'chain')],
] as const) {
  test(`a validator that lost ${what} comes back and votes`, async () => {
    await devnet.run(0, 'devnet', 'kill', 'v4')
    await spoil(join(devnet.dir, 'v4'))
    const url = devnet.rpcOf('v4')
    await devnet.run(0, 'devnet', 'restart', 'v4')
    const others = await rpc<{ executedHeight: number }>(devnet.rpcOf('v1'), 'chain_status')
    await eventually(
      'v4 has caught up',
      30_000,
      async () =>
        (await rpc<{ executedHeight: number }>(url, 'chain_status')).executedHeight >= others.executedHeight,
    )
    await devnet.run(0, 'devnet', 'kill', 'v3')
    const sent = await devnet.run(
      0,
      'wallet',
      'send',
      '--from',
      'alice',
      '--to',
      'bob',
      '--amount',
      '1CRD',
      '--timeout',
      '20s',
    )
    assert.equal(sent.status, 'settled')
    await devnet.run(0, 'devnet', 'restart', 'v3')
    await assertAgreement(['v1', 'v2', 'v3', 'v4'].map((name) => devnet.rpcOf(name)))
  })
}
