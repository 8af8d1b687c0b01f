/** Who has money on a devnet, and how much. All of it comes from the seed. */
import type { GenesisAccount } from '../config/genesis.ts'
import { compareBytes } from '../crypto/bytes.ts'
import { keyPairFromSeed, type KeyPair } from '../crypto/ed25519.ts'
import { ADDRESS_PREFIX } from '../config/networks.ts'
import { encodeAddress } from '../crypto/address.ts'
import { itemAt } from './item-at.ts'
import { accountSeeds, deriveKey, deriveKeys } from './keys.ts'
import { Random } from './random.ts'
import { CITIZENS, openingBalance } from './scenarios/population.ts'

const CRD = 1_000_000n

/** The accounts of the keystore. */
export const ACCOUNT_NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'] as const

export const DEFAULT_LOAD_ACCOUNTS = 2_000
/** Keeps a genesis with its load accounts well below `LIMITS.genesisBytes`. */
export const MAX_LOAD_ACCOUNTS = 200_000
/** Accounts to be taken over by attacks: one per attack. */
export const VICTIMS = 1_000

export const STAKE_UNITS: bigint = 1_000_000n * CRD
export const ACCOUNT_UNITS: bigint = 1_000_000n * CRD
export const OPERATOR_UNITS: bigint = 10_000n * CRD
/** What `devnet faucet` pays from. */
const FAUCET_UNITS: bigint = 1_000_000_000n * CRD
export const LOAD_ACCOUNT_UNITS: bigint = 1_000n * CRD

const VICTIM_LEAST_CRD = 2_500
const VICTIM_MOST_CRD = 12_000

/** Address on a devnet. */
export function devnetAddress(id: Uint8Array): string {
  return encodeAddress(ADDRESS_PREFIX.devnet, id)
}

/** Opening balance of a victim, in uCRD: savings worth stealing. */
export function victimUnits(seed: string, index: number): bigint {
  return (
    BigInt(Math.round(new Random(`${seed}/victim/${index}`).between(VICTIM_LEAST_CRD, VICTIM_MOST_CRD))) * CRD
  )
}

/** A named account of the keystore. */
export interface NamedAccount {
  readonly name: string
  /** Secret. */
  readonly seed: Uint8Array
  readonly key: KeyPair
  readonly address: string
}

/** A start asks several times, and their words cost some milliseconds. */
const KNOWN = new Map<string, readonly NamedAccount[]>()

/** alice, bob, … of a devnet with this seed. */
export function namedAccounts(devnetSeed: string): readonly NamedAccount[] {
  const known = KNOWN.get(devnetSeed) ?? deriveNamed(devnetSeed)
  KNOWN.set(devnetSeed, known)
  return known
}

function deriveNamed(devnetSeed: string): readonly NamedAccount[] {
  const seeds = accountSeeds(devnetSeed, ACCOUNT_NAMES.length)
  return ACCOUNT_NAMES.map((name, index) => {
    const seed = itemAt(seeds, index)
    const key = keyPairFromSeed(seed)
    return { name, seed, key, address: devnetAddress(key.publicKey) }
  })
}

/** Accounts of a genesis, ascending by id. */
export function genesisAccounts(
  seed: string,
  validators: readonly string[],
  loadAccounts: number,
): GenesisAccount[] {
  const funded = (keys: readonly KeyPair[], balanceOf: (index: number) => bigint): GenesisAccount[] =>
    keys.map(({ publicKey }, index) => ({ id: publicKey, balance: balanceOf(index) }))
  const accounts = [
    ...funded(
      namedAccounts(seed).map(({ key }) => key),
      () => ACCOUNT_UNITS,
    ),
    ...funded(
      validators.map((name) => deriveKey(seed, 'operator', name)),
      () => OPERATOR_UNITS,
    ),
    ...funded(deriveKeys(seed, 'faucet', 1), () => FAUCET_UNITS),
    ...funded(deriveKeys(seed, 'load', loadAccounts), () => LOAD_ACCOUNT_UNITS),
    ...funded(deriveKeys(seed, 'citizen', CITIZENS.length), (index) => openingBalance(seed, index)),
    ...funded(deriveKeys(seed, 'victim', VICTIMS), (index) => victimUnits(seed, index)),
  ]
  return accounts.sort((a, b) => compareBytes(a.id, b.id))
}
