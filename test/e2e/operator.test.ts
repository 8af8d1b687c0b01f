/** The operator methods of a real node, by the CLI: the devnet's own token, one for somebody else, and none. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { cordon, Devnet } from './harness.ts'

test('tokens open the operator methods of one node, until they are revoked', async () => {
  await using devnet = await Devnet.start()
  const [v1, v2] = ['v1', 'v2'].map((name) => join(devnet.dir, name))
  const own = await devnet.run(0, 'token', 'whoami')
  assert.deepEqual([own.token, own.scope, own.validator], ['operator', 'operate', 'v1'])

  const secret = join(devnet.dir, 'bob')
  const made = ['token', 'create', 'bob', '--scope', 'read', '--dir', String(v2), '--out', secret]
  assert.equal((await cordon(made)).code, 0)
  const asBob = ['token', 'whoami', '--node-dir', String(v2), '--token-file', secret]
  const bob = await devnet.run(0, ...asBob)
  assert.deepEqual([bob.token, bob.scope, bob.validator], ['bob', 'read', 'v2'])

  const elsewhere = await devnet.cli('token', 'whoami', '--node-dir', String(v1), '--token-file', secret)
  assert.deepEqual([elsewhere.code, elsewhere.json?.error?.code], [5, 'unauthorized'])
  assert.equal((await cordon(['token', 'revoke', 'bob', '--dir', String(v2)])).code, 0)
  const { checks } = (await devnet.run(0, 'doctor', 'check')) as { checks: readonly { what: string }[] }
  for (const what of ['signer', 'finality', 'conservation'])
    assert.ok(checks.some((check) => check.what === what))

  const revoked = await devnet.cli(...asBob)
  assert.deepEqual([revoked.code, revoked.json?.error?.code], [5, 'unauthorized'])
})

interface Model {
  readonly id: string
  readonly name: string
  readonly role: string | null
}

test('an operator chooses the model that votes, takes it back, and compares another with it', async () => {
  await using devnet = await Devnet.start()
  const { models } = (await devnet.run(0, 'fraud', 'model', 'list')) as { models: readonly Model[] }
  assert.equal(models.find(({ role }) => role === 'votes')?.name, 'pretrained')

  const labelFree = (await devnet.run(0, 'fraud', 'model', 'use', 'label-free')) as unknown as Model
  assert.equal(labelFree.role, 'votes')
  await devnet.run(0, 'devnet', 'restart', 'v1')
  assert.equal((await devnet.run(0, 'fraud', 'model', 'show')).name, 'label-free')
  assert.equal((await devnet.run(0, 'fraud', 'model', 'rollback')).name, 'pretrained')

  const { shadow } = await devnet.run(0, 'fraud', 'model', 'shadow', labelFree.id.slice(0, 12))
  assert.equal((shadow as Model).role, 'shadow')
  await devnet.run(0, 'wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
  const report = await devnet.run(0, 'fraud', 'model', 'report')
  assert.equal(report.transfers, 1)
  await devnet.run(0, 'fraud', 'model', 'shadow', 'off')
  const none = await devnet.cli('fraud', 'model', 'report')
  assert.deepEqual([none.code, none.json?.error?.code], [5, 'not-found'])

  const unknown = await devnet.cli('fraud', 'model', 'use', 'nobody')
  assert.deepEqual([unknown.code, unknown.json?.error?.code], [5, 'not-found'])
})
