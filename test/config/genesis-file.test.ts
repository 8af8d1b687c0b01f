import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { genesisHash, type Genesis } from '../../config/genesis.ts'
import {
  parseGenesis,
  readGenesisFile,
  serialiseGenesis,
  writeGenesisFile,
} from '../../config/genesis-file.ts'
import { LIMITS } from '../../config/limits.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { makeParameters, PARAMETER_NAMES } from '../../config/parameters.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { compareBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import { keyPairFromSeed } from '../../crypto/ed25519.ts'
import { hash } from '../../crypto/hash.ts'

const root = mkdtempSync(join(tmpdir(), 'cordon-genesis-'))
after(() => rmSync(root, { recursive: true }))

const id = (label: string): Uint8Array => Uint8Array.from(hash('devnet-key', utf8(label)))

function genesisOf(validators: number, accounts: number, network: Genesis['network'] = 'devnet'): Genesis {
  return {
    network,
    createdMs: 1_790_000_000_000,
    nonce: new Uint8Array(16).fill(3),
    parameters: makeParameters(network),
    validators: Array.from({ length: validators }, (_, i) => ({
      name: `v${i + 1}`,
      publicKey: Uint8Array.from(keyPairFromSeed(id(`validator ${i}`)).publicKey),
      operator: id(`operator ${i}`),
      stake: 1_000_000n + BigInt(i),
    })),
    accounts: Array.from({ length: accounts }, (_, i) => ({
      id: id(`account ${i}`),
      balance: BigInt(i) * 7n,
    })).sort((a, b) => compareBytes(a.id, b.id)),
  }
}

const GENESIS = genesisOf(4, 3)

type Json = Record<string, unknown> & {
  parameters: Record<string, unknown>
  validators: Record<string, unknown>[]
  accounts: Record<string, unknown>[]
}

function changed(change: (json: Json) => void): string {
  const json = JSON.parse(serialiseGenesis(GENESIS)) as Json
  change(json)
  return JSON.stringify(json)
}

function refuses(text: string, path: string, message: RegExp): void {
  assert.throws(
    () => parseGenesis(text, 'g.json'),
    (error: Error & { code?: string; payload?: { path?: string } }) => {
      assert.equal(error.code, 'genesis-invalid')
      assert.equal(error.payload?.path, path)
      assert.match(error.message, message)
      return true
    },
  )
}

test('a genesis comes back, with its hash', () => {
  for (const network of ['mainnet', 'testnet', 'devnet'] as const) {
    const genesis = genesisOf(3, 20, network)
    const parsed = parseGenesis(serialiseGenesis(genesis))
    assert.deepEqual(parsed, genesis)
    assert.equal(toHex(genesisHash(parsed)), toHex(genesisHash(genesis)))
  }
  assert.deepEqual(parseGenesis(serialiseGenesis(genesisOf(1, 0))), genesisOf(1, 0))
})

test('any genesis comes back', () => {
  const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
    fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(
      bytes(16),
      fc.integer({ min: 1, max: 2 ** 48 - 1 }),
      fc.uniqueArray(fc.tuple(bytes(32), fc.bigInt({ min: 0n, max: 2n ** 55n })), {
        maxLength: 20,
        selector: ([key]) => toHex(key),
      }),
      (nonce, createdMs, rows) => {
        const accounts = rows
          .map(([key, balance]) => ({ id: key, balance }))
          .sort((a, b) => compareBytes(a.id, b.id))
        const genesis = { ...GENESIS, nonce, createdMs, accounts }
        assert.deepEqual(parseGenesis(serialiseGenesis(genesis)), genesis)
      },
    ),
    { numRuns: 50 },
  )
})

test('the order of accounts and the white space do not matter', () => {
  const text = changed((json) => json.accounts.reverse())
  assert.deepEqual(parseGenesis(text), GENESIS)
})

