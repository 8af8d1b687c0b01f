/** What differs between networks before genesis is read. */
import type { NetworkName } from './parameters.ts'

/** Prefix of bech32m addresses: a devnet address cannot be paid on mainnet. */
export const ADDRESS_PREFIX: Readonly<Record<NetworkName, string>> = {
  mainnet: 'cdn',
  testnet: 'tcdn',
  devnet: 'dcdn',
}

/** The native asset. */
export const ASSET = { name: 'CRD', unit: 'uCRD', decimals: 6 } as const
