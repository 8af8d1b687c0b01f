/** Which faults hit a devnet when: drawn from a seed, in rounds that end with everything healed. */
import { Random } from '../../devnet/random.ts'

/** Every fault ends by itself `forMs` after it began; a restart when the process is back. */
export type Fault =
  | { readonly kind: 'kill' | 'pause' | 'restart'; readonly names: readonly string[]; readonly forMs: number }
  | {
      readonly kind: 'partition'
      readonly names: readonly string[]
      readonly oneWay: boolean
      readonly forMs: number
    }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly jitterMs: number; readonly forMs: number }
  | { readonly kind: 'loss'; readonly lossPercent: number; readonly forMs: number }

export interface PlannedFault {
  /** From the start of the round. */
  readonly atMs: number
  readonly fault: Fault
}

export type Round = readonly PlannedFault[]

const FAULTS_PER_ROUND = { least: 8, most: 14 }
/** The last ones of a round are over soon, so that the next round follows without a pause; a start of a process is not. */
const SHORT_FAULTS = 4
/** Between the beginnings of two faults. */
const GAP_MS = { least: 500, most: 3_500 }
const LONGEST_FAULT_MS = 4_000
const LONGEST_SHORT_FAULT_MS = 1_500
/** One fault of processes in so many hits all nodes at once. */
const ALL_NODES_ONE_IN = 12

type Kind = Fault['kind']
const SHORT_KINDS: readonly Kind[] = ['pause', 'partition', 'delay', 'loss']
const FILLER_KINDS: readonly Kind[] = ['delay', 'loss']
const KINDS: readonly Kind[] = ['kill', 'kill', 'kill', 'restart', 'partition', ...SHORT_KINDS]

/** Rounds without end, the same for the same seed and names. */
export function* planRounds(seed: string, names: readonly string[]): Generator<Round, never> {
  const random = new Random(`chaos/${seed}`)
  for (;;) {
    const count = FAULTS_PER_ROUND.least + random.below(FAULTS_PER_ROUND.most - FAULTS_PER_ROUND.least + 1)
    const round: PlannedFault[] = []
    let atMs = 0
    for (let left = count; left > 0; left--) {
      const isShort = left <= SHORT_FAULTS
      const forMs = random.between(300, isShort ? LONGEST_SHORT_FAULT_MS : LONGEST_FAULT_MS)
      const kind = random.pick(isShort ? SHORT_KINDS : KINDS)
      round.push({ atMs: Math.round(atMs), fault: drawFault(random, kind, names, Math.round(forMs)) })
      atMs += random.between(GAP_MS.least, GAP_MS.most)
    }
    yield round
  }
}

/** Short faults of the network without end, for times in which a round only waits for processes to start. */
export function* planFillers(seed: string, names: readonly string[]): Generator<Fault, never> {
  const random = new Random(`chaos fillers/${seed}`)
  for (;;) {
    const forMs = Math.round(random.between(300, LONGEST_SHORT_FAULT_MS))
    yield drawFault(random, random.pick(FILLER_KINDS), names, forMs)
  }
}

function drawFault(random: Random, kind: Kind, names: readonly string[], forMs: number): Fault {
  switch (kind) {
    case 'kill':
    case 'pause':
    case 'restart': {
      const all = random.below(ALL_NODES_ONE_IN) === 0
      return { kind, names: all ? names : random.sample(names, 1), forMs }
    }
    case 'partition':
      return {
        kind,
        names: random.sample(names, 1 + random.below(names.length - 1)),
        oneWay: random.below(3) === 0,
        forMs,
      }
    case 'delay': {
      const delayMs = Math.round(random.between(10, 250))
      return { kind, delayMs, jitterMs: Math.round(random.between(0, delayMs)), forMs }
    }
    case 'loss':
      return { kind, lossPercent: Math.round(random.between(1, 15)), forMs }
  }
}

/** "kill v2 for 1200 ms". */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
    case 'restart':
      return `${fault.kind} ${fault.names.join(' ')} for ${fault.forMs} ms`
    case 'partition':
      return `${fault.oneWay ? 'one-way ' : ''}partition ${fault.names.join(' ')} for ${fault.forMs} ms`
    case 'delay':
      return `delay ${fault.delayMs} ± ${fault.jitterMs} ms for ${fault.forMs} ms`
    case 'loss':
      return `loss ${fault.lossPercent} % for ${fault.forMs} ms`
  }
}
