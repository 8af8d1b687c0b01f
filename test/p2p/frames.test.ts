import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeFrames, FrameError, FrameReader } from '../../p2p/frames.ts'

function readAll(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame)
  return frames
}

describe('frames', () => {
  test('arrive as they were sent, however the stream cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 200 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 500 })),
        (frames, cuts) => {
          const bytes = encodeFrames(frames)
          const reader = new FrameReader(300)
          const got: Uint8Array[] = []
          let offset = 0
          for (const cut of cuts) {
            if (offset >= bytes.length) break
            reader.push(bytes.subarray(offset, offset + cut))
            got.push(...readAll(reader))
            offset += cut
          }
          assert.deepEqual(
            got.map((frame) => Buffer.from(frame)),
            frames.map((frame) => Buffer.from(frame)),
          )
          assert.equal(reader.pendingBytes, 0)
        },
      ),
    )
  })

  test('are copies: what the stream does with its buffer later changes nothing', () => {
    const bytes = encodeFrames([Uint8Array.of(1, 2, 3)])
    const reader = new FrameReader(10)
    reader.push(bytes)
    const frame = reader.next()
    bytes.fill(0xff)
    assert.deepEqual(frame, Uint8Array.of(1, 2, 3))
  })

  test('are refused by their length alone, before a byte of them is there', () => {
    const reader = new FrameReader(100)
    reader.push(Uint8Array.of(0, 0, 0, 101))
    assert.throws(() => reader.next(), new FrameError('expected a frame of 1 to 100 bytes, got 101'))
  })

  test('must not be empty', () => {
    const reader = new FrameReader(100)
    reader.push(Uint8Array.of(0, 0, 0, 0, 1))
    assert.throws(() => reader.next(), FrameError)
  })

  test('a length of four billion holds no memory', () => {
    const reader = new FrameReader(2 ** 32)
    reader.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 7))
    assert.equal(reader.next(), null)
    assert.equal(reader.pendingBytes, 5)
  })
})
