/**
 * Wallet keys from 24 words: BIP-39 (English list, no passphrase), then SLIP-0010 for Ed25519 along
 * `m/44'/4411972'/ACCOUNT'`. 4411972 is `CRD` in ASCII; the number is not registered in SLIP-0044.
 */
import { generateMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { HDKey } from 'micro-key-producer/slip10.js'
import { CordonError } from '../config/errors.ts'

export const MNEMONIC_WORDS: number = 24
const ENTROPY_BITS = 256
const COIN_TYPE = 0x43_52_44

/** Number of accounts one mnemonic can have: all hardened indexes. */
const MAX_ACCOUNTS = 2 ** 31

/** 24 new words. Secret. */
export function newMnemonic(): string {
  return generateMnemonic(wordlist, ENTROPY_BITS)
}

/**
 * The 32-byte Ed25519 seed of one account of a mnemonic. Case and spacing of the words do not matter.
 * @throws CordonError `mnemonic-invalid`; the message names positions, never the words: they are secret.
 */
export function seedOfMnemonic(mnemonic: string, account: number = 0): Uint8Array {
  if (!Number.isInteger(account) || account < 0 || account >= MAX_ACCOUNTS) {
    throw new RangeError(`expected an account index from 0 to ${MAX_ACCOUNTS - 1}, got ${account}`)
  }
  const words = mnemonic.normalize('NFKD').trim().toLowerCase().split(/\s+/)
  checkWords(words)
  const master = HDKey.fromMasterSeed(mnemonicToSeedSync(words.join(' ')))
  return master.derive(`m/44'/${COIN_TYPE}'/${account}'`).privateKey
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
