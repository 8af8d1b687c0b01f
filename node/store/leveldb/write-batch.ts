/** A record of a write-ahead log of LevelDB (`db/write_batch.cc` of LevelDB): the puts and deletes of one write. */
import { varintAt } from './snappy.ts'

/** Sequence number and count come first. */
const HEAD_BYTES = 12
const TAG = { delete: 0, put: 1 } as const

export interface Put {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** The puts of a write, up to the first that cannot be read. */
export function* putsOf(record: Uint8Array): Generator<Put> {
  let at = HEAD_BYTES
  while (at < record.length) {
    const tag = record[at]
    const key = bytesAt(record, at + 1)
    if (key === null) return
    at = key.end
    if (tag === TAG.delete) continue
    const value = tag === TAG.put ? bytesAt(record, at) : null
    if (value === null) return
    yield { key: key.bytes, value: value.bytes }
    at = value.end
  }
}

function bytesAt(
  record: Uint8Array,
  at: number,
): { readonly bytes: Uint8Array; readonly end: number } | null {
  const length = varintAt(record, at)
  if (length === null) return null
  const end = length.end + length.value
  return end > record.length ? null : { bytes: record.subarray(length.end, end), end }
}
