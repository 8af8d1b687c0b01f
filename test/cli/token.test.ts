/** `cordon token`: who gets in, written where only the operator reads it. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { findToken, readSecretFile, readTokenFile, TOKENS_FILE } from '../../config/tokens.ts'
import { makeGenesis } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'

const DAY_MS = 86_400_000

/** A node directory in a fresh home. */
async function initialised(home: Home): Promise<string> {
  const dir = join(home.path, 'node')
  writeFileSync(join(home.path, 'genesis.json'), serialiseGenesis(makeGenesis()))
  const made = await home.run(['init', '--dir', dir, '--genesis', join(home.path, 'genesis.json')])
  assert.equal(made.code, 0, made.stderr)
  return dir
}

suite('cordon token', { concurrency: 2 }, () => {
  test('init makes one; others are made, listed and revoked', async () => {
    using home = new Home()
    const dir = await initialised(home)
    const own = readSecretFile(join(dir, 'config', 'operator-token'))
    assert.equal(findToken(readTokenFile(join(dir, TOKENS_FILE)), own)?.scope, 'operate')

    const out = join(home.path, 'ann.token')
    const args = ['token', 'create', 'ann', '--scope', 'review', '--expires', '2d', '--dir', dir]
    const made = await home.run([...args, '--out', out, '--json'])
    const { createdMs, expiresMs } = made.envelope.data as { createdMs: number; expiresMs: number }
    assert.equal(expiresMs - createdMs, 2 * DAY_MS)
    assert.equal(statSync(out).mode & 0o777, 0o600)
    assert.ok(
      !made.stdout.includes(readFileSync(out, 'utf8').trim()),
      'the secret went to a file, not to stdout',
    )
    assert.equal((await home.run([...args, '--json'])).envelope.error?.code, 'usage')

    const listed = await home.run(['token', 'list', '--dir', dir, '--json'])
    const { tokens } = listed.envelope.data as { tokens: readonly { name: string; scope: string }[] }
    assert.deepEqual(
      tokens.map(({ name, scope }) => [name, scope]),
      [
        ['operator', 'operate'],
        ['ann', 'review'],
      ],
    )
    assert.equal((await home.run(['token', 'revoke', 'ann', '--dir', dir])).code, 0)
    assert.equal(findToken(readTokenFile(join(dir, TOKENS_FILE)), readSecretFile(out)), null)
    const again = await home.run(['token', 'revoke', 'ann', '--dir', dir, '--json'])
    assert.equal(again.envelope.error?.code, 'not-found')
  })

  test('without a file the secret is shown once, and a note says so on stderr', async () => {
    using home = new Home()
    const dir = await initialised(home)
    const made = await home.run(['token', 'create', 'bot', '--scope', 'read', '--dir', dir])
    assert.match(made.stdout, /^cordon-token-[\w-]{43}\n$/)
    assert.match(made.stderr, /only time/)
    assert.equal(findToken(readTokenFile(join(dir, TOKENS_FILE)), made.stdout.trim())?.name, 'bot')
  })

  test('what needs a token and finds none says how to get one', async () => {
    using home = new Home()
    const none = await home.run(['quarantine', 'cases', '--json'])
    assert.deepEqual([none.code, none.envelope.error?.code], [5, 'unauthorized'])
    assert.match(String(none.envelope.error?.message), /--node-dir/)
    const elsewhere = await home.run(['token', 'list', '--dir', home.path, '--json'])
    assert.equal(elsewhere.envelope.error?.code, 'usage')
    const dir = await initialised(home)
    const down = await home.run(['quarantine', 'cases', '--node-dir', dir, '--json'])
    assert.equal(down.code, 3, down.stdout)
  })
})
