/**
 * Every key of a devnet follows from its seed, so that a directory made anew with the same seed has the same addresses.
 * Such keys protect nothing: a devnet's money is play money.
 */
import { mnemonicOfEntropy, seedsOfMnemonic } from '../crypto/mnemonic.ts'
import { hash } from '../crypto/hash.ts'
import { keyPairFromSeed, type KeyPair } from '../crypto/ed25519.ts'
import { utf8 } from '../crypto/bytes.ts'

export const DEFAULT_SEED = 'cordon'

/** What a key is for; part of its derivation. */
type KeyRole =
  | 'operator'
  | 'validator'
  | 'peer'
  | 'load'
  | 'citizen'
  | 'victim'
  | 'mule'
  | 'faucet'
  | 'genesis'

/** The 24 words from which the named accounts follow, as a wallet's keys do: account 0, 1, … in the order of their names. */
export function devnetMnemonic(seed: string): string {
  return mnemonicOfEntropy(hash('devnet-key', rootOf(seed), utf8('mnemonic')))
}

/** The 32-byte Ed25519 seeds of the first `count` named accounts. */
export function accountSeeds(seed: string, count: number): Uint8Array[] {
  return seedsOfMnemonic(devnetMnemonic(seed), count)
}

/** 32 bytes that stand for the seed text; fixed length, so that what follows it may vary. */
function rootOf(seed: string): Uint8Array {
  return hash('devnet-key', utf8(`root/${seed}`))
}

/** The 32-byte Ed25519 seed of a key. */
export function keySeed(seed: string, role: KeyRole, index: number | string): Uint8Array {
  return hash('devnet-key', rootOf(seed), utf8(`${role}/${index}`))
}

/** A key of the devnet. The public key is the account id. */
export function deriveKey(seed: string, role: KeyRole, index: number | string): KeyPair {
  return keyPairFromSeed(keySeed(seed, role, index))
}

/** Keys 0 … count − 1 of a role. About 25 µs each. */
export function deriveKeys(seed: string, role: KeyRole, count: number): KeyPair[] {
  const root = rootOf(seed)
  return Array.from({ length: count }, (_, index) =>
    keyPairFromSeed(hash('devnet-key', root, utf8(`${role}/${index}`))),
  )
}
