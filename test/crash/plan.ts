/** Which validators die where, and at which passing: drawn from a seed. */
import { Random } from '../../devnet/random.ts'
import type { FailPoint } from '../../node/fail-points.ts'

export interface Death {
  readonly name: string
  /** At this passing of the point, counted from the start of the process. */
  readonly passing: number
}

export interface Round {
  readonly point: FailPoint
  /** One validator, or all of them. */
  readonly deaths: readonly Death[]
  /**
   * Started again without a fail point, and waited for. Else the next life of the validator is armed, too: a start, and
   * what it repairs, may be cut off like anything else.
   */
  readonly thenRest: boolean
}

/** One round in so many arms all validators. */
const ALL_ONE_IN = 8
/** Lives of a validator in a row, on average. */
const SERIES = 4
const LATEST_PASSING = 12
/** A validator leads one view of four. */
const LATEST_PROPOSAL = 4
/** Passed once in the life of a process. */
const AT_START: readonly FailPoint[] = ['batch-numbers-reserved', 'journal-rewriting', 'journal-rewritten']

/** Every point in each pass once, in an order of its own, so that a run that is cut off has done all equally often. */
export function* planRounds(
  seed: string,
  names: readonly string[],
  points: readonly FailPoint[],
  passes: number,
): Generator<Round, void> {
  const random = new Random(`crash/${seed}`)
  let victim = random.pick(names)
  for (let pass = 0; pass < passes; pass++) {
    for (const point of random.sample(points, points.length)) {
      const isAll = random.below(ALL_ONE_IN) === 0
      const thenRest = isAll || random.below(SERIES) === 0
      const deaths = (isAll ? names : [victim]).map((name) => ({ name, passing: drawPassing(random, point) }))
      yield { point, deaths, thenRest }
      if (thenRest) victim = random.pick(names)
    }
  }
}

function drawPassing(random: Random, point: FailPoint): number {
  if (AT_START.includes(point)) return 1
  return 1 + random.below(point === 'proposal-sent' ? LATEST_PROPOSAL : LATEST_PASSING)
}

/** Whether the point is only passed by a start that finds a torn record at the end of the signer's journal. */
export function needsTornJournal(point: FailPoint): boolean {
  return point === 'journal-rewriting' || point === 'journal-rewritten'
}
