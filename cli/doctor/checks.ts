/** What `cordon doctor check` looks at, and what it makes of it. Pure: `examine.ts` gathers the facts. */
import { formatAmount } from '../../config/amount.ts'
import { VERSION } from '../../config/version.ts'
import { milliseconds, percent } from '../format.ts'
import type { NodeFacts } from './node-facts.ts'

/** `warn`: works, and somebody should look. `bad`: does not work, or will not at the next start. */
type CheckState = 'ok' | 'warn' | 'bad' | 'unknown'

export interface Check {
  readonly what: string
  readonly state: CheckState
  readonly detail: string
  /** What to do; null if there is nothing to do. */
  readonly hint: string | null
}

const LEAST_DISK_BYTES = 1e9
const LITTLE_DISK_BYTES = 10e9
/** 99 of 100 turns of the event loop are shorter, in seconds. */
const SLOW_LOOP_S = 0.25
const EVENT_LOOP_METRIC = 'cordon_nodejs_eventloop_lag_p99_seconds'

/** The node and this command may be of different builds. */
export function checkVersion({ status }: NodeFacts): Check {
  const same = status.version === VERSION
  return {
    what: 'version',
    state: same ? 'ok' : 'warn',
    detail: same
      ? `node and command are version ${VERSION}`
      : `the node runs version ${status.version}, this command is of ${VERSION}`,
    hint: same ? null : 'restart the node after an upgrade: sudo systemctl restart cordon',
  }
}

export function checkDisk(freeBytes: number, folder: string): Check {
  const state = freeBytes < LEAST_DISK_BYTES ? 'bad' : freeBytes < LITTLE_DISK_BYTES ? 'warn' : 'ok'
  return {
    what: 'disk',
    state,
    detail: `${(freeBytes / 1e9).toFixed(1)} GB free for ${folder}`,
    hint: state === 'ok' ? null : 'make room: a node that cannot write stops, and the chain only grows',
  }
}

/** Everything that `/readyz` finds, one check each; its clock has one of its own. */
export function checkReadiness({ obstacles, status, progress }: NodeFacts): Check[] {
  const others = obstacles?.filter(({ what }) => what !== 'clock')
  if (others !== undefined && others.length > 0)
    return others.map(({ what, detail, hint }) => ({ what, state: 'bad', detail, hint }))
  const final = `height ${status.height}, ${milliseconds(progress.sinceFinalMs)} ago`
  if (progress.stalled)
    return [{ what: 'finality', state: 'bad', detail: final, hint: 'see why: cordon doctor stall' }]
  if (others !== undefined) return [{ what: 'finality', state: 'ok', detail: final, hint: null }]
  return [
    { what: 'finality', state: 'ok', detail: final, hint: null },
    { what: 'readiness', state: 'unknown', detail: 'nobody answers at /readyz', hint: null },
  ]
}

export function checkPeers({ status, progress }: NodeFacts): Check {
  const { connectedBps, quorumBps, missing } = progress
  const away = missing.filter(({ connected }) => !connected).map(({ name }) => name)
  const tight = connectedBps < 10_000 && away.length > 0
  return {
    what: 'peers',
    state: connectedBps < quorumBps ? 'bad' : tight ? 'warn' : 'ok',
    detail: `${status.peers} connected; validators with ${percent(connectedBps)} of the stake, ${percent(quorumBps)} needed${tight ? `; not connected: ${away.join(', ')}` : ''}`,
    hint:
      connectedBps < quorumBps
        ? 'see who is missing: cordon doctor stall'
        : tight
          ? 'ask their operators, or look at the network to them'
          : null,
  }
}

export function checkClock({ status: { clockSkewMs }, obstacles }: NodeFacts): Check {
  if (clockSkewMs === null)
    return {
      what: 'clock',
      state: 'unknown',
      detail: 'not compared with those of validators yet',
      hint: null,
    }
  const wrong = obstacles?.find(({ what }) => what === 'clock')
  const way = clockSkewMs >= 0 ? 'ahead of' : 'behind'
  return {
    what: 'clock',
    state: wrong === undefined ? 'ok' : 'bad',
    detail: `${milliseconds(Math.abs(clockSkewMs))} ${way} those of the validators, the way of their messages included`,
    hint: wrong?.hint ?? null,
  }
}

export function checkEventLoop({ metrics }: NodeFacts): Check {
  const seconds = metrics.get(EVENT_LOOP_METRIC)
  if (seconds === undefined)
    return { what: 'event loop', state: 'unknown', detail: 'the node does not say', hint: null }
  const slow = seconds > SLOW_LOOP_S
  return {
    what: 'event loop',
    state: slow ? 'warn' : 'ok',
    detail: `99 % of its turns begin within ${milliseconds(seconds * 1000)}`,
    hint: slow ? 'the machine is too busy or too slow: votes come late' : null,
  }
}

export function checkModel({ status: { model } }: NodeFacts): Check {
  return {
    what: 'fraud model',
    state: model.healthy ? 'ok' : 'bad',
    detail: model.healthy
      ? `${model.id.slice(0, 16)} on ${model.backend}`
      : (model.problem ?? 'not well, without a reason'),
    hint: model.healthy ? null : 'the node votes without flags; see its log',
  }
}

/** @param genesisUnits all value of the genesis file. */
export function checkConservation({ status: { totalSupply } }: NodeFacts, genesisUnits: bigint): Check {
  const same = BigInt(totalSupply) === genesisUnits
  return {
    what: 'conservation',
    state: same ? 'ok' : 'bad',
    detail: same
      ? `all value adds up to ${formatAmount(genesisUnits)}, as in genesis`
      : `all value adds up to ${formatAmount(BigInt(totalSupply))}, genesis has ${formatAmount(genesisUnits)}`,
    hint: same ? null : 'stop the node and report this: cordon doctor repair says what is damaged',
  }
}
