/** A file with a checksum comes back whole or not at all. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { DecodeError } from '../../crypto/codec.ts'
import { readCheckedFile, writeCheckedFile } from '../../node/checked-file.ts'

const MAX_BYTES = 100

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-checked-'))
  path = join(directory, 'file')
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

test('comes back as it was written last, and leaves nothing else behind', async () => {
  assert.equal(readCheckedFile(path, MAX_BYTES), null)
  for (const parts of [[Uint8Array.of(1, 2), Uint8Array.of(3)], [new Uint8Array(MAX_BYTES)], []]) {
    await writeCheckedFile(path, parts)
    assert.deepEqual([...readCheckedFile(path, MAX_BYTES)!], [...Buffer.concat(parts)])
    assert.deepEqual(readdirSync(directory), ['file'])
  }
})

test('cut off, longer, too long, or with any bit flipped: refused', async () => {
  await writeCheckedFile(path, [Uint8Array.of(1, 2, 3)])
  const good = readFileSync(path)
  const refused = (bytes: Uint8Array): void => {
    writeFileSync(path, bytes)
    assert.throws(() => readCheckedFile(path, MAX_BYTES), DecodeError)
  }
  for (let length = 0; length < good.length; length++) refused(good.subarray(0, length))
  refused(Buffer.concat([good, Uint8Array.of(0)]))
  for (let bit = 0; bit < 8 * good.length; bit++) {
    const flipped = Buffer.from(good)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    refused(flipped)
  }
  await writeCheckedFile(path, [new Uint8Array(MAX_BYTES + 1)])
  assert.throws(() => readCheckedFile(path, MAX_BYTES), DecodeError)
})