test('each field is checked under its path', () => {
  refuses(
    changed((json) => (json.network = 'moonnet')),
    'network',
    /expected mainnet, testnet or devnet, got "moonnet"/,
  )
  refuses(
    changed((json) => (json.createdMs = '5')),
    'createdMs',
    /expected an integer from 1/,
  )
  refuses(
    changed((json) => (json.createdMs = 2 ** 48)),
    'createdMs',
    /expected an integer/,
  )
  refuses(
    changed((json) => (json.nonce = 'AB'.repeat(16))),
    'nonce',
    /32 lower-case hex digits/,
  )
  refuses(
    changed((json) => delete json.nonce),
    'nonce',
    /got nothing/,
  )
  refuses(
    changed((json) => (json.extra = 1)),
    'extra',
    /expected only .* here, got 1/,
  )
  refuses(
    changed((json) => (json.parameters = [] as never)),
    'parameters',
    /an object, got a list/,
  )
  refuses(
    changed((json) => delete json.parameters.minFee),
    'parameters.minFee',
    /a number, got nothing/,
  )
  refuses(
    changed((json) => (json.parameters.minFee = '1000')),
    'parameters.minFee',
    /a number, got "1000"/,
  )
  refuses(
    changed((json) => (json.parameters.deltaMs = 1)),
    'parameters.deltaMs',
    /from 10 to 60000 ms/,
  )
  refuses(
    changed((json) => (json.parameters.onExpiry = 'burn')),
    'parameters.onExpiry',
    /return, release/,
  )
  refuses(
    changed((json) => (json.parameters.idleMs = 500_000)),
    'parameters.idleMs',
    /below standstillMs/,
  )
  refuses(
    changed((json) => (json.parameters.speed = 1)),
    'parameters.speed',
    /expected only/,
  )
  refuses(
    changed((json) => (json.validators = [])),
    'validators',
    /a list of 1 to 256 items, got a list of 0 items/,
  )
  refuses(
    changed((json) => (json.validators[2]!.stake = 1_000_000)),
    'validators[2].stake',
    /decimal string/,
  )
  refuses(
    changed((json) => (json.validators[2]!.stake = '0')),
    'validators[2].stake',
    /at least "1"/,
  )
  refuses(
    changed((json) => (json.validators[2]!.name = 'a b')),
    'validators[2].name',
    /letters/,
  )
  refuses(
    changed((json) => (json.validators[1]!.name = 'v1')),
    'validators[1].name',
    /another value for each/,
  )
  refuses(
    changed((json) => (json.validators[1]!.publicKey = json.validators[0]!.publicKey)),
    'validators[1].publicKey',
    /another value/,
  )
  refuses(
    changed((json) => (json.validators[3]!.operator = json.validators[0]!.operator)),
    'validators[3].operator',
    /another value/,
  )
  refuses(
    changed((json) => (json.validators[0]!.publicKey = '00'.repeat(32))),
    'validators[0].publicKey',
    /Ed25519/,
  )
  refuses(
    changed((json) => (json.validators[0]!.operator = encodeAddress('cdn', id('x')))),
    'validators[0].operator',
    /another network/,
  )
  refuses(
    changed((json) => (json.validators[0]!.power = 1)),
    'validators[0].power',
    /expected only/,
  )
  refuses(
    changed((json) => (json.accounts[1]!.balance = '-1')),
    'accounts[1].balance',
    /decimal string/,
  )
  refuses(
    changed((json) => (json.accounts[1]!.balance = '01')),
    'accounts[1].balance',
    /decimal string/,
  )
  refuses(
    changed((json) => (json.accounts[1]!.balance = '1e3')),
    'accounts[1].balance',
    /decimal string/,
  )
  refuses(
    changed((json) => (json.accounts[1]!.address = 'alice')),
    'accounts[1].address',
    /dcdn1/,
  )
  refuses(
    changed((json) => (json.accounts[1]!.address = 5)),
    'accounts[1].address',
    /dcdn1/,
  )
  refuses(
    changed((json) => (json.accounts = [null] as never)),
    'accounts[0]',
    /an object, got null/,
  )
  refuses(
    changed((json) => (json.accounts = {} as never)),
    'accounts',
    /a list/,
  )
  refuses('[]', '', /top level: expected an object/)
})

test('an address occurs once', () => {
  refuses(
    changed((json) => json.accounts.push({ ...json.accounts[0], balance: '5' })),
    'accounts',
    /each address once, got "?dcdn1/,
  )
})

test('sums are bounded', () => {
  const half = String(2n ** 62n)
  refuses(
    changed((json) => {
      json.accounts[0]!.balance = half
      json.accounts[1]!.balance = half
    }),
    'accounts',
    /less than 9223372036854775808 together/,
  )
  refuses(
    changed((json) => (json.validators[0]!.stake = String(LIMITS.totalWeight))),
    'validators',
    /total stake of at most 2305843009213693952/,
  )
})

test('other versions and other files are told apart', () => {
  assert.throws(() => parseGenesis(changed((json) => (json.format = 'cordon-genesis/2'))), {
    code: 'format-version',
    message: /this build knows cordon-genesis\/1/,
  })
  refuses(
    changed((json) => (json.format = 'something')),
    'format',
    /"cordon-genesis\/1"/,
  )
  assert.throws(() => parseGenesis('{'), { code: 'genesis-invalid', message: /is not JSON/ })
})

test('files: written once, read back, refused when missing or huge', () => {
  const path = join(root, 'genesis.json')
  writeGenesisFile(path, GENESIS)
  assert.deepEqual(readGenesisFile(path), GENESIS)
  assert.throws(() => writeGenesisFile(path, GENESIS), { code: 'EEXIST' })
  assert.throws(() => readGenesisFile(join(root, 'none.json')), {
    code: 'genesis-invalid',
    message: /no genesis file .*none\.json.*cordon genesis create/,
  })
  assert.throws(() => readGenesisFile(root), {
    code: 'genesis-invalid',
    message: /cannot be read \(EISDIR\)/,
  })
  writeFileSync(join(root, 'bad.json'), 'hello')
  assert.throws(() => readGenesisFile(join(root, 'bad.json')), {
    code: 'genesis-invalid',
    message: /bad\.json is not JSON/,
  })
})

test('the text names every parameter and one account per line', () => {
  const text = serialiseGenesis(GENESIS)
  for (const name of PARAMETER_NAMES) assert.ok(text.includes(`"${name}"`), name)
  assert.equal(text.split('\n').filter((line) => line.includes('"balance"')).length, GENESIS.accounts.length)
  assert.ok(text.includes(`"${encodeAddress(ADDRESS_PREFIX.devnet, GENESIS.accounts[0]!.id)}"`))
  assert.ok(text.endsWith('}\n'))
})
