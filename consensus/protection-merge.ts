/** From a signer's state to the interchange form, and from there into another one, which only moves forward (P9). */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import type { Protection } from './protection.ts'
import type { SignerIdentity, SignerState, VoteName } from './signer-state.ts'
import type { Digest } from './types.ts'

/**
 * What is known of this key's votes. With rows, unless some are missing here as well or there are more than a file takes.
 * @throws CordonError `signer-lost` if the table was lost: what is left would pass for all there was.
 */
export function protectionOf(
  state: SignerState,
  {
    epoch,
    publicKey,
    genesisHash,
  }: Pick<SignerIdentity, 'epoch' | 'publicKey'> & { readonly genesisHash: Digest },
): Protection {
  const { table, reserved, conflict, lost } = state
  if (lost)
    throw new CordonError(
      'signer-lost',
      'this signer lost its table and waits: it does not know what its key signed, so there is nothing to export; start the node and export when it votes again',
    )
  const votes = table.votes()
  return {
    genesisHash,
    publicKey,
    epoch,
    highWater: table.highWater(),
    reservedBatchSeq: reserved,
    conflict,
    rows:
      table.mark === null && votes.length <= LIMITS.protectionVotes ? { above: table.floor, votes } : null,
  }
}

/**
 * Takes what the file knows into the state, the higher of both everywhere. Nothing is signed after it that was refused
 * before, but for a state that signed nothing at all: a lost table counts as found, and one that stopped for a vote it did
 * not have (P11) goes on if the file is of the instance that cast it.
 * @throws CordonError `double-sign` if both together contradict themselves; the state is then worthless, and not to be used.
 */
export function mergeProtection(state: SignerState, protection: Protection): void {
  const { highWater, reservedBatchSeq, rows } = protection
  checkAgreement(state, protection)
  const conflict = openConflict(state, protection)
  const { table } = state
  if (rows === null) {
    if (!table.raiseMark(highWater)) throw contradiction('their newest votes differ in one view')
  } else {
    table.raiseFloor(rows.above)
    for (const vote of rows.votes) table.record(vote)
  }
  state.reserved = Math.max(state.reserved, reservedBatchSeq)
  state.lost = false
  state.conflict = conflict
}

function checkAgreement({ table }: SignerState, { highWater, rows }: Protection): void {
  const marks: VoteName[] = (['notarize', 'finalize'] as const).flatMap((kind) => {
    const { view, pid } = highWater[kind]
    return pid === null ? [] : [{ kind, view, pid }]
  })
  for (const vote of [...marks, ...(rows?.votes ?? [])])
    if (table.contradicts(vote)) throw contradiction(`the ${vote.kind} vote of view ${vote.view}`)
  const { mark } = table
  if (mark === null) return
  for (const { kind, view, pid } of rows?.votes ?? []) {
    if (kind === 'nullify' || pid === null || view !== mark[kind].view) continue
    const known = mark[kind].pid
    if (known !== null && !equalBytes(known, pid)) throw contradiction(`the ${kind} vote of view ${view}`)
  }
}

/** The vote nobody accounts for after the import, or null. */
function openConflict(state: SignerState, protection: Protection): VoteName | null {
  if (state.conflict !== null && !accountsFor(protection, state.conflict)) return state.conflict
  return protection.conflict !== null && !knows(state, protection.conflict) ? protection.conflict : null
}

/** Whether the file is of the instance that cast the vote. One that misses it itself is not. */
function accountsFor({ conflict, highWater, rows }: Protection, vote: VoteName): boolean {
  if (conflict !== null && isSame(conflict, vote)) return false
  if (rows === null)
    return vote.view <= (vote.kind === 'nullify' ? highWater.nullify : highWater[vote.kind].view)
  return vote.view <= rows.above || rows.votes.some((row) => isSame(row, vote))
}

function knows({ table, conflict, lost }: SignerState, vote: VoteName): boolean {
  if (lost || (conflict !== null && isSame(conflict, vote))) return false
  return table.has(vote) || vote.view <= table.knownAbove
}

function isSame(left: VoteName, right: VoteName): boolean {
  return (
    left.kind === right.kind &&
    left.view === right.view &&
    (left.pid === null ? '' : toHex(left.pid)) === (right.pid === null ? '' : toHex(right.pid))
  )
}

function contradiction(where: string): CordonError {
  return new CordonError(
    'double-sign',
    `the file and the signer's table contradict each other (${where}): two processes have signed with this key. Nothing was imported; do not start this validator again with this key, and see: cordon evidence list`,
  )
}
