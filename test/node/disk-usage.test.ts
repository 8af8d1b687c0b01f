import assert from 'node:assert/strict'
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesBelow, freeBytes } from '../../node/disk-usage.ts'
import { storeBytes } from '../../node/storage.ts'

test('files of all levels count, and what is not there counts nothing', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'cordon-disk-'))
  t.after(() => rmSync(data, { recursive: true }))
  mkdirSync(join(data, 'chain', 'inner'), { recursive: true })
  writeFileSync(join(data, 'chain', 'a'), Buffer.alloc(1_000))
  writeFileSync(join(data, 'chain', 'inner', 'b'), Buffer.alloc(24))
  linkSync(join(data, 'chain', 'a'), join(data, 'chain', 'inner', 'a'))
  assert.equal(await bytesBelow(data), 1_024, 'a file with two names counts once')
  assert.deepEqual(await storeBytes(data), { chain: 1_024, ledger: 0, pending: 0 })
  assert.ok((await freeBytes(data)) > 0)
})
