/** `cordon doctor repair` on real directories: what comes again by itself is moved away, everything else stays. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FileJournal } from '../../node/signing/file-journal.ts'
import { repairNode, type RepairReport } from '../../node/repair.ts'
import { examine } from '../bitrot/examine.ts'
import { makeNodeDirectory, type MadeDirectory } from '../bitrot/node-directory.ts'
import { flipBit } from '../bitrot/flip.ts'

let root: string
let made: MadeDirectory
let count = 0

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'cordon-repair-'))
  made = await makeNodeDirectory(join(root, 'original'))
})
after(() => {
  rmSync(root, { recursive: true })
})

function copy(): string {
  const directory = join(root, `copy-${++count}`)
  cpSync(join(root, 'original'), directory, { recursive: true })
  return directory
}

/** Flips a bit in the newest file of a store whose name ends so, as far into it as `share` says. */
function spoil(directory: string, store: string, end = '.ldb', share = 0.5): void {
  const folder = join(directory, 'data', store)
  const file = readdirSync(folder)
    .filter((name) => name.endsWith(end))
    .at(-1)
  const path = join(folder, file ?? assert.fail(`no ${end} in ${folder}`))
  flipBit(path, Math.floor(8 * readFileSync(path).length * share))
}

const damagedParts = ({ findings }: RepairReport): string[] =>
  findings.filter(({ damage }) => damage !== null).map(({ part }) => part)

const repair = (directory: string, salvagePending = false): Promise<RepairReport> =>
  repairNode({ directory, salvagePending })

test('a sound directory is left as it is', async () => {
  const directory = copy()
  const report = await repair(directory)
  assert.deepEqual([damagedParts(report), report.startable, report.movedTo], [[], true, null])
  assert.equal((await examine(directory, made)).repaired, false)
})

test('a damaged ledger is moved away, and built again from the final blocks', async () => {
  const directory = copy()
  spoil(directory, 'ledger')
  await assert.rejects(examine(directory, made), { code: 'data-inconsistent', message: /ledger.*\.ldb/ })
  const report = await repair(directory)
  assert.deepEqual([damagedParts(report), report.startable], [['ledger'], true])
  assert.deepEqual(readdirSync(join(directory, 'data-damaged-1')), ['ledger'])
  const { answers, repaired } = await examine(directory, made)
  assert.equal(repaired, true)
  assert.deepEqual(answers, (await examine(copy(), made)).answers)
})

test('damaged blocks are moved away together with the ledger; both come again from peers', async () => {
  const directory = copy()
  spoil(directory, 'chain', '.log')
  await assert.rejects(examine(directory, made), { code: 'data-inconsistent', message: /chain.*\.log/ })
  const report = await repair(directory)
  assert.deepEqual([damagedParts(report), report.startable], [['chain', 'ledger'], true])
  const { answers } = await examine(directory, made)
  const sound = (await examine(copy(), made)).answers
  for (const question of [
    'root',
    'accounts',
    'histories',
    'transactions',
    'blocks',
    'holds',
    'pending',
    'votes',
  ])
    assert.equal(answers[question], sound[question], question)
})

test('a ledger ahead of the final blocks is found without a damaged file', async () => {
  const directory = copy()
  rmSync(join(directory, 'data/chain'), { recursive: true })
  const report = await repair(directory)
  assert.deepEqual(damagedParts(report), ['chain', 'ledger'])
  await examine(directory, made)
})

test('the pending log is left alone unless asked, and then all that can be read is kept', async () => {
  const directory = copy()
  spoil(directory, 'pending', '.log', 0.1)
  await assert.rejects(examine(directory, made), {
    code: 'data-inconsistent',
    message: /payments that this node accepted may be lost/,
  })
  const report = await repair(directory)
  assert.deepEqual([damagedParts(report), report.startable, report.movedTo], [['pending'], false, null])
  const salvaged = await repair(directory, true)
  assert.deepEqual([damagedParts(salvaged), salvaged.startable], [['pending'], true])
  const { answers } = await examine(directory, made)
  const kept = made.pendingIds.filter((id) => answers.pending?.includes(Buffer.from(id).toString('hex')))
  assert.equal(kept.length, made.pendingIds.length - 1, 'all but the one in the damaged record')
})

test('a damaged signer journal is told and not touched', async () => {
  const directory = copy()
  const path = join(directory, 'signer/votes.journal')
  flipBit(path, 8 * readFileSync(path).length - 1)
  const before = readFileSync(path)
  await assert.rejects(examine(directory, made), { code: 'data-inconsistent', message: /forfeit the stake/ })
  const report = await repair(directory)
  assert.deepEqual([damagedParts(report), report.startable], [['signer'], false])
  assert.deepEqual(readFileSync(path), before)
})

test('a validator whose signer folder is another one than before does not start', async () => {
  const directory = copy()
  renameSync(join(directory, 'signer/votes.journal'), join(directory, 'votes.journal'))
  await assert.rejects(examine(directory, made), {
    code: 'signer-lost',
    message: /has signed on this chain before/,
  })
})

test('a node that runs is not repaired', async () => {
  const directory = copy()
  const journal = await FileJournal.open(join(directory, 'signer'))
  await assert.rejects(repair(directory), { code: 'directory-locked' })
  await journal.close()
  assert.ok(!existsSync(join(directory, 'data-damaged-1')))
})
