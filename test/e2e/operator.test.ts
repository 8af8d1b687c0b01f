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
  const revoked = await devnet.cli(...asBob)
  assert.deepEqual([revoked.code, revoked.json?.error?.code], [5, 'unauthorized'])
})
