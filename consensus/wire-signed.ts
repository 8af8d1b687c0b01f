/**
 * The byte strings that a validator signs: one type tag and one 32-byte hash that covers the context of chain, epoch
 * and set. The tag lets the signer see what it is asked to sign, so that nothing but a vote can pass for a vote.
 */
import { concatBytes } from '../crypto/bytes.ts'
import { Writer } from '../crypto/codec.ts'
import { DIGEST_BYTES, hash } from '../crypto/hash.ts'
import type { Digest, VoteKind } from './types.ts'

/** Never reuse a number. */
export const SIGNED_TAGS = { notarize: 1, nullify: 2, finalize: 3, batch: 4, ack: 5 } as const

export type SignedKind = keyof typeof SIGNED_TAGS

/** Length of every signed message of the protocol. The hello of p2p must have another length. */
export const SIGNED_MESSAGE_BYTES: number = 1 + DIGEST_BYTES

export function signedMessage(kind: SignedKind, digest: Digest): Uint8Array {
  return concatBytes(Uint8Array.of(SIGNED_TAGS[kind]), digest)
}

/** What a vote signs. `pid` is null exactly for nullify. */
export function voteMessage(
  context: Digest,
  kind: VoteKind,
  epoch: number,
  view: number,
  pid: Digest | null,
): Uint8Array {
  if ((pid === null) !== (kind === 'nullify'))
    throw new RangeError(`a ${kind} vote ${pid === null ? 'needs a' : 'has no'} proposal id`)
  const writer = new Writer(64).u8(SIGNED_TAGS[kind]).u48(epoch).u48(view)
  if (pid !== null) writer.fixed(pid, DIGEST_BYTES)
  return signedMessage(
    kind,
    writer.use((fields) => hash('vote', context, fields)),
  )
}
