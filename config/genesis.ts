/**
 * Genesis: the one file that makes a chain. Its hash names the chain in every transaction, topic and signature.
 */
import { Writer } from '../crypto/codec.ts'
import { fromHex, utf8 } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'
import { PARAMETER_NAMES, type NetworkName, type Parameters } from './parameters.ts'

export const GENESIS_FORMAT = 'cordon-genesis/1'

export interface GenesisValidator {
  /** Shown to people; unique. */
  readonly name: string
  /** 32 bytes, Ed25519: signs votes, acks and batches. */
  readonly publicKey: Uint8Array
  /** Account whose transactions carry this validator's reviews. 32 bytes. */
  readonly operator: Uint8Array
  /** In uCRD; voting weight. At least 1. */
  readonly stake: bigint
}

export interface GenesisAccount {
  /** Account id, 32 bytes. */
  readonly id: Uint8Array
  /** In uCRD. */
  readonly balance: bigint
}

export interface Genesis {
  readonly network: NetworkName
  readonly createdMs: number
  /** 16 random bytes: a network made anew is another chain. */
  readonly nonce: Uint8Array
  readonly parameters: Parameters
  /** In index order; indexes are used in bitmaps and batches. */
  readonly validators: readonly GenesisValidator[]
  /** Strictly ascending by id. */
  readonly accounts: readonly GenesisAccount[]
}

/** The hash that names the chain: over the content, not over the spelling of the file. */
export function genesisHash(genesis: Genesis): Uint8Array {
  const writer = new Writer(64 * (genesis.accounts.length + genesis.validators.length) + 4096)
  writer.bytes(utf8(GENESIS_FORMAT)).bytes(utf8(genesis.network)).u48(genesis.createdMs).bytes(genesis.nonce)
  writer.u32(PARAMETER_NAMES.length)
  for (const name of PARAMETER_NAMES) writer.bytes(utf8(name)).bytes(utf8(String(genesis.parameters[name])))
  writer.u32(genesis.validators.length)
  for (const validator of genesis.validators) {
    writer
      .bytes(utf8(validator.name))
      .fixed(validator.publicKey, 32)
      .fixed(validator.operator, 32)
      .u64(validator.stake)
  }
  writer.u32(genesis.accounts.length)
  for (const account of genesis.accounts) writer.fixed(account.id, 32).u64(account.balance)
  return writer.use((written) => hash('genesis', written))
}

/** The 8 bytes that name the chain in transactions: the first of the genesis hash. */
export function chainIdOf(hashOfGenesis: Uint8Array): Uint8Array {
  return hashOfGenesis.subarray(0, 8)
}

/** A 16-byte nonce from 32 hex digits. */
export function nonceFromHex(hex: string): Uint8Array {
  return fromHex(hex, 16)
}
