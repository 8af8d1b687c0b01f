/** Names on the wire. All of them carry the chain, so that nodes of different chains have nothing to say to each other. */
import { toHex } from '../crypto/bytes.ts'
import type { Topic } from './types.ts'

/** Version of the messages inside the protocols. A peer with another one is refused in the hello. */
export const PROTOCOL_VERSION = 1

export const TOPICS: readonly Topic[] = ['tx', 'batch', 'block']

export interface ProtocolNames {
  /** First 8 bytes of the genesis hash, hex. */
  readonly chain: string
  readonly hello: string
  readonly direct: string
  readonly request: string
  readonly topics: Readonly<Record<Topic, string>>
}

/** The names for the chain with this genesis hash. */
export function protocolNames(genesisHash: Uint8Array): ProtocolNames {
  const chain = toHex(genesisHash.subarray(0, 8))
  const name = (what: string): string => `/cordon/${chain}/${what}/${PROTOCOL_VERSION}`
  return {
    chain,
    hello: name('hello'),
    direct: name('direct'),
    request: name('request'),
    topics: { tx: name('tx'), batch: name('batch'), block: name('block') },
  }
}
