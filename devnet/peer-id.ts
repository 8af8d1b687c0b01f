/** The libp2p peer id of an Ed25519 key, without loading libp2p. */
import { base58 } from '@scure/base'
import { concatBytes } from '../crypto/bytes.ts'

/** Identity multihash of 36 bytes; in it the protobuf of a public key: type 1 (Ed25519), 32 bytes of data. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** `12D3KooW…` (libp2p peer id specification, keys inlined up to 42 bytes). */
export function peerIdOf(publicKey: Uint8Array): string {
  if (publicKey.length !== 32)
    throw new RangeError(`expected a public key of 32 bytes, got ${publicKey.length}`)
  return base58.encode(concatBytes(PREFIX, publicKey))
}
