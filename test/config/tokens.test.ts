import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  findToken,
  isTokenName,
  makeOperatorToken,
  makeToken,
  OPERATOR_TOKEN_FILE,
  parseTokens,
  readSecretFile,
  readTokenFile,
  serialiseTokens,
  TOKENS_FILE,
  writeTokenFile,
} from '../../config/tokens.ts'
import { covers, SCOPES } from '../../config/scopes.ts'
import { LIMITS } from '../../config/limits.ts'

const root = mkdtempSync(join(tmpdir(), 'cordon-tokens-'))
after(() => rmSync(root, { recursive: true }))

test('each scope covers itself and those before it', () => {
  const covered = SCOPES.map((held) => SCOPES.filter((needed) => covers(held, needed)))
  assert.deepEqual(covered, [['read'], ['read', 'review'], ['read', 'review', 'operate']])
})

test('a secret finds its own token and no other', () => {
  const [a, b] = [makeToken('a', 'read', 1, null), makeToken('b', 'operate', 1, null)]
  const tokens = [a.token, b.token]
  assert.equal(findToken(tokens, b.secret)?.name, 'b')
  assert.equal(findToken(tokens, `${b.secret}x`), null)
  assert.equal(findToken(tokens, ''), null)
  assert.equal(findToken([], a.secret), null)
})

test('tokens come back from their text, which holds no secret', () => {
  const { token, secret } = makeToken('ops', 'review', 5, 6)
  const text = serialiseTokens([token])
  assert.equal(serialiseTokens(parseTokens(text, 'x')), text)
  assert.ok(!text.includes(secret.slice(-20)))
})

test('a file that is wrong is refused, with what is wrong', () => {
  const { token } = makeToken('ops', 'review', 5, null)
  const good = JSON.parse(serialiseTokens([token])) as { tokens: Record<string, unknown>[] }
  const having = (change: object): string =>
    JSON.stringify({ ...good, tokens: [{ ...good.tokens[0], ...change }] })
  const cases: readonly [string, RegExp][] = [
    ['{', /is not JSON/],
    [having({ scope: 'admin' }), /scope: expected read, review, operate, got "admin"/],
    [having({ hash: 'ff' }), /hash: expected 64 hex digits/],
    [having({ name: '../x' }), /name: expected a short name/],
    [having({ expiresMs: '1' }), /expiresMs: expected an integer/],
    [having({ admin: true }), /admin: expected only/],
    [JSON.stringify({ ...good, tokens: [...good.tokens, ...good.tokens] }), /names that differ/],
  ]
  for (const [text, message] of cases)
    assert.throws(() => parseTokens(text, 'tokens.json'), { code: 'config-invalid', message }, text)
  assert.throws(() => parseTokens('{"format":"cordon-tokens/2"}', 'x'), { code: 'format-version' })
})

test('names are short and harmless in paths and logs', () => {
  for (const name of ['a', 'ops-2', 'case.system', 'x'.repeat(LIMITS.tokenNameCharacters)])
    assert.ok(isTokenName(name), name)
  for (const name of ['', '-a', '.a', 'a b', 'a/b', 'ä', 'x'.repeat(LIMITS.tokenNameCharacters + 1)])
    assert.ok(!isTokenName(name), name)
})

test('the first token of a node: both files are for their owner only, and belong together', () => {
  const directory = join(root, 'node')
  mkdirSync(join(directory, 'config'), { recursive: true })
  makeOperatorToken(directory, 7)
  const [hashes, secret] = [join(directory, TOKENS_FILE), join(directory, OPERATOR_TOKEN_FILE)]
  for (const file of [hashes, secret]) assert.equal(statSync(file).mode & 0o777, 0o600)
  const found = findToken(readTokenFile(hashes), readSecretFile(secret))
  assert.deepEqual([found?.name, found?.scope, found?.expiresMs], ['operator', 'operate', null])
  assert.ok(!readFileSync(hashes, 'utf8').includes(readSecretFile(secret)))
})

test('files that others may read, and secrets that are none, are refused', () => {
  const [hashes, secret] = [join(root, 'tokens.json'), join(root, 'secret')]
  assert.deepEqual(readTokenFile(hashes), [])
  writeTokenFile(hashes, [])
  chmodSync(hashes, 0o640)
  assert.throws(() => readTokenFile(hashes), { code: 'config-invalid', message: /chmod 600/ })
  writeFileSync(secret, makeToken('a', 'read', 1, null).secret, { mode: 0o644 })
  assert.throws(() => readSecretFile(secret), { code: 'unauthorized', message: /chmod 600/ })
  chmodSync(secret, 0o600)
  writeFileSync(secret, 'hello\n')
  assert.throws(() => readSecretFile(secret), { code: 'unauthorized', message: /holds no token/ })
  assert.throws(() => readSecretFile(join(root, 'none')), { code: 'unauthorized', message: /ENOENT/ })
})
