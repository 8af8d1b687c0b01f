/** Bits flip in tables that LevelDB merges before anybody reads them: its checksums are right then, and the flip is found. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Level } from 'level'
import { utf8 } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import { checkDatabaseFiles, liveTables } from '../../node/store/leveldb/check.ts'
import type { FileDamage } from '../../node/store/leveldb/damage.ts'
import { KEPT_FOLDER, keepTables } from '../../node/store/leveldb/kept-tables.ts'
import { startMergeCheck } from '../../node/store/leveldb/merge-check.ts'
import { flipBit } from '../bitrot/flip.ts'
import { Prng } from '../sim/prng.ts'

const SEED = 1
const FLIPS = 40
const STRICT = { mayLoseLast: false, maxTableBytes: Infinity }
const FOOTER_BYTES = 48
const ROWS = 300

/** What its types leave out. */
type Merging = Level & { compactRange(from: string, to: string): Promise<void> }

let root: string
let original: string
let count = 0

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'cordon-merged-'))
  original = join(root, 'original')
  for (const half of [0, 1]) {
    const level = new Level(original)
    for (let row = half; row < ROWS; row += 2) await level.put(keyOf(row), valueOf(row))
    await level.close()
  }
  // The log of the second one becomes a table.
  await new Level(original).close()
})
after(() => rm(root, { recursive: true }))

const keyOf = (row: number): string => `row ${String(row).padStart(6, '0')}`
const valueOf = (row: number): string => Buffer.from(hash('block', utf8(String(row)))).toString('hex')

function unexpected(what: unknown): never {
  assert.fail(String(what))
}

async function copy(): Promise<string> {
  const directory = join(root, `copy-${++count}`)
  await cp(original, directory, { recursive: true })
  await keepTables(directory, await liveTables(directory))
  return directory
}

async function tablesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.ldb')).sort()
}

/** Merges all tables into one. */
async function merge(directory: string): Promise<void> {
  await using level = new Level(directory) as Merging
  await level.open()
  await level.compactRange('', '~')
}

test('LevelDB gives damaged records a right checksum; the table that they came from says so', async () => {
  const prng = new Prng(SEED)
  let silent = 0
  for (let flip = 0; flip < FLIPS; flip++) {
    const directory = await copy()
    const tables = await tablesIn(directory)
    const table = tables[flip % tables.length] ?? assert.fail('a table')
    const { length } = await readFile(join(directory, table))
    const bit = prng.int(0, 8 * (length - FOOTER_BYTES) - 1)
    flipBit(join(directory, table), bit)
    const refused = await merge(directory).then(
      () => false,
      () => true,
    )
    await rm(join(directory, 'LOG'))
    const { damage } = await checkDatabaseFiles(directory, STRICT)
    const [first] = damage
    assert.ok(refused || first?.file === join(KEPT_FOLDER, table), `seed ${SEED}, bit ${bit} of ${table}`)
    await rm(join(directory, KEPT_FOLDER), { recursive: true })
    if (!refused && (await checkDatabaseFiles(directory, STRICT)).damage.length === 0) silent++
    await rm(directory, { recursive: true })
  }
  assert.ok(silent > FLIPS / 2, `${silent} of ${FLIPS} could not be seen in what was merged`)
})

test('a running node finds it, and so does its next start', async () => {
  const directory = await copy()
  const [table = ''] = await tablesIn(directory)
  flipBit(join(directory, table), 8 * 100)
  const found = Promise.withResolvers<FileDamage>()
  const stop = startMergeCheck({
    directories: [directory],
    onDamage: (_, damage) => {
      found.resolve(damage)
    },
    onUnlinkable: unexpected,
    onFailure: unexpected,
  })
  const alive = setInterval(() => undefined, 1_000)
  await merge(directory)
  const damage = await found.promise
  clearInterval(alive)
  await stop()
  assert.equal(damage.file, join(KEPT_FOLDER, table))
  assert.match(damage.what, /^was damaged when it was merged: the block of \d+ bytes at byte \d+ /)
  assert.deepEqual((await checkDatabaseFiles(directory, STRICT)).damage, [damage])
})

test('tables that were whole are let go after they were merged, new ones are kept', async () => {
  const directory = await copy()
  const stop = startMergeCheck({
    directories: [directory],
    onDamage: (_, damage) => assert.fail(JSON.stringify(damage)),
    onUnlinkable: unexpected,
    onFailure: unexpected,
  })
  const before = await tablesIn(directory)
  await merge(directory)
  const after = await tablesIn(directory)
  assert.notDeepEqual(before, after)
  while ((await tablesIn(join(directory, KEPT_FOLDER))).join() !== after.join())
    await new Promise((resolve) => setTimeout(resolve, 50))
  await stop()
  await using level = new Level(directory)
  assert.equal(await level.get(keyOf(ROWS - 1)), valueOf(ROWS - 1))
})

test('what a crash left of a merge is no damage, and gets no second name', async () => {
  const directory = await copy()
  const [table = ''] = await tablesIn(directory)
  // Its end is there, something before it is not.
  const torn = await readFile(join(directory, table))
  torn.fill(0, 0, 200)
  for (const name of [join(directory, '009999.ldb'), join(directory, KEPT_FOLDER, '009999.ldb')])
    await writeFile(name, torn)
  assert.deepEqual((await checkDatabaseFiles(directory, STRICT)).damage, [])
  await keepTables(directory, await liveTables(directory))
  assert.deepEqual(await tablesIn(join(directory, KEPT_FOLDER)), await tablesIn(original))
})
