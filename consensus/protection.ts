/**
 * The interchange form of a signer's table (consensus.md §9 P9): what moves a validator to another machine, or brings
 * back a lost table. Canonical JSON: one line, fields in this order, numbers as decimal strings, bytes as lower-case hex.
 *
 *     { "format": "cordon-signer-protection/1", "chainId", "publicKey",
 *       "highWater": { "epoch", "notarize": { "view", "pid" }, "nullify", "finalize": { "view", "pid" } },
 *       "reservedBatchSeq", "conflict": null | { "kind", "view", "pid" },
 *       "rows": null | { "above", "votes": [ { "kind", "view", "pid", "signature" } ] } }
 *
 * `chainId` is the hash of genesis. A `pid` of null says none, or not known any more. Batch numbers below
 * `reservedBatchSeq` may have been used. `conflict` is a vote of the key that the exported table does not have (P11). With
 * `rows` every vote above the view `above` is there; without, only the marks are known, and minimal mode follows.
 */
import { CordonError } from '../config/errors.ts'
import { Fields, show, type Refuse } from '../config/fields.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, fromHex, toHex } from '../crypto/bytes.ts'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../crypto/ed25519.ts'
import { DIGEST_BYTES } from '../crypto/hash.ts'
import type { SignedVote } from './guard-table.ts'
import type { HighWater, VoteMark } from './high-water.ts'
import type { Verifier } from './replica-types.ts'
import type { SignerIdentity, VoteName } from './signer-state.ts'
import type { Digest, VoteKind } from './types.ts'
import { voteMessage } from './wire.ts'

export const PROTECTION_FORMAT = 'cordon-signer-protection/1'

export interface Protection {
  readonly genesisHash: Digest
  readonly publicKey: Uint8Array
  readonly epoch: number
  readonly highWater: HighWater
  readonly reservedBatchSeq: number
  readonly conflict: VoteName | null
  readonly rows: { readonly above: number; readonly votes: readonly SignedVote[] } | null
}

export function serialiseProtection(protection: Protection): string {
  const { genesisHash, publicKey, epoch, highWater, reservedBatchSeq, conflict, rows } = protection
  const content = {
    format: PROTECTION_FORMAT,
    chainId: toHex(genesisHash),
    publicKey: toHex(publicKey),
    highWater: {
      epoch: String(epoch),
      notarize: markContent(highWater.notarize),
      nullify: String(highWater.nullify),
      finalize: markContent(highWater.finalize),
    },
    reservedBatchSeq: String(reservedBatchSeq),
    conflict: conflict === null ? null : nameContent(conflict),
    rows:
      rows === null
        ? null
        : {
            above: String(rows.above),
            votes: rows.votes.map((vote) => ({ ...nameContent(vote), signature: toHex(vote.signature) })),
          },
  }
  return `${JSON.stringify(content)}\n`
}

function markContent({ view, pid }: VoteMark): object {
  return { view: String(view), pid: pid === null ? null : toHex(pid) }
}

function nameContent({ kind, view, pid }: VoteName): object {
  return { kind, view: String(view), pid: pid === null ? null : toHex(pid) }
}

/**
 * The protection in a text.
 * @param source Names the text in errors.
 * @throws CordonError `protection-invalid` naming the field, what was expected and what came, or for a text that is too
 * long or not in the one form that `serialiseProtection` writes; `format-version`.
 */
export function parseProtection(text: string, source: string): Protection {
  const refuse: Refuse = (path, expected, got) =>
    invalid(source, `${path === '' ? 'top level' : path}: expected ${expected}, got ${show(got)}`)
  if (text.length > LIMITS.protectionFileBytes)
    throw invalid(
      source,
      `it is ${text.length} characters long; a protection file has at most ${LIMITS.protectionFileBytes}`,
    )
  const fields = new Fields(parseJson(text, source), '', refuse)
  checkFormat(fields, source)
  const highWater = fields.table('highWater')
  const protection: Protection = {
    genesisHash: hexField(fields, 'chainId', DIGEST_BYTES),
    publicKey: hexField(fields, 'publicKey', PUBLIC_KEY_BYTES),
    epoch: numberField(highWater, 'epoch'),
    highWater: {
      notarize: readMark(highWater, 'notarize'),
      nullify: numberField(highWater, 'nullify'),
      finalize: readMark(highWater, 'finalize'),
    },
    reservedBatchSeq: numberField(fields, 'reservedBatchSeq'),
    conflict: isNull(fields, 'conflict') ? null : readName(fields.table('conflict'), true),
    rows: isNull(fields, 'rows') ? null : readRows(fields.table('rows'), refuse),
  }
  highWater.end()
  fields.end()
  checkRows(protection, source)
  // Also refuses what JSON lets pass: a field that stands there twice, of which only the last would count.
  if (serialiseProtection(protection) !== text)
    throw invalid(
      source,
      'it is not in the form in which cordon signer export writes; use the file as it was',
    )
  return protection
}

/**
 * Refuses what belongs to another key or chain, and rows that this key did not sign.
 * @throws CordonError `other-chain`, `protection-invalid`.
 */
