/**
 * The journal behind the signer (consensus.md §9 P1, P7): records of {length, type, epoch, body, CRC-32C}, one for each
 * flush, so that a crash tears at most the last. Where the bytes lie is the business of a `JournalStorage`.
 *
 *   ┌────────┬──────┬───────┬──────────────┬────────┐
 *   │ u32    │ u8   │ u64   │ length bytes │ u32    │
 *   │ length │ type │ epoch │ body         │ CRC32C │   the sum covers everything before it
 *   └────────┴──────┴───────┴──────────────┴────────┘
 */
import { CordonError } from '../config/errors.ts'
import { crc32c } from '../crypto/crc32c.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'

/** A file, or something that behaves like one. `test/consensus/journal-contract.ts` is its contract. */
export interface JournalStorage {
  /** Everything appended, or put by the last `replace`, so far. */
  readAll(): Promise<Uint8Array>
  /** Adds bytes at the end. They need not survive a crash before `sync`, in whole or in part. */
  append(bytes: Uint8Array): Promise<void>
  /** Makes everything appended survive a crash. */
  sync(): Promise<void>
  /** Puts `bytes` in place of all content; durable when it resolves, and after a crash it is all old or all new. */
  replace(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

export interface JournalRecord {
  /** Says what the body is; a number once used keeps its meaning. */
  readonly type: number
  readonly epoch: number
  readonly body: Uint8Array
}

const HEAD_BYTES = 4 + 1 + 8
const SUM_BYTES = 4
/** A disk writes at least this much as one. */
const SECTOR_BYTES = 512
/** Longest body: what one flush, or one piece of a compacted table, may hold. */
export const JOURNAL_BODY_BYTES: number = 64 * 1024

export function encodeRecord({ type, epoch, body }: JournalRecord): Uint8Array {
  if (body.length > JOURNAL_BODY_BYTES)
    throw new RangeError(
      `expected a journal record of at most ${JOURNAL_BODY_BYTES} bytes, got ${body.length}`,
    )
  const writer = new Writer(HEAD_BYTES + body.length + SUM_BYTES)
    .u32(body.length)
    .u8(type)
    .u48(epoch)
    .raw(body)
  return writer.u32(crc32c(writer.written)).finish()
}

/**
 * All records, of every epoch. A torn last record is dropped: it was never synced, so nothing of it has left the process.
 * @throws CordonError `data-inconsistent` for any other bad record.
 */
export function decodeRecords(bytes: Uint8Array): {
  readonly records: JournalRecord[]
  readonly goodBytes: number
} {
  const records: JournalRecord[] = []
  let offset = 0
  while (offset < bytes.length) {
    const read = recordAt(bytes, offset)
    if (read === null) {
      if (!isTorn(bytes, offset)) throw corrupt(offset, bytes.length)
      break
    }
    records.push(read.record)
    offset = read.end
  }
  return { records, goodBytes: offset }
}

function recordAt(
  bytes: Uint8Array,
  offset: number,
): { readonly record: JournalRecord; readonly end: number } | null {
  const left = bytes.length - offset
  if (left < HEAD_BYTES + SUM_BYTES) return null
  const reader = new Reader(bytes.subarray(offset))
  const length = reader.u32()
  if (length > JOURNAL_BODY_BYTES || length > left - HEAD_BYTES - SUM_BYTES) return null
  const sumAt = HEAD_BYTES + length
  if (crc32c(bytes.subarray(offset, offset + sumAt)) !== new Reader(bytes.subarray(offset + sumAt)).u32())
    return null
  const type = reader.u8()
  const epoch = epochOf(reader, offset, bytes.length)
  return { record: { type, epoch, body: reader.fixed(length) }, end: offset + sumAt + SUM_BYTES }
}

/** Of a record whose sum is right: it was written whole, so an epoch that cannot be is damage and no torn end. */
function epochOf(reader: Reader, offset: number, fileBytes: number): number {
  try {
    return reader.u48()
  } catch (error) {
    if (error instanceof DecodeError) throw corrupt(offset, fileBytes)
    throw error
  }
}

/**
 * Torn: nothing whole comes after its first byte, and a crash leaves a record like this, cut short or with zeros where data
 * had still to come. A last record that has all its bytes and not its sum was synced, so its votes may have left: that one
 * is damaged, as is one that is whole but for the length it names.
 */
function isTorn(bytes: Uint8Array, offset: number): boolean {
  const left = bytes.length - offset
  if (left > HEAD_BYTES + JOURNAL_BODY_BYTES + SUM_BYTES) return false
  for (let later = offset + 1; later < bytes.length; later++) {
    // An all-zero stretch (a file that grew before its data was written) is no record: the sum of zeros is not zero.
    if (recordAt(bytes, later) !== null) return false
  }
  if (left < HEAD_BYTES + SUM_BYTES) return true
  const isCut = new Reader(bytes.subarray(offset)).u32() > left - HEAD_BYTES - SUM_BYTES
  return isCut ? !isWholeButForLength(bytes, offset) : endsInZeros(bytes, offset)
}

/**
 * Whether the record at `offset` has its sum if its length is taken to reach to the end, or to differ in one bit: then a
 * torn record may come behind it.
 */
function isWholeButForLength(bytes: Uint8Array, offset: number): boolean {
  const rest = Uint8Array.from(bytes.subarray(offset))
  const named = new Reader(rest).u32()
  const lengths = [rest.length - HEAD_BYTES - SUM_BYTES]
  for (let bit = 0; bit < 32; bit++) lengths.push((named ^ (1 << bit)) >>> 0)
  return lengths.some((length) => {
    rest.set(new Writer(4).u32(length).finish())
    return recordAt(rest, 0) !== null
  })
}

/** Whether the last sector of the file, as far as it lies behind `offset`, is zeros. */
function endsInZeros(bytes: Uint8Array, offset: number): boolean {
  const lastSector = bytes.length - 1 - ((bytes.length - 1) % SECTOR_BYTES)
  return bytes.subarray(Math.max(offset, lastSector)).every((byte) => byte === 0)
}

function corrupt(offset: number, length: number): CordonError {
  return new CordonError(
    'data-inconsistent',
    `the signer's journal is damaged at byte ${offset} of ${length}. Voting without it could contradict earlier votes ` +
      `and forfeit the stake. Stop here: restore the signer folder from the disk it was moved from if that is newer, or run this node without ` +
      `its validator key until the validator has a new one. If neither can be: move the journal away, which makes it a lost one (docs/signer.md)`,
    { offset, length },
  )
}
