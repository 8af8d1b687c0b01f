import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from '../../crypto/crc32c.ts'
import { decodeRecords, encodeRecord, type JournalRecord } from '../../consensus/journal.ts'
import { exitCodeOf } from '../../config/errors.ts'
import { journalContract } from './journal-contract.ts'
import { MemoryJournal } from './memory-journal.ts'

journalContract(
  'memory journal',
  async () => new MemoryJournal(),
  async (storage) => new MemoryJournal(await storage.readAll()),
)

const record = fc.record(
  { type: fc.nat(255), epoch: fc.nat(1000), body: fc.uint8Array({ maxLength: 80 }) },
  { noNullPrototype: true },
)
const records = fc.array(record, { minLength: 1, maxLength: 6 })

function comparable(list: readonly JournalRecord[]): unknown[] {
  return list.map(({ type, epoch, body }) => [type, epoch, [...body]])
}

test('CRC-32C: the check value and the vectors of RFC 3720', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe306_9283)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43)
})

test('records come back as written', () => {
  fc.assert(
    fc.property(records, (list) => {
      const bytes = Buffer.concat(list.map(encodeRecord))
      assert.deepEqual(comparable(decodeRecords(bytes).records), comparable(list))
    }),
  )
})

test('a torn last record is dropped, wherever it is torn', () => {
  fc.assert(
    fc.property(records, fc.nat(), (list, cut) => {
      const whole = list.slice(0, -1).map(encodeRecord)
      const last = encodeRecord(list.at(-1) as JournalRecord)
      const torn = last.subarray(0, cut % last.length)
      const { records: read, goodBytes } = decodeRecords(Buffer.concat([...whole, torn]))
      assert.deepEqual(comparable(read), comparable(list.slice(0, -1)))
      assert.equal(goodBytes, Buffer.concat(whole).length)
    }),
  )
})

test('a file that grew before its data was written ends in zeros: dropped too', () => {
  const good = encodeRecord({ type: 1, epoch: 1, body: Uint8Array.of(7) })
  assert.equal(decodeRecords(Buffer.concat([good, new Uint8Array(500)])).records.length, 1)
})

test('any changed byte before the last record stops the signer with exit 82 and what to do', () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 2, maxLength: 5 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (list, position, flip) => {
        const bytes = Buffer.concat(list.map(encodeRecord))
        const lastStart = bytes.length - encodeRecord(list.at(-1) as JournalRecord).length
        const at = position % lastStart
        bytes[at] = (bytes[at] as number) ^ flip
        assert.throws(
          () => decodeRecords(bytes),
          (error: unknown) => exitCodeOf(error) === 82 && /restore the signer folder/.test(String(error)),
        )
      },
    ),
  )
})

test('one flipped bit is never taken for a torn end, the last record included', () => {
  fc.assert(
    fc.property(records, fc.nat(), (list, position) => {
      const bytes = Buffer.concat(list.map(encodeRecord))
      const bit = position % (8 * bytes.length)
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.throws(
        () => decodeRecords(bytes),
        (error: unknown) => exitCodeOf(error) === 82 && /restore the signer folder/.test(String(error)),
      )
    }),
  )
})

test('nor is one in what was synced, if a crash tore a record behind it', () => {
  fc.assert(
    fc.property(records, record, fc.nat(), fc.nat(), (list, next, position, cut) => {
      const synced = Buffer.concat(list.map(encodeRecord))
      const torn = encodeRecord(next).subarray(0, cut % encodeRecord(next).length)
      const bit = position % (8 * synced.length)
      synced[bit >> 3] = (synced[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.throws(
        () => decodeRecords(Buffer.concat([synced, torn])),
        (error: unknown) => exitCodeOf(error) === 82,
      )
    }),
    { numRuns: 1_000 },
  )
})

test('a last record whose end was never written, all of its length there, is torn', () => {
  const good = encodeRecord({ type: 1, epoch: 1, body: Uint8Array.of(7) })
  const last = encodeRecord({ type: 1, epoch: 1, body: new Uint8Array(2_000).fill(9) })
  const bytes = Buffer.concat([good, last])
  bytes.fill(0, 1_024)
  assert.equal(decodeRecords(bytes).records.length, 1)
})
