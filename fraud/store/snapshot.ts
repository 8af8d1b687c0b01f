/**
 * The feature store as bytes. Accounts go from least to most recently active, so that a smaller table keeps the newest.
 *
 *     magic 4 · version u16 · numbers per record u16 · fields of a payee u8 · fields of a payer u8 · accounts u32 · baseline
 *     · per account { id 32 · numbers f64… · payees u8 · payers u8 · of the payees each field u32… · the same of the payers }
 *     · CRC-32
 *
 * Numbers are little-endian, as they lie in memory on every machine Node runs on.
 */
import { crc32 } from 'node:zlib'
import { AccountTable, Field, NUMBERS } from './account-table.ts'
import { PartnerField, PartnerList, PAYEE_FIELDS, PAYER_FIELDS, wholeTag, type Partners } from './partners.ts'
import { Baseline } from '../model/baseline.ts'
import type { Head } from '../head/head.ts'
import { FRAUD_LIMITS } from '../limits.ts'
import { CordonError } from '../../config/errors.ts'
import { fromHex, toHex, utf8, equalBytes } from '../../crypto/bytes.ts'
import { Reader, Writer } from '../../crypto/codec.ts'

const MAGIC = utf8('CFS1')
/** Change it when the meaning of a field changes. */
const VERSION = 3
const ID_BYTES = 32
const CRC_BYTES = 4
/** Where magic, version and shape end. */
const SHAPE_END = MAGIC.length + 2 + 2 + 1 + 1
const KINDS = ['payees', 'payers'] as const
const NUMBERS_BYTES = 8 * NUMBERS
/** Of an account without partners. */
const RECORD_BYTES = ID_BYTES + NUMBERS_BYTES + 2

/** Fields of a partner that are kept: where its record was found last is not. */
const KEPT_FIELDS = {
  payees: keptOf(PAYEE_FIELDS),
  payers: keptOf(PAYER_FIELDS),
} as const

function keptOf(fields: number): readonly number[] {
  return Object.values(PartnerField).filter((field) => field < fields && field !== PartnerField.slot)
}

/** Shows one account's partners after another's. */
const list = new PartnerList()

export function writeSnapshot(accounts: AccountTable, baseline: Baseline): Uint8Array {
  const head = new Writer().raw(MAGIC).u16(VERSION).u16(NUMBERS)
  head.u8(KEPT_FIELDS.payees.length).u8(KEPT_FIELDS.payers.length).u32(accounts.size)
  baseline.write(head)
  const headBytes = head.finish()
  const bytes = new Uint8Array(headBytes.length + bytesOf(accounts) + CRC_BYTES)
  bytes.set(headBytes)
  const { numbers } = accounts
  let at = headBytes.length
  for (const [account, slot] of accounts.oldestFirst()) {
    bytes.set(fromHex(account, ID_BYTES), at)
    bytes.set(new Uint8Array(numbers.buffer, slot * NUMBERS_BYTES, NUMBERS_BYTES), at + ID_BYTES)
    const counts = at + ID_BYTES + NUMBERS_BYTES
    at += RECORD_BYTES
    for (const [i, kind] of KINDS.entries()) {
      accounts[kind].look(slot, list)
      bytes[counts + i] = list.length
      at = writePartners(bytes, at, KEPT_FIELDS[kind])
    }
  }
  new DataView(bytes.buffer).setUint32(at, crc32(bytes.subarray(0, at)))
  return bytes
}

function bytesOf(accounts: AccountTable): number {
  let bytes = accounts.size * RECORD_BYTES
  for (const [, slot] of accounts.oldestFirst()) {
    for (const kind of KINDS) {
      accounts[kind].look(slot, list)
      bytes += 4 * KEPT_FIELDS[kind].length * list.length
    }
  }
  return bytes
}

/** @returns where the next bytes go. */
function writePartners(bytes: Uint8Array, at: number, fields: readonly number[]): number {
  const { words, base, room, length } = list
  for (const field of fields) {
    bytes.set(new Uint8Array(words.buffer, 4 * (base + field * room), 4 * length), at)
    at += 4 * length
  }
  return at
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
    reader.fixed(SHAPE_END)
    const count = reader.count(Math.floor(reader.remaining / RECORD_BYTES), 'accounts')
    const baseline = Baseline.read(reader, head)
    const accounts = new AccountTable(maxAccounts)
    for (let i = 0; i < count; i++) readRecord(reader, accounts)
    reader.end()
    return { accounts, baseline }
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error))
  }
}

function readRecord(reader: Reader, accounts: AccountTable): void {
  const account = toHex(reader.fixed(ID_BYTES))
  const numbers = new Float64Array(reader.fixed(NUMBERS_BYTES).slice().buffer)
  if (!numbers.every(Number.isFinite)) throw new RangeError(`account ${account} has a number that is none`)
  const counts = [reader.u8(), reader.u8()]
  const slot = accounts.touch(account, numbers[Field.firstMs] as number)
  accounts.numbers.set(numbers, slot * NUMBERS)
  for (const [i, kind] of KINDS.entries())
    readPartners(reader, accounts[kind], { slot, count: counts[i] as number, fields: KEPT_FIELDS[kind] })
}

function readPartners(
  reader: Reader,
  partners: Partners,
  {
    slot,
    count,
    fields,
  }: { readonly slot: number; readonly count: number; readonly fields: readonly number[] },
): void {
  if (count > partners.most) throw new RangeError(`expected at most ${partners.most} partners, got ${count}`)
  const columns = fields.map((field) => ({
    field,
    values: new Uint32Array(reader.fixed(4 * count).slice().buffer),
  }))
  const [lows, highs] = columns
  for (let i = 0; i < count; i++) {
    const tag = wholeTag(lows?.values[i] ?? 0, highs?.values[i] ?? 0)
    if (tag === 0) throw new RangeError('a partner has no tag')
    partners.add(slot, list, tag)
    for (const { field, values } of columns) list.set(field, i, values[i] as number)
  }
}

function checkFrame(bytes: Uint8Array): void {
  const shortest = SHAPE_END + 4 + CRC_BYTES
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
  const shape = [
    view.getUint16(MAGIC.length + 2),
    view.getUint8(MAGIC.length + 4),
    view.getUint8(MAGIC.length + 5),
  ].join(', ')
  const known = [NUMBERS, KEPT_FIELDS.payees.length, KEPT_FIELDS.payers.length].join(', ')
  if (version !== VERSION || shape !== known) {
    throw new CordonError(
      'format-version',
      `the fraud snapshot has version ${version} (${shape} numbers per account and partner), this build knows version ` +
        `${VERSION} (${known}); delete it, and the node rebuilds it from the ledger`,
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
