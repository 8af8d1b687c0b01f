/**
 * Fail points: moments at which a node under test kills itself, each right beside a write that must last or a message
 * that must not leave before it (consensus.md §9). `CORDON_FAIL_AT=NAME[:NTH]` arms one of them in one process;
 * `test/crash` does so in real nodes, hundreds of times. Without the variable nothing of this runs.
 *
 * SIGKILL leaves what the process has handed to the kernel, synced or not; what a power cut takes away beyond that is
 * played in `test/sim`.
 */
import { writeSync } from 'node:fs'
import { CordonError } from '../config/errors.ts'

/** Every fail point with the moment it stands for, in the order of a payment's way. Names are for good. */
export const FAIL_POINTS = {
  'tx-logging': 'A transaction is being written to the pending log.',
  'tx-logged': 'It is on disk there; nobody has been told.',
  'answer-sent': 'The answer, such as `accepted`, is with the kernel on its way to the client.',
  'batch-numbers-reserved': 'A start has reserved batch numbers in the signer folder and used none.',
  'batch-sent': 'An own batch has left for the other validators.',
  'batch-storing': 'A batch, own or not, and the ack given for it are being written.',
  'batch-stored': 'They are on disk; the ack has not left.',
  'ack-sent': "An ack for another validator's batch has left.",
  'block-storing':
    'A block is being written: before the notarize vote for it, and before its leader sends it.',
  'block-stored': 'It is on disk; neither vote nor proposal has left.',
  'proposal-sent': 'A proposal has left.',
  'certificate-storing': 'A certificate is being written: before the votes that it leads to.',
  'certificate-stored': 'It is on disk; those votes have not left.',
  'journal-appending': "Votes, or a reservation, are being appended to the signer's journal.",
  'journal-appended': 'They are appended and not synced.',
  'journal-synced': 'They are synced and have not left.',
  'journal-rewriting': 'A journal that is too long, or had a torn end, lies written anew beside the old one.',
  'journal-rewritten': 'The new one has taken its place; the folder is not synced.',
  'vote-sent': 'A vote has left.',
  'final-storing': 'The finalization of a height is being written.',
  'final-stored': 'It is on disk; the block is not delivered.',
  'block-delivered': 'The final block has been handed to execution.',
  'ledger-writing': 'What a block changed is being written, in one batch.',
  'ledger-written': 'It is written; nobody in the process knows yet.',
  'batches-marked': 'The batches of an executed block are marked as ordered.',
  'pending-released': 'Executed transactions are off the pending log.',
} as const

export type FailPoint = keyof typeof FAIL_POINTS

export const FAIL_POINT_NAMES: readonly FailPoint[] = Object.keys(FAIL_POINTS) as FailPoint[]

/** Told of every passing of a fail point; does not return from the one at which the process is to die. */
export type Reached = (point: FailPoint) => void

/** What a node runs with unless it is told otherwise. */
export const NOTHING_FAILS: Reached = () => undefined

/** What dying means: replaced in tests. */
export type Die = (point: FailPoint, passing: number) => void

/**
 * Reads `CORDON_FAIL_AT`.
 * @throws CordonError `config-invalid` for a name that is not in the table, or a passing that is no number from 1.
 */
export function failPointOf(setting: string | undefined, die: Die = killThisProcess): Reached {
  if (setting === undefined) return NOTHING_FAILS
  const [, name = '', nth = '1'] = /^([^:]*)(?::(.*))?$/.exec(setting) ?? []
  const armed = FAIL_POINT_NAMES.find((point) => point === name)
  if (armed === undefined || !/^[1-9]\d{0,8}$/.test(nth)) {
    throw new CordonError(
      'config-invalid',
      `environment variable CORDON_FAIL_AT: expected NAME or NAME:NTH with one of ${FAIL_POINT_NAMES.join(', ')}, got ${JSON.stringify(setting)}; it is for tests, unset it in production`,
      { variable: 'CORDON_FAIL_AT' },
    )
  }
  const last = Number(nth)
  let passings = 0
  return (point) => {
    if (point === armed && ++passings === last) die(point, last)
  }
}

/** Says where, then ends like a process that somebody killed: nothing is flushed, closed or released. */
function killThisProcess(point: FailPoint, passing: number): void {
  writeSync(2, `cordon: fail point ${point}, passing ${passing}\n`)
  process.kill(process.pid, 'SIGKILL')
  // The signal ends all threads at once; should it take a moment, nothing more happens in this one.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
