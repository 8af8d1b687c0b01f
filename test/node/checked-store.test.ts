/** Bits flip in the tables of an open store: what it answers is complete, or it refuses. LevelDB alone leaves out rows. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CordonError } from '../../config/errors.ts'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { Writer } from '../../crypto/codec.ts'
import { hash } from '../../crypto/hash.ts'
import { LevelStore } from '../../ledger/store/level.ts'
import type { LedgerStore } from '../../ledger/store/store.ts'
import { CheckedStore } from '../../node/store/checked-store.ts'
import { storeContract } from '../ledger/store-contract.ts'
import { Prng } from '../sim/prng.ts'
import { flipBit } from '../bitrot/flip.ts'

const SEED = 1
const FLIPS = 30
/** Rows in order, as histories and heights are, and rows of random keys, as an index is. */
const ORDERED = { from: utf8('h'), to: utf8('i') }
const orderedKey = (row: number): Uint8Array => new Writer(7).u8(0x68).u48(row).finish()
const indexKey = (row: number): Uint8Array => hash('block', utf8(`row ${row}`))
const ROWS = 1_500
const PAGE_ROWS = 100
/** Odd, so that the keys asked for are spread over both tables: 100 reads past one of them would let LevelDB merge them. */
const KEY_STEP = 11

let root: string
let original: string
let tables: string[]
let expected: string[]
let count = 0

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'cordon-checked-store-'))
  original = join(root, 'original')
  // Closed and opened again, so that the rows are in several tables.
  for (const half of [0, 1]) {
    const store = await LevelStore.open(original)
    const rows = Array.from({ length: ROWS / 2 }, (_, index) => 2 * index + half)
    await store.write(
      rows.flatMap((row) => [
        { key: orderedKey(row), value: hash('block', utf8(`value ${row}`)) },
        { key: indexKey(row), value: utf8(String(row)) },
      ]),
    )
    await store.close()
  }
  const sound = await LevelStore.open(original)
  expected = await answersOf(sound)
  await sound.close()
  tables = (await readdir(original)).filter((name) => name.endsWith('.ldb'))
  assert.equal(tables.length, 2, 'two tables that nothing merges')
})
after(() => rm(root, { recursive: true }))

/** Pages in both directions, and keys one by one. */
async function answersOf(store: LedgerStore): Promise<string[]> {
  const answers: string[] = []
  for (const newestFirst of [false, true]) {
    for (let row = 0; row < ROWS; row += PAGE_ROWS) {
      const [from, to] = newestFirst ? [ORDERED.from, orderedKey(ROWS - row)] : [orderedKey(row), ORDERED.to]
      const rows = await store.range({ from, to, newestFirst, limit: PAGE_ROWS })
      answers.push(rows.map(([key, value]) => toHex(key) + toHex(value)).join())
    }
  }
  for (let row = 0; row < ROWS; row += KEY_STEP)
    answers.push(toHex((await store.get(indexKey(row))) ?? utf8('none')))
  return answers
}

/** @returns null: refused. */
async function answersAfter(
  open: (directory: string) => Promise<LedgerStore>,
  { table, bit }: { table: string; bit: number },
): Promise<string[] | null> {
  const directory = join(root, `copy-${++count}`)
  await cp(original, directory, { recursive: true })
  const store = await open(directory)
  try {
    flipBit(join(directory, table), bit)
    return await answersOf(store)
  } catch (error) {
    assert.ok(error instanceof CordonError && error.code === 'data-inconsistent', String(error))
    return null
  } finally {
    await store.close()
    await rm(directory, { recursive: true })
  }
}

test('no row that a flipped bit hides is missing without a word', async () => {
  const prng = new Prng(SEED)
  let wrongWithoutChecks = 0
  for (let flip = 0; flip < FLIPS; flip++) {
    const table = tables[flip % tables.length] as string
    const bit = prng.int(0, 8 * (await readFile(join(original, table))).length - 1)
    const unchecked = await answersAfter((directory) => LevelStore.open(directory), { table, bit })
    if (unchecked !== null && unchecked.join() !== expected.join()) wrongWithoutChecks++
    const checked = await answersAfter((directory) => CheckedStore.open(directory), { table, bit })
    assert.deepEqual(checked ?? expected, expected, `seed ${SEED}, bit ${bit} of ${table}`)
  }
  assert.ok(wrongWithoutChecks > 0, 'the flips hid rows')
})

storeContract('checked', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cordon-checked-store-'))
  const store = await CheckedStore.open(directory)
  return {
    store,
    dispose: async () => {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})
