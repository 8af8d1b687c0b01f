/** An operator loses a signer folder and brings it back: real processes, real folders. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Devnet, assertAgreement, cordon, eventually } from './harness.ts'

/** Finalize votes that the node has cast in this life, and whether it abstains. */
async function voting(url: string): Promise<{ readonly votes: number; readonly abstains: boolean }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const valueOf = (name: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')[1] ?? 0,
    )
  return {
    votes: valueOf('cordon_votes_total{vote="finalize"}'),
    abstains: valueOf('cordon_not_voting ') === 1,
  }
}

test('a lost signer folder keeps the validator from starting; with its export it votes again', async () => {
  await using devnet = await Devnet.start(['--load-accounts', '0'])
  const node = join(devnet.dir, 'v4')
  const file = join(devnet.dir, 'v4-votes.json')
  const signer = (command: string, ...args: string[]): ReturnType<typeof cordon> =>
    cordon(['signer', command, '--dir', node, '--json', ...args])
  await eventually('v4 to vote', 10_000, async () => (await voting(devnet.rpcOf('v4'))).votes > 0)
  const busy = await signer('export', '--out', file)
  assert.deepEqual([busy.code, busy.json?.error?.code], [78, 'directory-locked'])

  await devnet.run(0, 'devnet', 'kill', 'v4')
  assert.equal((await signer('export', '--out', file)).code, 0)
  rmSync(join(node, 'signer', 'votes.journal'))
  const refused = await devnet.run(80, 'devnet', 'restart', 'v4')
  assert.equal(refused.code, 'signer-lost')

  assert.equal((await signer('import', '--file', file)).code, 0)
  await devnet.run(0, 'devnet', 'restart', 'v4')
  await devnet.run(0, 'wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
  await eventually('v4 to vote again', 10_000, async () => {
    const { votes, abstains } = await voting(devnet.rpcOf('v4'))
    return votes > 0 && !abstains
  })
  await assertAgreement(devnet.ready.validators.map(({ rpc }) => rpc))
})
