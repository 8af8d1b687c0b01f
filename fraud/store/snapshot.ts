/**
 * The feature store as bytes. Accounts go from least to most recently active, so that a smaller table keeps the newest.
 *
 *     magic 4 · version u16 · numbers per record u16 · whole numbers per record u16 · accounts u32 · baseline
 *     · per account { id 32 · numbers f64… · whole numbers u32… } · CRC-32
 *
 * Numbers are little-endian, as they lie in memory on every machine Node runs on.
 */
import { crc32 } from 'node:zlib'
import { AccountTable, Field, NUMBERS, WORDS } from './account-table.ts'
import { Baseline } from '../model/baseline.ts'
import type { Head } from '../head/head.ts'
import { FRAUD_LIMITS } from '../limits.ts'
import { CordonError } from '../../config/errors.ts'
import { fromHex, toHex, utf8, equalBytes } from '../../crypto/bytes.ts'
import { Reader, Writer } from '../../crypto/codec.ts'

const MAGIC = utf8('CFS1')
/** Change it when the meaning of a field changes. */
const VERSION = 2
const ID_BYTES = 32
const CRC_BYTES = 4
const RECORD_BYTES = ID_BYTES + 8 * NUMBERS + 4 * WORDS

export function writeSnapshot(accounts: AccountTable, baseline: Baseline): Uint8Array {
  const head = new Writer().raw(MAGIC).u16(VERSION).u16(NUMBERS).u16(WORDS).u32(accounts.size)
  baseline.write(head)
  const headBytes = head.finish()
  const bytes = new Uint8Array(headBytes.length + accounts.size * RECORD_BYTES + CRC_BYTES)
  bytes.set(headBytes)
  const { numbers, words } = accounts
  let at = headBytes.length
  for (const [account, slot] of accounts.oldestFirst()) {
    bytes.set(fromHex(account, ID_BYTES), at)
    bytes.set(new Uint8Array(numbers.buffer, 8 * slot * NUMBERS, 8 * NUMBERS), at + ID_BYTES)
    bytes.set(new Uint8Array(words.buffer, 4 * slot * WORDS, 4 * WORDS), at + ID_BYTES + 8 * NUMBERS)
    at += RECORD_BYTES
  }
  new DataView(bytes.buffer).setUint32(at, crc32(bytes.subarray(0, at)))
  return bytes
}

/** @throws CordonError `format-version` or `data-inconsistent`. */
export function readSnapshot(
  given: Uint8Array,
  maxAccounts: number,
  head: Head | null,
): { accounts: AccountTable; baseline: Baseline } {
  // A Buffer, as files are read into, does not copy when it is sliced; the numbers below need aligned copies.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
  checkFrame(bytes)
  try {
    const reader = new Reader(bytes.subarray(0, bytes.length - CRC_BYTES))
    reader.fixed(MAGIC.length + 3 * 2)
    const count = reader.u32()
    const baseline = Baseline.read(reader, head)
    if (reader.remaining !== count * RECORD_BYTES) {
      throw new RangeError(
        `expected ${count} records of ${RECORD_BYTES} bytes, got ${reader.remaining} bytes`,
      )
    }
    const accounts = new AccountTable(maxAccounts)
    for (let i = 0; i < count; i++) readRecord(reader, accounts)
    return { accounts, baseline }
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error))
  }
}

function readRecord(reader: Reader, accounts: AccountTable): void {
  const account = toHex(reader.fixed(ID_BYTES))
  const numbers = new Float64Array(reader.fixed(8 * NUMBERS).slice().buffer)
  const words = new Uint32Array(reader.fixed(4 * WORDS).slice().buffer)
  if (!numbers.every(Number.isFinite)) throw new RangeError(`account ${account} has a number that is none`)
  const slot = accounts.touch(account, numbers[Field.firstMs] as number)
  accounts.numbers.set(numbers, slot * NUMBERS)
  accounts.words.set(words, slot * WORDS)
}

function checkFrame(bytes: Uint8Array): void {
  const shortest = MAGIC.length + 3 * 2 + 4 + CRC_BYTES
  if (bytes.length < shortest || bytes.length > FRAUD_LIMITS.snapshotBytes) {
    throw damaged(`expected ${shortest} to ${FRAUD_LIMITS.snapshotBytes} bytes, got ${bytes.length}`)
  }
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC))
    throw damaged('it does not start with the mark of a snapshot')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length - CRC_BYTES
  if (view.getUint32(end) !== crc32(bytes.subarray(0, end)))
    throw damaged('its checksum does not fit its bytes')
  const version = view.getUint16(MAGIC.length)
  const shape = [view.getUint16(MAGIC.length + 2), view.getUint16(MAGIC.length + 4)]
  if (version !== VERSION || shape[0] !== NUMBERS || shape[1] !== WORDS) {
    throw new CordonError(
      'format-version',
      `the fraud snapshot has version ${version} (${shape.join(' and ')} numbers per account), this build knows version ` +
        `${VERSION} (${NUMBERS} and ${WORDS}); delete it, and the node rebuilds it from the ledger`,
      { version },
    )
  }
}

function damaged(why: string): CordonError {
  return new CordonError(
    'data-inconsistent',
    `the fraud snapshot is damaged: ${why}; delete it, and the node rebuilds it from the ledger`,
    { why },
  )
}
