/**
 * A split drain: all payments of an emptied account leave in the same moment, each to another validator, so that they lie
 * in four batches of one finality window and no validator has the others' when it acks its own.
 *
 * Knows how batches are made. Costs nothing more than a drain.
 */
import type { Move } from '../attacks/move.ts'
import type { RoutedMove } from '../trial/raid.ts'
import { playTrial } from '../trial/trial.ts'
import { valueHeld, type Adversary } from './adversary.ts'

const VALIDATORS = 4
/** Four validators cost four times as much; the rules that see drains need no long history. */
const TOWN = { days: 19, fromDay: 14, untilDay: 18 } as const
const DRAINS = 6

const ROUTES: Readonly<Record<string, (move: Move, place: number) => RoutedMove>> = {
  'one after the other, through one validator': (move) => ({ ...move, via: 0 }),
  'at once, through one validator': (move) => ({ ...move, atMs: 0, via: 0 }),
  'at once, split over four': (move, place) => ({ ...move, atMs: 0, via: place % VALIDATORS }),
}

export const splitDrain: Adversary = ({ seed, persons, model, head }) => {
  const played = Object.entries(ROUTES).map(([name, route]) => {
    const tally = playTrial({
      ...{ seed, persons, model, head, patterns: ['drain'], attacksEach: DRAINS, validators: VALIDATORS },
      ...TOWN,
      raid: { route: (moves) => moves.map(route) },
    })
    return valueHeld(tally, `value held, ${name}`)
  })
  return Object.assign({}, ...played) as ReturnType<Adversary>
}
