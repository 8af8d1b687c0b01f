/**
 * The review log as text: one canonical JSON object a line, chained by hashes and signed by the node's peer key.
 *
 *     {"actor":…,"body":{…},"prev":…,"seq":…,"signature":…,"timeMs":…}
 *
 * Canonical: keys sorted, no blanks, so that an event has one spelling. `prev` is the hash of the whole line before, its
 * signature included, or zeros; the signature is over the hash of the line without it. So the last signature vouches for
 * every line before it.
 */
import { CordonError } from '../../config/errors.ts'
import { toHex, utf8, fromHex } from '../../crypto/bytes.ts'
import { verify } from '../../crypto/ed25519.ts'
import { DIGEST_BYTES, hash } from '../../crypto/hash.ts'
import { parseReviewEvent, type ReviewEvent } from './events.ts'
import { REVIEW_LIMITS } from './limits.ts'

/** What the first line follows. */
export const NO_LINE: Uint8Array = new Uint8Array(DIGEST_BYTES)

export type Sign = (digest: Uint8Array) => Uint8Array

/**
 * The line of an event, without its end, and its hash.
 * @throws CordonError `review-invalid`, RangeError for an event that could not be read again.
 */
export function encodeLine(
  event: ReviewEvent,
  prev: Uint8Array,
  sign: Sign,
): { readonly line: string; readonly digest: Uint8Array } {
  parseReviewEvent(event)
  const signature = sign(signedDigest(event, prev))
  const line = canonical({ ...event, prev: toHex(prev), signature: toHex(signature) })
  if (line.length > REVIEW_LIMITS.lineCharacters)
    throw new RangeError(
      `expected an event of at most ${REVIEW_LIMITS.lineCharacters} characters, got ${line.length}`,
    )
  return { line, digest: digestOf(line) }
}

export interface CheckedLog {
  readonly events: readonly ReviewEvent[]
  /** Hash of the last line, or `NO_LINE`. */
  readonly lastDigest: Uint8Array
  /** Who signed it, hex; null: the log is empty. */
  readonly publicKey: string | null
  /** What was written whole; a crash may leave half a line behind it. */
  readonly goodCharacters: number
}

/**
 * Checks a log and reads its events. A last line without its end is left out: it was not synced, so nobody was told.
 * @param signatures `last`: enough for a node that reads its own log, since the chain carries the rest; `all`: an audit.
 * @throws CordonError `review-invalid` naming the line and what is wrong with it.
 */
export function parseReviewLog(text: string, signatures: 'last' | 'all'): CheckedLog {
  const goodCharacters = text.lastIndexOf('\n') + 1
  const lines = text.slice(0, goodCharacters).split('\n').slice(0, -1)
  const events: ReviewEvent[] = []
  let prev = NO_LINE
  let publicKey: string | null = null
  for (const [index, line] of lines.entries()) {
    const fail = (problem: string): CordonError =>
      new CordonError('review-invalid', `line ${index + 1} of the review log ${problem}`, { line: index + 1 })
    const { event, prevHex, signature } = parseLine(line, fail)
    if (event.seq !== index)
      throw fail(`has number ${event.seq}, expected ${index}: lines are missing or moved`)
    if (prevHex !== toHex(prev))
      throw fail('does not follow from the line before it: one of them was changed')
    publicKey ??= event.body.type === 'log.started' ? event.body.publicKey : null
    if (publicKey === null) throw fail('is not the start of a log')
    if (signatures === 'all' || index === lines.length - 1) {
      if (!verify(fromHex(signature), signedDigest(event, prev), fromHex(publicKey)))
        throw fail('has a wrong signature')
    }
    events.push(event)
    prev = digestOf(line)
  }
  return { events, lastDigest: prev, publicKey, goodCharacters }
}

interface ParsedLine {
  readonly event: ReviewEvent
  readonly prevHex: string
  readonly signature: string
}

function parseLine(line: string, fail: (problem: string) => CordonError): ParsedLine {
  if (line.length > REVIEW_LIMITS.lineCharacters) throw fail('is too long')
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw fail('is not JSON')
  }
  if (typeof value !== 'object' || value === null || canonical(value) !== line)
    throw fail('is not canonical JSON')
  const { prev, signature, ...rest } = value as Record<string, unknown>
  if (typeof prev !== 'string' || !/^[0-9a-f]{64}$/.test(prev)) throw fail('has no hash of the line before')
  if (typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) throw fail('has no signature')
  try {
    return { event: parseReviewEvent(rest), prevHex: prev, signature }
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    throw fail(`has no event that this build knows: ${error.message}`)
  }
}

function signedDigest(event: ReviewEvent, prev: Uint8Array): Uint8Array {
  return hash('review-event', utf8(canonical({ ...event, prev: toHex(prev) })))
}

function digestOf(line: string): Uint8Array {
  return hash('review-line', utf8(line))
}

/** JSON with sorted keys and without blanks. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
