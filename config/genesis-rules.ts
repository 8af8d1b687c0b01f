/**
 * What holds of every genesis, whether a file says it or somebody who makes a new one. Each rule has the words for what
 * it expects, so that both say the same.
 */
import { encodeAddress } from '../crypto/address.ts'
import { compareBytes, toHex } from '../crypto/bytes.ts'
import { isUsablePublicKey } from '../crypto/ed25519.ts'
import type { Genesis, GenesisAccount } from './genesis.ts'
import { LIMITS } from './limits.ts'
import { ADDRESS_PREFIX } from './networks.ts'

/** All value of a chain together stays below this, so that a balance fits 63 bits. uCRD. */
export const SUPPLY_LIMIT: bigint = 2n ** 63n

export const VALIDATOR_NAME_EXPECTED = '1 to 32 letters, digits, ".", "_" or "-"'
export const VALIDATOR_KEY_EXPECTED = 'an Ed25519 public key as 64 lower-case hex digits'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/
const KEY = /^[0-9a-f]{64}$/

export function isValidatorName(text: string): boolean {
  return NAME.test(text)
}

/** The 32 bytes of a validator's public key, or null if it is none that can sign. */
export function validatorKeyOf(hex: string): Uint8Array | null {
  if (!KEY.test(hex)) return null
  const key = Uint8Array.from(Buffer.from(hex, 'hex'))
  return isUsablePublicKey(key) ? key : null
}

/** Something that is right by itself and cannot stand beside the rest. */
interface Contradiction {
  /** As in the file: `validators[1].name`. */
  readonly path: string
  readonly expected: string
  readonly got: string | bigint
}

/** Whatever a genesis has twice, or too much of. Its accounts are in order. */
export function contradictionsIn(genesis: Genesis): Contradiction[] {
  return [...repeatedValidators(genesis), ...repeatedAccounts(genesis), ...sumsOutOfRange(genesis)]
}

function repeatedValidators({ network, validators }: Genesis): Contradiction[] {
  const seen = { name: new Set<string>(), publicKey: new Set<string>(), operator: new Set<string>() }
  return validators.flatMap(({ name, publicKey, operator }, index) => {
    const values = {
      name,
      publicKey: toHex(publicKey),
      operator: encodeAddress(ADDRESS_PREFIX[network], operator),
    }
    return (['name', 'publicKey', 'operator'] as const).flatMap((field) => {
      const isRepeated = seen[field].has(values[field])
      seen[field].add(values[field])
      if (!isRepeated) return []
      const expected = 'another value for each validator'
      return [{ path: `validators[${index}].${field}`, expected, got: values[field] }]
    })
  })
}

function repeatedAccounts({ network, accounts }: Genesis): Contradiction[] {
  const repeated = accounts.filter(
    ({ id }, index) => index > 0 && compareBytes((accounts[index - 1] as GenesisAccount).id, id) === 0,
  )
  return repeated.map(({ id }) => ({
    path: 'accounts',
    expected: 'each address once',
    got: encodeAddress(ADDRESS_PREFIX[network], id),
  }))
}

function sumsOutOfRange({ validators, accounts }: Genesis): Contradiction[] {
  const stake = validators.reduce((sum, validator) => sum + validator.stake, 0n)
  if (stake > LIMITS.totalWeight)
    return [{ path: 'validators', expected: `a total stake of at most ${LIMITS.totalWeight}`, got: stake }]
  const supply = accounts.reduce((sum, account) => sum + account.balance, stake)
  if (supply < SUPPLY_LIMIT) return []
  const expected = `balances and stake of less than ${SUPPLY_LIMIT} together`
  return [{ path: 'accounts', expected, got: supply }]
}
