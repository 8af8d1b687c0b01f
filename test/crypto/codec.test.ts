/** The codec is canonical: one encoding per value, and a decoder that accepts nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'

type Width = 'u8' | 'u16' | 'u32' | 'u48'

type Field =
  | { readonly type: Width; readonly value: number }
  | { readonly type: 'u64'; readonly value: bigint }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'fixed'; readonly value: Uint8Array }

const number = (type: 'u8' | 'u16' | 'u32' | 'u48', max: number): fc.Arbitrary<Field> =>
  fc.oneof(fc.constantFrom(0, 1, max), fc.integer({ min: 0, max })).map((value) => ({ type, value }))

const field: fc.Arbitrary<Field> = fc.oneof(
  number('u8', 0xff),
  number('u16', 0xffff),
  number('u32', 0xffff_ffff),
  fc
    .oneof(
      fc.constantFrom(0, 2 ** 48 - 1),
      fc.maxSafeNat().map((n) => n % 2 ** 48),
    )
    .map((value): Field => ({ type: 'u48', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): Field => ({ type: 'u64', value })),
  fc.uint8Array({ maxLength: 300 }).map((value): Field => ({ type: 'bytes', value })),
  fc.uint8Array({ maxLength: 40 }).map((value): Field => ({ type: 'fixed', value })),
)

function encode(fields: readonly Field[], capacity: number): Uint8Array {
  const writer = new Writer(capacity)
  for (const item of fields) {
    if (item.type === 'fixed') writer.fixed(item.value, item.value.length)
    else if (item.type === 'bytes') writer.bytes(item.value)
    else if (item.type === 'u64') writer.u64(item.value)
    else writer[item.type](item.value)
  }
  return writer.finish()
}

/** Reads the same kinds again; the lengths of `fixed` come from the shape. */
function decode(shape: readonly Field[], bytes: Uint8Array): Field[] {
  const reader = new Reader(bytes)
  const fields = shape.map((item): Field => {
    if (item.type === 'fixed')
      return { type: 'fixed', value: Uint8Array.from(reader.fixed(item.value.length)) }
    if (item.type === 'bytes') return { type: 'bytes', value: Uint8Array.from(reader.bytes(300)) }
    if (item.type === 'u64') return { type: 'u64', value: reader.u64() }
    return { type: item.type, value: reader[item.type]() }
  })
  reader.end()
  return fields
}

const fieldsAndCapacity = [fc.array(field, { maxLength: 20 }), fc.integer({ min: 0, max: 600 })] as const

test('decode(encode(x)) = x, whatever the first capacity', () => {
  fc.assert(
    fc.property(...fieldsAndCapacity, (fields, capacity) => {
      assert.deepEqual(decode(fields, encode(fields, capacity)), fields)
    }),
  )
})

test('every truncation and every trailing byte is refused', () => {
  fc.assert(
    fc.property(...fieldsAndCapacity, (fields, capacity) => {
      const encoded = encode(fields, capacity)
      for (let length = 0; length < encoded.length; length++) {
        assert.throws(() => decode(fields, encoded.subarray(0, length)), DecodeError)
      }
      assert.throws(() => decode(fields, Uint8Array.from([...encoded, 0])), DecodeError)
    }),
    { numRuns: 50 },
  )
})

test('encode(decode(b)) = b or an error, for any bytes', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 6 }), fc.uint8Array({ maxLength: 120 }), (shape, bytes) => {
      let decoded: Field[]
      try {
        decoded = decode(shape, bytes)
      } catch (error) {
        assert.ok(error instanceof DecodeError)
        return
      }
      assert.deepEqual(Uint8Array.from(encode(decoded, 16)), bytes)
    }),
  )
})

test('integers are big-endian and of exact width', () => {
  const bytes = new Writer()
    .u8(1)
    .u16(0x0203)
    .u32(0x04050607)
    .u64(0x08090a0b0c0d0e0fn)
    .u48(0x101112131415)
    .finish()
  assert.equal(Buffer.from(bytes).toString('hex'), '0102030405060708090a0b0c0d0e0f0000101112131415')
})

test('a writer refuses what its field cannot hold', () => {
  for (const [type, value] of [
    ['u8', 256],
    ['u8', -1],
    ['u8', 0.5],
    ['u16', 65_536],
    ['u32', 2 ** 32],
    ['u48', 2 ** 48],
    ['u48', -1],
    ['u48', Number.NaN],
  ] as const) {
    assert.throws(() => new Writer()[type](value), RangeError, `${type} ${value}`)
  }
  assert.throws(() => new Writer().u64(2n ** 64n), RangeError)
  assert.throws(() => new Writer().u64(-1n), RangeError)
  assert.throws(() => new Writer().fixed(new Uint8Array(3), 4), RangeError)
})

test('a reader refuses counts above their limit before it looks for the items', () => {
  const four = new Writer().u32(4).raw(new Uint8Array(4)).finish()
  assert.equal(new Reader(four).count(4, 'items'), 4)
  assert.throws(() => new Reader(four).count(3, 'items'), /at most 3 items, got 4/)
  assert.throws(() => new Reader(four).bytes(3), DecodeError)
  assert.throws(() => new Reader(new Writer().u32(0xffff_ffff).finish()).bytes(2 ** 32), DecodeError)
  assert.throws(() => new Reader(new Writer().u64(2n ** 48n).finish()).u48(), DecodeError)
})

test('a reader honours the offset of the view it is given', () => {
  const inside = Uint8Array.from([9, 9, 0, 0, 0, 7, 9]).subarray(2, 6)
  const reader = new Reader(inside)
  assert.equal(reader.u32(), 7)
  assert.equal(reader.remaining, 0)
  reader.end()
})

test('writers in use at the same time, and finished ones, do not touch each other', () => {
  fc.assert(
    fc.property(fc.array(fc.array(field, { maxLength: 20 }), { maxLength: 12 }), (outputs) => {
      const writers = outputs.map(() => new Writer())
      const longest = Math.max(0, ...outputs.map((fields) => fields.length))
      for (let at = 0; at < longest; at++) {
        for (const [index, fields] of outputs.entries()) {
          const item = fields[at]
          if (item !== undefined) writers[index]?.raw(encode([item], 0))
        }
      }
      const finished = writers.map((writer) => writer.finish())
      for (const [index, fields] of outputs.entries()) assert.deepEqual(finished[index], encode(fields, 16))
    }),
  )
})

test('a writer used again after finishing leaves what it returned and other writers alone', () => {
  const writer = new Writer().u32(1)
  const first = writer.finish()
  const other = new Writer().u32(7)
  writer.u32(2).u8(3)
  assert.deepEqual([first, other.finish()], [Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 7)])
})
