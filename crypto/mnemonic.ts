/**
 * Wallet keys from 24 words: BIP-39 (English list, no passphrase), then SLIP-0010 for Ed25519 along
 * `m/44'/4411972'/ACCOUNT'`. 4411972 is `CRD` in ASCII; the number is not registered in SLIP-0044.
 */
import { createHmac, pbkdf2Sync } from 'node:crypto'
import { entropyToMnemonic, generateMnemonic, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { CordonError } from '../config/errors.ts'

export const MNEMONIC_WORDS: number = 24
const ENTROPY_BITS = 256
const PURPOSE = 44
const COIN_TYPE = 0x43_52_44

/** BIP-39, *From mnemonic to seed*, without a passphrase. Node's own is twenty times faster than one in JavaScript. */
const SEED_SALT = 'mnemonic'
const SEED_ROUNDS = 2048
const SEED_BYTES = 64

/** SLIP-0010 for Ed25519. */
const MASTER_KEY = 'ed25519 seed'
const KEY_BYTES = 32
const HARDENED = 2 ** 31

/** Number of accounts one mnemonic can have: all hardened indexes. */
const MAX_ACCOUNTS = HARDENED

/** 24 new words. Secret. */
export function newMnemonic(): string {
  return generateMnemonic(wordlist, ENTROPY_BITS)
}

/** The words that stand for 32 bytes. Secret if those are. */
export function mnemonicOfEntropy(entropy: Uint8Array): string {
  if (entropy.length * 8 !== ENTROPY_BITS)
    throw new RangeError(`expected ${ENTROPY_BITS / 8} bytes of entropy, got ${entropy.length}`)
  return entropyToMnemonic(entropy, wordlist)
}

/**
 * The 32-byte Ed25519 seed of one account of a mnemonic. Case and spacing of the words do not matter.
 * @throws CordonError `mnemonic-invalid`; the message names positions, never the words: they are secret.
 */
export function seedOfMnemonic(mnemonic: string, account: number = 0): Uint8Array {
  if (!Number.isInteger(account) || account < 0 || account >= MAX_ACCOUNTS) {
    throw new RangeError(`expected an account index from 0 to ${MAX_ACCOUNTS - 1}, got ${account}`)
  }
  return deriveSeed(masterSeed(mnemonic), [PURPOSE, COIN_TYPE, account])
}

/** The seeds of accounts 0 to `count` − 1, with the slow part done once. @throws CordonError `mnemonic-invalid`. */
export function seedsOfMnemonic(mnemonic: string, count: number): Uint8Array[] {
  const master = masterSeed(mnemonic)
  return Array.from({ length: count }, (_, account) => deriveSeed(master, [PURPOSE, COIN_TYPE, account]))
}

function masterSeed(mnemonic: string): Uint8Array {
  const words = mnemonic.normalize('NFKD').trim().toLowerCase().split(/\s+/)
  checkWords(words)
  return pbkdf2Sync(words.join(' '), SEED_SALT, SEED_ROUNDS, SEED_BYTES, 'sha512')
}

/**
 * SLIP-0010 for Ed25519: every step is hardened and needs no public key. Packages for it compute those all the same, which
 * would make the eight accounts of a devnet a tenth of its start.
 * @param path indexes without the bit of a hardened one.
 */
export function deriveSeed(masterSeed: Uint8Array, path: readonly number[]): Uint8Array {
  let node = createHmac('sha512', MASTER_KEY).update(masterSeed).digest()
  for (const index of path) {
    const step = Buffer.alloc(1 + KEY_BYTES + 4)
    step.set(node.subarray(0, KEY_BYTES), 1)
    step.writeUInt32BE(HARDENED + index, 1 + KEY_BYTES)
    node = createHmac('sha512', node.subarray(KEY_BYTES)).update(step).digest()
  }
  return new Uint8Array(node.subarray(0, KEY_BYTES))
}

function checkWords(words: readonly string[]): void {
  if (words.length !== MNEMONIC_WORDS) {
    throw new CordonError('mnemonic-invalid', `expected ${MNEMONIC_WORDS} words, got ${words.length}`, {
      words: words.length,
    })
  }
  const unknown = words.findIndex((word) => !wordlist.includes(word))
  if (unknown >= 0) {
    throw new CordonError(
      'mnemonic-invalid',
      `word ${unknown + 1} of ${MNEMONIC_WORDS} is not in the BIP-39 English list; check its spelling`,
      { position: unknown + 1 },
    )
  }
  if (!validateMnemonic(words.join(' '), wordlist)) {
    throw new CordonError(
      'mnemonic-invalid',
      'every word is in the list but the checksum is wrong; check the order of the words and look for swapped ones',
    )
  }
}
