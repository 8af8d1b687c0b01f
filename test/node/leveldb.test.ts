/** LevelDB's files are read before LevelDB does: a flipped bit is found, what a crash leaves is not taken for one. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Level } from 'level'
import { crc32c } from '../../crypto/crc32c.ts'
import { hash } from '../../crypto/hash.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { checkDatabaseFiles, damagedTables, type Checked } from '../../node/store/leveldb/check.ts'
import { logDamage, maskSum } from '../../node/store/leveldb/log.ts'
import { ReadCheck } from '../../node/store/leveldb/read-check.ts'
import { startScrub } from '../../node/store/leveldb/scrub.ts'
import { unsnap } from '../../node/store/leveldb/snappy.ts'
import { flipBit } from '../bitrot/flip.ts'

const RUNS = 60
const STRICT = { mayLoseLast: false, maxTableBytes: Infinity }
/** Behind the block handles of a footer, which are shorter than their room, and before its magic number. */
const FOOTER_BYTES = 48

let root: string
let original: string
let count = 0

/** A database with tables of both sorts of blocks, and a log of several blocks with records that span them. */
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'cordon-leveldb-'))
  original = join(root, 'original')
  for (let run = 0; run < 3; run++) {
    const level = new Level<Uint8Array, Uint8Array>(original, { keyEncoding: 'view', valueEncoding: 'view' })
    for (let i = 0; i < 40; i++) {
      const name = utf8(`${run}/${i}`)
      await level.put(
        hash('block', name),
        i % 2 === 0 ? new Uint8Array(3_000).fill(i) : noise(2_000 + i, name),
      )
    }
    await level.put(utf8(`last ${run}`), noise(70_000, utf8(`last ${run}`)))
    await level.close()
  }
})
after(() => rm(root, { recursive: true }))

function noise(length: number, seed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0, block = hash('block', seed); at < length; at += 32, block = hash('block', block))
    bytes.set(block.subarray(0, length - at), at)
  return bytes
}

async function copy(): Promise<string> {
  const directory = join(root, `copy-${++count}`)
  await cp(original, directory, { recursive: true })
  return directory
}

async function named(directory: string, end: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.includes(end))
  return names.at(-1) ?? assert.fail(`no ${end} in ${directory}`)
}

const check = (directory: string, options = STRICT): Promise<Checked> =>
  checkDatabaseFiles(directory, options)

test('a sound database has no damage, and neither has one that is not there', async () => {
  assert.deepEqual(await check(original), { damage: [], incomplete: false })
  assert.deepEqual(await check(join(root, 'nowhere')), { damage: [], incomplete: false })
})

for (const kind of ['.log', 'MANIFEST', 'CURRENT', '.ldb']) {
  test(`one flipped bit anywhere in ${kind} is found`, async () => {
    const directory = await copy()
    const name = await named(directory, kind)
    const path = join(directory, name)
    const { length } = await readFile(path)
    const footer = kind === '.ldb' ? FOOTER_BYTES : 0
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * (length - footer) - 1), async (bit) => {
        flipBit(path, bit)
        const { damage } = await check(directory)
        flipBit(path, bit)
        assert.equal(damage[0]?.file, name, `bit ${bit}`)
      }),
      { numRuns: RUNS },
    )
    assert.deepEqual((await check(directory)).damage, [])
  })
}

test('a log that a crash cut short anywhere is no damage, nor one that ends in zeros', async () => {
  const directory = await copy()
  const path = join(directory, await named(directory, '.log'))
  const bytes = await readFile(path)
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.boolean(), async (length, zeros) => {
      await writeFile(path, bytes.subarray(0, length))
      if (zeros) await truncate(path, length + 700)
      assert.deepEqual((await check(directory)).damage, [], `cut at ${length} of ${bytes.length}`)
    }),
    { numRuns: RUNS },
  )
})

/** As LevelDB writes a record that fits into its block. */
function logRecord(payload: Uint8Array): Buffer {
  const typed = Buffer.concat([Uint8Array.of(1), payload])
  const head = Buffer.alloc(6)
  head.writeUInt32LE(maskSum(crc32c(typed)), 0)
  head.writeUInt16LE(payload.length, 4)
  return Buffer.concat([head, typed])
}

