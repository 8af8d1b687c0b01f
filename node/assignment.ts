/**
 * Who puts a gossiped transaction into a batch first: rendezvous hashing by stake (dissemination.md, Assignment). Every
 * validator ranks all validators for an id alike; the first acts at once, the others only if nothing comes of it.
 * A policy, not a rule: two nodes that disagree only make a harmless duplicate.
 */
import { hash } from '../crypto/hash.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'

const TWO_POW_48 = 2 ** 48

/** Rank of validator `self` for a transaction id: 0 is first. */
export function assignmentRank(set: ValidatorSet, self: ValidatorIndex, txId: Uint8Array): number {
  const scores = set.validators.map((validator) => score(txId, validator.publicKey, Number(validator.weight)))
  const own = scores[self] as number
  return scores.filter((other, index) => other > own || (other === own && index < self)).length
}

/** The weighted rendezvous score −w / ln(u) with u uniform in (0, 1). */
function score(txId: Uint8Array, publicKey: Uint8Array, weight: number): number {
  const digest = hash('assignment', txId, publicKey)
  const uniform = (Buffer.from(digest).readUIntBE(0, 6) + 0.5) / TWO_POW_48
  return -weight / Math.log(uniform)
}
