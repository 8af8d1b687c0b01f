import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CordonError, ERRORS, EXIT, exitCodeOf } from '../../config/errors.ts'
import { chainIdOf, genesisHash, nonceFromHex, type Genesis } from '../../config/genesis.ts'
import { LIMITS } from '../../config/limits.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import {
  makeParameters,
  PARAMETER_NAMES,
  PARAMETERS,
  parseParameter,
  presetParameters,
} from '../../config/parameters.ts'
import { toHex } from '../../crypto/bytes.ts'

const refuses = (act: () => unknown, message: RegExp): void => {
  assert.throws(act, { name: 'CordonError', code: 'parameter-invalid', message })
}

test('both presets are within their own ranges', () => {
  for (const network of ['mainnet', 'testnet', 'devnet'] as const) {
    const preset = presetParameters(network)
    assert.deepEqual(makeParameters(network, preset), preset)
    for (const name of PARAMETER_NAMES) assert.equal(parseParameter(name, preset[name]), preset[name])
  }
  assert.deepEqual(presetParameters('testnet'), presetParameters('mainnet'))
})

test('ranges end where they say', () => {
  for (const name of PARAMETER_NAMES) {
    const row = PARAMETERS[name]
    if (row.kind !== 'integer') continue
    assert.equal(parseParameter(name, row.min), row.min)
    assert.equal(parseParameter(name, String(row.max)), row.max)
    for (const value of [row.min - 1, row.max + 1, row.min + 0.5, '', 'x', '1e3', '-1', null, true]) {
      refuses(
        () => parseParameter(name, value),
        new RegExp(`^${name} must be an integer from ${row.min} to ${row.max} `),
      )
    }
  }
})

test('choices, unknown names and values that contradict each other', () => {
  assert.equal(parseParameter('onExpiry', 'release'), 'release')
  refuses(() => parseParameter('onExpiry', 'burn'), /one of return, release, got "burn"/)
  for (const name of ['speed', 'constructor', '__proto__', ''])
    refuses(() => parseParameter(name, 1), /unknown parameter .*deltaMs/)
  refuses(
    () => makeParameters('devnet', { deltaMs: 2_000 }),
    /deltaMaxMs 1000 must not be below deltaMs 2000/,
  )
  refuses(() => makeParameters('devnet', { idleMs: 2_000 }), /idleMs 2000 must be below standstillMs 2000/)
  assert.equal(makeParameters('devnet', { quarantineMs: '3000' }).quarantineMs, 3_000)
})

test('parameters stay within the limits of the protocol', () => {
  const atMost: readonly (readonly [number, number])[] = [
    [PARAMETERS.batchMaxTxs.max, LIMITS.txsPerBatch],
    [PARAMETERS.batchMaxBytes.max, LIMITS.batchBytes],
    [LIMITS.txBytes, PARAMETERS.batchMaxBytes.min],
    [PARAMETERS.walletValidityMs.max, LIMITS.unorderedValidityMs],
  ]
  for (const [smaller, larger] of atMost) assert.ok(smaller <= larger)
})

const GENESIS: Genesis = {
  network: 'devnet',
  createdMs: 1_790_000_000_000,
  nonce: nonceFromHex('000102030405060708090a0b0c0d0e0f'),
  parameters: makeParameters('devnet'),
  validators: [
    { name: 'v1', publicKey: new Uint8Array(32).fill(1), operator: new Uint8Array(32).fill(2), stake: 3n },
  ],
  accounts: [{ id: new Uint8Array(32).fill(4), balance: 5n }],
}

test('every field of a genesis changes its hash', () => {
  const [validator] = GENESIS.validators
  const [account] = GENESIS.accounts
  assert.ok(validator && account)
  const others: Genesis[] = [
    { ...GENESIS, network: 'testnet' },
    { ...GENESIS, createdMs: GENESIS.createdMs + 1 },
    { ...GENESIS, nonce: new Uint8Array(16) },
    ...PARAMETER_NAMES.map((name) => ({
      ...GENESIS,
      parameters: { ...GENESIS.parameters, [name]: name === 'onExpiry' ? 'release' : 7 },
    })),
    { ...GENESIS, validators: [] },
    { ...GENESIS, validators: [{ ...validator, name: 'v2' }] },
    { ...GENESIS, validators: [{ ...validator, publicKey: new Uint8Array(32) }] },
    { ...GENESIS, validators: [{ ...validator, operator: new Uint8Array(32) }] },
    { ...GENESIS, validators: [{ ...validator, stake: 4n }] },
    { ...GENESIS, accounts: [] },
    { ...GENESIS, accounts: [{ ...account, id: new Uint8Array(32) }] },
    { ...GENESIS, accounts: [{ ...account, balance: 6n }] },
  ]
  const hashes = [GENESIS, ...others].map((genesis) => toHex(genesisHash(genesis)))
  assert.equal(new Set(hashes).size, hashes.length)
  assert.equal(toHex(chainIdOf(genesisHash(GENESIS))), hashes[0]?.slice(0, 16))
})

test('prefixes of networks differ, and none begins another address', () => {
  const prefixes = Object.values(ADDRESS_PREFIX)
  assert.equal(new Set(prefixes).size, prefixes.length)
  for (const one of prefixes)
    for (const other of prefixes) assert.ok(one === other || !`${one}1`.startsWith(`${other}1`))
})

test('every error code ends a command with a known exit code', () => {
  const exits: readonly number[] = Object.values(EXIT)
  for (const [code, { exit, meaning }] of Object.entries(ERRORS)) {
    assert.ok(exits.includes(exit), code)
    assert.match(meaning, /\.$/)
    assert.match(code, /^[a-z]+(?:-[a-z]+)*$/)
  }
  assert.equal(exitCodeOf(new CordonError('password-wrong', 'x')), EXIT.needsInput)
  assert.equal(exitCodeOf(new Error('x')), EXIT.unexpected)
  assert.equal(exitCodeOf('x'), EXIT.unexpected)
})
