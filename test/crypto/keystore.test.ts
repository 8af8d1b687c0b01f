import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { encodeAddress } from '../../crypto/address.ts'
import { keyPairFromSeed } from '../../crypto/ed25519.ts'
import {
  createKey,
  exportKey,
  hasKey,
  importKey,
  isKeyName,
  KEY_COSTS,
  listKeys,
  openKey,
  readKeyInfo,
} from '../../crypto/keystore.ts'

const root = mkdtempSync(join(tmpdir(), 'cordon-keystore-'))
after(() => rmSync(root, { recursive: true }))

const SEED = new Uint8Array(32).fill(7)
const ADDRESS = encodeAddress('dcdn', keyPairFromSeed(SEED).publicKey)
const KEY = { seed: SEED, password: 'correct horse', prefix: 'dcdn', cost: KEY_COSTS.light } as const

let folders = 0
const folder = (): string => join(root, `keys${folders++}`)

test('a key comes back with its password', async () => {
  const directory = folder()
  assert.deepEqual(await createKey(directory, { ...KEY, name: 'alice' }), { name: 'alice', address: ADDRESS })
  const opened = await openKey(directory, 'alice', KEY.password)
  assert.deepEqual(Uint8Array.from(opened.seed), SEED)
  assert.deepEqual(opened.publicKey, keyPairFromSeed(SEED).publicKey)
  assert.equal(opened.address, ADDRESS)
})

test('the standard cost opens, too', async () => {
  const directory = folder()
  await createKey(directory, { seed: SEED, password: 'p', prefix: 'cdn', name: 'main' })
  assert.equal(
    (await openKey(directory, 'main', 'p')).address,
    encodeAddress('cdn', keyPairFromSeed(SEED).publicKey),
  )
})

test('files are private, complete and alone', async () => {
  const directory = folder()
  await createKey(directory, { ...KEY, name: 'alice' })
  const path = join(directory, 'alice.json')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(directory).mode & 0o077, 0)
  assert.deepEqual(readdirSync(directory), ['alice.json'])
  const text = readFileSync(path, 'utf8')
  assert.ok(text.includes(ADDRESS))
  assert.ok(!text.includes(Buffer.from(SEED).toString('hex')))
})

test('list, read and has need no password', async () => {
  const directory = folder()
  assert.deepEqual(listKeys(directory), [])
  await createKey(directory, { ...KEY, name: 'bob' })
  await createKey(directory, { ...KEY, name: 'alice' })
  writeFileSync(join(directory, 'notes.txt'), 'not a key')
  assert.deepEqual(
    listKeys(directory).map(({ name }) => name),
    ['alice', 'bob'],
  )
  assert.deepEqual(readKeyInfo(directory, 'bob'), { name: 'bob', address: ADDRESS })
  assert.equal(hasKey(directory, 'bob'), true)
  assert.equal(hasKey(directory, 'carol'), false)
  assert.equal(hasKey(directory, '../bob'), false)
})