export function checkProtection(
  { genesisHash, publicKey, epoch, rows }: Protection,
  own: SignerIdentity & { readonly genesisHash: Digest },
  verifier: Verifier,
  source: string,
): void {
  if (!equalBytes(genesisHash, own.genesisHash))
    throw new CordonError(
      'other-chain',
      `${source} is of chain ${toHex(genesisHash)}, this node of ${toHex(own.genesisHash)}; import the file of this chain`,
      { source },
    )
  if (!equalBytes(publicKey, own.publicKey))
    throw new CordonError(
      'other-chain',
      `${source} is of the validator key ${toHex(publicKey)}, this node has ${toHex(own.publicKey)}; import the file of this key`,
      { source },
    )
  if (epoch !== own.epoch)
    throw invalid(source, `highWater.epoch: expected ${own.epoch}, the epoch of this chain, got ${epoch}`)
  for (const { kind, view, pid, signature } of rows?.votes ?? []) {
    const message = voteMessage(own.context, kind, epoch, view, pid)
    if (!verifier.verify(signature, message, publicKey))
      throw invalid(source, `its ${kind} vote of view ${view} is not signed by its key; export it again`)
  }
}

function checkRows({ highWater, rows }: Protection, source: string): void {
  const seen = new Set<string>()
  let before = rows?.above ?? 0
  for (const { kind, view, pid } of rows?.votes ?? []) {
    const mark: VoteMark = kind === 'nullify' ? { view: highWater.nullify, pid: null } : highWater[kind]
    const isNewest = view === mark.view && kind !== 'nullify'
    if (view > mark.view || (isNewest && (mark.pid === null || pid === null || !equalBytes(mark.pid, pid))))
      throw invalid(source, `highWater.${kind} does not cover the ${kind} vote of view ${view}`)
    if (view <= (rows?.above ?? 0) || view < before || seen.has(`${kind}/${view}`))
      throw invalid(
        source,
        `rows: expected votes above view ${rows?.above ?? 0}, ascending, at most one of a kind in a view; got ${kind} of view ${view}`,
      )
    seen.add(`${kind}/${view}`)
    before = view
  }
}

function readRows(fields: Fields, refuse: Refuse): Protection['rows'] {
  const rows = {
    above: numberField(fields, 'above'),
    votes: fields
      .list('votes', 0, LIMITS.protectionVotes)
      .map((item, i) => readVote(new Fields(item, `rows.votes[${i}]`, refuse))),
  }
  fields.end()
  return rows
}

function readVote(fields: Fields): SignedVote {
  const name = readName(fields, false)
  const vote = { ...name, signature: hexField(fields, 'signature', SIGNATURE_BYTES) }
  fields.end()
  return vote
}

function readName(fields: Fields, alone: boolean): VoteName {
  const kind = fields.text<VoteKind>('kind', 'notarize, nullify or finalize', (text) =>
    text === 'notarize' || text === 'nullify' || text === 'finalize' ? text : null,
  )
  const view = numberField(fields, 'view')
  if (isNull(fields, 'pid') !== (kind === 'nullify'))
    throw fields.fail('pid', kind === 'nullify' ? 'null' : 'the id of a proposal')
  const name = { kind, view, pid: kind === 'nullify' ? null : hexField(fields, 'pid', DIGEST_BYTES) }
  if (alone) fields.end()
  return name
}

function readMark(parent: Fields, name: string): VoteMark {
  const fields = parent.table(name)
  const view = numberField(fields, 'view')
  const mark = { view, pid: isNull(fields, 'pid') ? null : hexField(fields, 'pid', DIGEST_BYTES) }
  fields.end()
  return mark
}

function isNull(fields: Fields, name: string): boolean {
  return fields.take(name) === null
}

function hexField(fields: Fields, name: string, bytes: number): Uint8Array {
  return fields.text(name, `${2 * bytes} lower-case hex digits`, (text) =>
    text.length === 2 * bytes && /^[0-9a-f]*$/.test(text) ? fromHex(text, bytes) : null,
  )
}

/** Below 2^48, as everywhere in the protocol. */
function numberField(fields: Fields, name: string): number {
  return fields.text(name, 'a whole number below 2^48 as a decimal text', (text) =>
    /^(?:0|[1-9]\d{0,14})$/.test(text) && Number(text) < 2 ** 48 ? Number(text) : null,
  )
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(source, `it is not JSON: ${(error as Error).message}`)
  }
}

function checkFormat(fields: Fields, source: string): void {
  const format = fields.take('format')
  if (format === PROTECTION_FORMAT) return
  if (typeof format === 'string' && format.startsWith('cordon-signer-protection/'))
    throw new CordonError(
      'format-version',
      `${source} has format ${show(format)}; this build knows ${PROTECTION_FORMAT}: use the Cordon that wrote it, or a newer one`,
      { source },
    )
  throw fields.fail('format', `"${PROTECTION_FORMAT}"`)
}

function invalid(source: string, problem: string): CordonError {
  return new CordonError('protection-invalid', `${source}: ${problem}`, { source })
}
