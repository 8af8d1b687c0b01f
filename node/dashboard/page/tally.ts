/** Votes on a hold, counted as the ledger counts them: more than half of all stake for one side ends it. */
import type { HoldInfo, ValidatorInfo } from '../../../client/api.ts'

export type VoteSide = HoldInfo['reviews'][number]['side']

/** Validators that did the same, and their share of all stake. */
export interface Group {
  readonly names: readonly string[]
  /** Hundredths of a per cent. */
  readonly shareBps: number
}

export interface Tally {
  readonly release: Group
  readonly return: Group
  /** Without a vote. */
  readonly none: Group
}

type Voter = Pick<ValidatorInfo, 'name' | 'stake'>
type Reviews = HoldInfo['reviews']

const HALF_BPS = 5_000
const ALL_BPS = 10_000n

export function tallyOf(reviews: Reviews, validators: readonly Voter[]): Tally {
  const sideOf = (name: string): VoteSide | 'none' =>
    reviews.find(({ validator }) => validator === name)?.side ?? 'none'
  const group = (side: VoteSide | 'none'): Group => {
    const members = validators.filter(({ name }) => sideOf(name) === side)
    return {
      names: members.map(({ name }) => name),
      shareBps: Number((stakeOf(members) * ALL_BPS) / (stakeOf(validators) || 1n)),
    }
  }
  return { release: group('release'), return: group('return'), none: group('none') }
}

/** Stake that a group lacks until it has one half; it needs a little more than that. */
export function lackingBps({ shareBps }: Group): number {
  return Math.max(0, HALF_BPS - shareBps)
}

/** Whether the side has more than half of all stake once `voters` are for it, too. */
export function decides(
  side: VoteSide,
  reviews: Reviews,
  validators: readonly Voter[],
  voters: readonly string[],
): boolean {
  const before = new Set(reviews.map(({ validator }) => validator))
  const fresh = voters.filter((name) => !before.has(name)).map((validator) => ({ validator, side }))
  const { names } = tallyOf([...reviews, ...fresh], validators)[side]
  return 2n * stakeOf(validators.filter(({ name }) => names.includes(name))) > stakeOf(validators)
}

function stakeOf(validators: readonly Voter[]): bigint {
  return validators.reduce((sum, { stake }) => sum + BigInt(stake), 0n)
}