test('a flipped bit in a whole record of a log is damage, also if a crash tore a record behind it', () => {
  const whole = logRecord(new Uint8Array(40).fill(9))
  const next = logRecord(new Uint8Array(40).fill(8))
  for (let bit = 0; bit < 8 * whole.length; bit++)
    for (let cut = 0; cut < next.length; cut++) {
      const bytes = Buffer.concat([whole, next.subarray(0, cut)])
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.deepEqual(logDamage(bytes), { offset: 0, atEnd: true }, `bit ${bit}, cut at ${cut}`)
    }
})

test('a bad last record is let pass only where the last one may be lost', async () => {
  const directory = await copy()
  const path = join(directory, await named(directory, '.log'))
  flipBit(path, 8 * (await readFile(path)).length - 1)
  assert.equal((await check(directory)).damage.length, 1)
  assert.deepEqual((await check(directory, { ...STRICT, mayLoseLast: true })).damage, [])
  flipBit(path, 100)
  assert.equal((await check(directory, { ...STRICT, mayLoseLast: true })).damage.length, 1)
})

test('a missing table or CURRENT is damage, an unfinished table is not', async () => {
  const [unfinished, withoutTable, withoutCurrent] = [await copy(), await copy(), await copy()]
  await writeFile(join(unfinished, '009999.ldb'), 'the beginning of a table')
  assert.deepEqual((await check(unfinished)).damage, [])
  const table = await named(withoutTable, '.ldb')
  await rm(join(withoutTable, table))
  assert.deepEqual((await check(withoutTable)).damage, [{ file: table, what: 'is missing' }])
  await rm(join(withoutCurrent, 'CURRENT'))
  assert.equal((await check(withoutCurrent)).damage[0]?.file, 'CURRENT')
})

test('tables beyond the limit are left for later, and found then', async () => {
  const directory = await copy()
  const table = await named(directory, '.ldb')
  flipBit(join(directory, table), 999)
  assert.deepEqual(await check(directory, { mayLoseLast: false, maxTableBytes: 0 }), {
    damage: [],
    incomplete: true,
  })
  const found = []
  for await (const { file } of damagedTables(directory, () => Promise.resolve())) found.push(file)
  assert.deepEqual(found, [table])
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const stop = startScrub({
    directories: [original, directory],
    atOnce: true,
    onDamage: (_, { file }) => {
      resolve(file)
    },
    onFailure: reject,
  })
  assert.equal(await promise, table)
  await stop()
})

test('Snappy: literals and copies of each length, and nothing else', () => {
  const text = (bytes: readonly number[]): string | null => {
    const output = unsnap(Uint8Array.from(bytes))
    return output === null ? null : Buffer.from(output).toString('latin1')
  }
  const ab = [0x04, 0x61, 0x62] // literal "ab"
  assert.equal(text([2, ...ab]), 'ab')
  assert.equal(text([7, ...ab, 0x05, 0x02]), 'ababababa'.slice(0, 7)) // copy of 5, 2 back
  assert.equal(text([5, ...ab, 0x0a, 0x02, 0x00]), 'ababa') // copy of 3, 2 back, in two bytes
  assert.equal(text([5, ...ab, 0x0b, 0x02, 0, 0, 0]), 'ababa')
  assert.equal(text([63, 0xf0, 62, ...new Array<number>(63).fill(0x78)]), 'x'.repeat(63))
  for (const bad of [[3, ...ab], [1, ...ab], [5, ...ab, 0x0a, 0x03, 0x00], [5, ...ab, 0x0a, 0, 0], [9], []])
    assert.equal(text(bad), null)
})

test('a read is checked against the tables that there are now, and one that is gone without a word is damage', async () => {
  const directory = await copy()
  const level = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  const check = new ReadCheck(directory)
  const all = { from: new Uint8Array(0), to: new Uint8Array(33).fill(0xff) }
  const tables = async (): Promise<string[]> =>
    (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
  assert.equal(await check.damageIn(all), null)
  const before = await tables()
  // In Node `level` is `classic-level`, whose tools its types leave out.
  const tools = level as typeof level & { compactRange(start: Uint8Array, end: Uint8Array): Promise<void> }
  await tools.compactRange(all.from, all.to)
  const merged = await tables()
  assert.ok(before.some((name) => !merged.includes(name)))
  assert.equal(await check.damageIn(all), null)
  assert.equal(await check.damageAt(hash('block', utf8('0/0'))), null)
  await rm(join(directory, merged[0] as string))
  assert.deepEqual(await check.damageIn(all), { file: merged[0], what: 'is missing' })
  await level.close()
})