test('a key is never overwritten, not even by two at once', async () => {
  const directory = folder()
  const tries = await Promise.allSettled(
    [1, 2, 3].map((i) => createKey(directory, { ...KEY, seed: SEED.map((b) => b + i), name: 'x' })),
  )
  assert.deepEqual(tries.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  for (const { reason } of tries.filter((result) => result.status === 'rejected')) {
    assert.equal((reason as { code: string }).code, 'key-exists')
  }
  assert.deepEqual(readdirSync(directory), ['x.json'])
  await assert.rejects(createKey(directory, { ...KEY, name: 'x' }), { code: 'key-exists' })
})

test('a wrong password, a damaged file, a newer format and a missing key are told apart', async () => {
  const directory = folder()
  await createKey(directory, { ...KEY, name: 'alice' })
  const path = join(directory, 'alice.json')
  const text = readFileSync(path, 'utf8')
  await assert.rejects(openKey(directory, 'alice', 'wrong'), {
    code: 'password-wrong',
    message: /alice \(dcdn1/,
  })
  await assert.rejects(openKey(directory, 'carol', 'x'), { code: 'key-unknown', message: /it has alice/ })

  writeFileSync(path, text.replace('cordon-keystore/1', 'cordon-keystore/2'))
  await assert.rejects(openKey(directory, 'alice', KEY.password), {
    code: 'format-version',
    message: /this build knows cordon-keystore\/1/,
  })

  for (const damaged of [
    '',
    '{',
    '[]',
    'null',
    text.slice(0, -20),
    text.replace('argon2id', 'scrypt'),
    text.replace('"passes": 1', '"passes": 0'),
  ]) {
    writeFileSync(path, damaged)
    await assert.rejects(openKey(directory, 'alice', KEY.password), {
      code: 'keystore-invalid',
      message: /restore it from a backup/,
    })
  }
  writeFileSync(path, ' '.repeat(70_000))
  await assert.rejects(openKey(directory, 'alice', KEY.password), {
    code: 'keystore-invalid',
    message: /70000 bytes/,
  })
})

test('a flipped bit in any line is found', async () => {
  const directory = folder()
  await createKey(directory, { ...KEY, name: 'alice' })
  const path = join(directory, 'alice.json')
  const bytes = readFileSync(path)
  for (let at = 5; at < bytes.length; at += 7) {
    if (/\s/.test(String.fromCharCode(bytes[at]!))) continue // white space between values means nothing
    const changed = Buffer.from(bytes)
    changed[at] = changed[at]! ^ 1
    writeFileSync(path, changed)
    await assert.rejects(openKey(directory, 'alice', KEY.password), /CordonError/, `byte ${at}`)
  }
})

test('what stands in clear is authenticated: a swapped address with a right checksum does not open', async () => {
  const one = folder()
  const two = folder()
  await createKey(one, { ...KEY, name: 'alice' })
  await createKey(two, { ...KEY, name: 'alice', seed: new Uint8Array(32).fill(8) })
  const a = JSON.parse(readFileSync(join(one, 'alice.json'), 'utf8')) as Record<string, unknown>
  const b = JSON.parse(readFileSync(join(two, 'alice.json'), 'utf8')) as Record<string, unknown>
  writeFileSync(join(one, 'alice.json'), JSON.stringify({ ...a, address: b.address }))
  await assert.rejects(openKey(one, 'alice', KEY.password), { code: 'keystore-invalid', message: /checksum/ })
})

test('a file under another name is not that key', async () => {
  const directory = folder()
  await createKey(directory, { ...KEY, name: 'alice' })
  writeFileSync(join(directory, 'bob.json'), readFileSync(join(directory, 'alice.json')))
  assert.throws(() => readKeyInfo(directory, 'bob'), {
    code: 'keystore-invalid',
    message: /the key "alice" under another name/,
  })
})

test('an exported key opens elsewhere with its password, under its own name only', async () => {
  const [here, there] = [folder(), folder()]
  await createKey(here, { ...KEY, name: 'alice' })
  const { text, address } = exportKey(here, 'alice')
  assert.equal(text, readFileSync(join(here, 'alice.json'), 'utf8'))
  assert.equal(address, ADDRESS)
  assert.throws(() => importKey(there, 'bob', text, 'backup'), { code: 'usage' })
  assert.deepEqual(importKey(there, 'alice', text, 'backup'), { name: 'alice', address: ADDRESS })
  assert.equal(statSync(join(there, 'alice.json')).mode & 0o777, 0o600)
  assert.deepEqual(Uint8Array.from((await openKey(there, 'alice', KEY.password)).seed), SEED)
  assert.throws(() => importKey(there, 'alice', text, 'backup'), { code: 'key-exists' })
  assert.throws(() => importKey(folder(), 'alice', text.replace('"salt": "', '"salt": "0'), 'backup'), {
    code: 'keystore-invalid',
  })
  assert.throws(() => exportKey(there, 'bob'), { code: 'key-unknown' })
})

test('names and passwords have rules', async () => {
  for (const name of ['alice', 'v1', 'a-b_c', '0']) assert.ok(isKeyName(name), name)
  for (const name of ['', '-a', 'Alice', 'a/b', '..', 'a.b', 'a b', 'ä', ADDRESS])
    assert.ok(!isKeyName(name), name)
  const directory = folder()
  await assert.rejects(createKey(directory, { ...KEY, name: 'A' }), {
    code: 'usage',
    message: /key name "A"/,
  })
  await assert.rejects(createKey(directory, { ...KEY, name: 'a', password: '' }), { code: 'usage' })
  await assert.rejects(createKey(directory, { ...KEY, name: 'a', password: 'x'.repeat(1_025) }), {
    code: 'usage',
  })
  assert.equal(existsSync(directory), false)
})

test('a password is the same in every Unicode spelling', async () => {
  const directory = folder()
  await createKey(directory, { ...KEY, name: 'a', password: 'caf\u00e9' })
  assert.equal((await openKey(directory, 'a', 'cafe\u0301')).address, ADDRESS)
})

test('a folder that cannot be written is a clear error', async () => {
  const file = folder()
  writeFileSync(file, '')
  await assert.rejects(createKey(join(file, 'x'), { ...KEY, name: 'a' }), {
    code: 'keystore-invalid',
    message: /ENOTDIR/,
  })
})

test(
  'an unreadable file is a clear error',
  { skip: process.getuid?.() === 0 && 'root reads everything' },
  async () => {
    const directory = folder()
    await createKey(directory, { ...KEY, name: 'a' })
    chmodSync(join(directory, 'a.json'), 0)
    assert.throws(() => readKeyInfo(directory, 'a'), { code: 'keystore-invalid', message: /EACCES/ })
  },
)
