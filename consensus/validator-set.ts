/**
 * The validator set of an epoch: weights, thresholds, the context that every signature covers, and the leader schedule
 * (consensus.md §1, §2, §6). All arithmetic on weights is bigint.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { toHex } from '../crypto/bytes.ts'
import { Writer } from '../crypto/codec.ts'
import { PUBLIC_KEY_BYTES } from '../crypto/ed25519.ts'
import { hash } from '../crypto/hash.ts'
import type { Validator, ValidatorIndex, ValidatorSet } from './types.ts'

/**
 * Derives everything from the weights.
 * @throws CordonError `genesis-invalid` for no or too many validators, a key that is not 32 bytes or is used twice, a
 * weight of zero, or a total above `LIMITS.totalWeight`.
 */
export function makeValidatorSet(
  chain: { readonly genesisHash: Uint8Array },
  epoch: number,
  validators: readonly Validator[],
): ValidatorSet {
  checkValidators(validators)
  const totalWeight = validators.reduce((sum, validator) => sum + validator.weight, 0n)
  if (totalWeight > LIMITS.totalWeight) {
    throw invalid(
      `the validators weigh ${totalWeight} together; at most ${LIMITS.totalWeight} is allowed: choose smaller stakes`,
    )
  }
  const maxFaultyWeight = (totalWeight - 1n) / 3n
  const setHash = hashOf(validators)
  const context = hash('ledger/simplex/v1', chain.genesisHash, new Writer(8).u48(epoch).finish(), setHash)
  return {
    epoch,
    validators,
    totalWeight,
    maxFaultyWeight,
    quorumWeight: totalWeight - maxFaultyWeight,
    hash: setHash,
    context,
  }
}

function checkValidators(validators: readonly Validator[]): void {
  if (validators.length === 0 || validators.length > LIMITS.validators) {
    throw invalid(`expected 1 to ${LIMITS.validators} validators, got ${validators.length}`)
  }
  const keys = new Set<string>()
  for (const [index, { name, publicKey, weight }] of validators.entries()) {
    if (publicKey.length !== PUBLIC_KEY_BYTES) {
      throw invalid(
        `validator ${index} (${name}): expected a public key of ${PUBLIC_KEY_BYTES} bytes, got ${publicKey.length}`,
      )
    }
    if (weight < 1n)
      throw invalid(`validator ${index} (${name}): expected a weight of at least 1, got ${weight}`)
    const key = toHex(publicKey)
    if (keys.has(key))
      throw invalid(
        `validator ${index} (${name}): its public key ${key} is already in the set; each needs its own`,
      )
    keys.add(key)
  }
}

function invalid(message: string): CordonError {
  return new CordonError('genesis-invalid', message)
}

/** Commits to keys, weights and order. Names are for people and stay out. */
function hashOf(validators: readonly Validator[]): Uint8Array {
  const writer = new Writer(4 + 40 * validators.length).u32(validators.length)
  for (const { publicKey, weight } of validators) writer.fixed(publicKey, PUBLIC_KEY_BYTES).u64(weight)
  return writer.use((written) => hash('valset', written))
}

/** Weight of one validator; 0 for an index outside the set. */
export function weightOfIndex(set: ValidatorSet, index: ValidatorIndex): bigint {
  return set.validators[index]?.weight ?? 0n
}

/** Weight of the different validators in `indexes`: each counts once, however often it appears. */
export function weightOf(set: ValidatorSet, indexes: Iterable<ValidatorIndex>): bigint {
  let weight = 0n
  for (const index of new Set(indexes)) weight += weightOfIndex(set, index)
  return weight
}

/**
 * Leader of a view: `schedule[(view − 1) mod length]`, a function of the epoch's set and the view only. It must not
 * depend on which certificate led into the view (consensus.md §6, pitfall 8).
 */
export function leader(set: ValidatorSet, view: number): ValidatorIndex {
  const schedule = leaderSchedule(set)
  return schedule[(view - 1) % schedule.length] as ValidatorIndex
}

const schedules = new WeakMap<ValidatorSet, readonly ValidatorIndex[]>()

/**
 * One period of smooth weighted round robin: turns are spread as evenly as the weights allow.
 *
 * Weights go up to 2^61, a period may not. If the weights, divided by their greatest common divisor, sum to at most
 * `LIMITS.leaderScheduleSlots`, the period is that sum and every share is exact. Otherwise validator i gets
 * max(1, floor(slots · w_i / W)) turns: less than one turn per period from its exact share, and everybody leads.
 */
export function leaderSchedule(set: ValidatorSet): readonly ValidatorIndex[] {
  let schedule = schedules.get(set)
  if (schedule === undefined) {
    schedule = smoothRoundRobin(turnsOf(set))
    schedules.set(set, schedule)
  }
  return schedule
}

function turnsOf(set: ValidatorSet): number[] {
  const weights = set.validators.map(({ weight }) => weight)
  const divisor = weights.reduce(greatestCommonDivisor)
  const slots = BigInt(LIMITS.leaderScheduleSlots)
  if (set.totalWeight / divisor <= slots) return weights.map((weight) => Number(weight / divisor))
  return weights.map((weight) => Math.max(1, Number((slots * weight) / set.totalWeight)))
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}

/** Each step everybody gains its turns; the richest (lowest index on a tie) leads and pays the total. */
function smoothRoundRobin(turns: readonly number[]): ValidatorIndex[] {
  const total = turns.reduce((sum, count) => sum + count, 0)
  const credit = turns.map(() => 0)
  const schedule: ValidatorIndex[] = []
  for (let step = 0; step < total; step++) {
    let richest = 0
    for (const [index, count] of turns.entries()) {
      credit[index] = (credit[index] as number) + count
      if (credit[index] > (credit[richest] as number)) richest = index
    }
    credit[richest] = (credit[richest] as number) - total
    schedule.push(richest)
  }
  return schedule
}
