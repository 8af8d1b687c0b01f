/** hold.review: a validator's operator votes by stake; more than half of all stake for one side ends the hold. */
import { DecodeError } from '../../crypto/codec.ts'
import type { Bytes32, Hold } from '../types.ts'
import type { ActionContext, ActionDefinition } from './definition.ts'
import { openHold } from './open-hold.ts'

export type ReviewSide = 'release' | 'return'

export interface HoldReview {
  readonly type: 'hold.review'
  /** Hold id. */
  readonly hold: Bytes32
  readonly side: ReviewSide
}

const SIDES: readonly ReviewSide[] = ['release', 'return']

export const holdReview: ActionDefinition<HoldReview> = {
  tag: 3,
  type: 'hold.review',
  encode(writer, body) {
    writer.fixed(body.hold, 32).u8(SIDES.indexOf(body.side))
  },
  decode(reader) {
    const hold = reader.fixed(32)
    const code = reader.u8()
    const side = SIDES[code]
    if (side === undefined) throw new DecodeError(`expected 0 (release) or 1 (return), got ${code}`)
    return { type: 'hold.review', hold, side }
  },
  check() {
    // Any 32 bytes may be the id of a hold.
  },
  spends: () => 0n,
  touches: (body) => ({ accounts: [], holds: [body.hold] }),

  execute(context, body) {
    const operated = context.validatorsOf(context.sender)
    if (operated.length === 0) return 'not-an-operator'
    const hold = openHold(context, body.hold)
    if (typeof hold === 'string') return hold
    const fresh = operated.filter(
      (validator) => !hold.reviews.some((review) => review.validator === validator),
    )
    if (fresh.length === 0) return 'already-voted'
    const reviews = [...hold.reviews, ...fresh.map((validator) => ({ validator, side: body.side }))]
    reviews.sort((a, b) => a.validator - b.validator)
    const reviewed = context.setReviews(hold, reviews)
    if (2n * weightFor(context, reviewed, body.side) > context.totalStake) {
      context.endHold(reviewed, body.side === 'release' ? 'released' : 'returned')
    }
    return null
  },
}

function weightFor(context: ActionContext, hold: Hold, side: ReviewSide): bigint {
  let weight = 0n
  for (const review of hold.reviews) if (review.side === side) weight += context.stakeOf(review.validator)
  return weight
}
