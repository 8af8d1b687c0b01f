/**
 * Files that only save time: replaced as a whole, with a checksum at the end. They are not synced, since one that a power
 * cut tears lacks its checksum, and whoever reads it does without.
 */
import { readFileSync, statSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'

const SUM_BYTES = 4

/** @throws what the file system does. */
export async function writeCheckedFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const sum = parts.reduce((before, part) => crc32(part, before), 0)
  await writeFile(`${path}.new`, [...parts, new Writer().u32(sum).finish()], { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/**
 * What was written, without the checksum; null: there is no file.
 * @throws DecodeError for a file that is longer than `maxBytes`, or does not have its checksum; what the file system does.
 */
export function readCheckedFile(path: string, maxBytes: number): Uint8Array | null {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return null
  if (size < SUM_BYTES || size > maxBytes + SUM_BYTES)
    throw new DecodeError(`expected ${SUM_BYTES} to ${maxBytes + SUM_BYTES} bytes, got ${size}`)
  const bytes = readFileSync(path)
  const body = bytes.subarray(0, -SUM_BYTES)
  if (new Reader(bytes.subarray(-SUM_BYTES)).u32() !== crc32(body))
    throw new DecodeError('it does not have its checksum')
  return body
}
