import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { devnetPaths, nodePaths, readDevnetFile, writeDevnetFile } from '../../devnet/layout.ts'
import { listSnapshots, restoreSnapshot, saveSnapshot } from '../../devnet/snapshots.ts'
import { fakeDevnet } from './helpers.ts'

const FOLDERS = ['data', 'signer', 'review', 'models'] as const

/** A devnet whose nodes know `what`. */
async function knowing(what: string): Promise<string> {
  const dir = await fakeDevnet({ v1: {}, v2: {} })
  learn(dir, what)
  return dir
}

function learn(dir: string, what: string): void {
  writeFileSync(devnetPaths(dir).genesis, what)
  for (const name of ['v1', 'v2'])
    for (const folder of FOLDERS) {
      const path = nodePaths(dir, { dir: name })[folder]
      mkdirSync(path, { recursive: true })
      writeFileSync(join(path, 'file'), `${what} of ${name}`)
    }
}

function known(dir: string, name: string): string[] {
  return FOLDERS.map((folder) => readFileSync(join(nodePaths(dir, { dir: name })[folder], 'file'), 'utf8'))
}

test('everything that nodes know comes back, with the chain it belongs to', async () => {
  const dir = await knowing('the past')
  const file = readDevnetFile(dir)
  writeDevnetFile(dir, { ...file, aheadMs: 5 })
  saveSnapshot(dir, 'past', 1_000)
  learn(dir, 'the present')
  writeFileSync(join(nodePaths(dir, { dir: 'v1' }).data, 'newer'), '')
  writeDevnetFile(dir, { ...file, aheadMs: 9, genesisHash: 'ff'.repeat(32) })
  assert.deepEqual(restoreSnapshot(dir, 'past'), {
    name: 'past',
    takenMs: 1_000,
    genesisHash: file.genesisHash,
  })
  for (const name of ['v1', 'v2'])
    assert.deepEqual(
      known(dir, name),
      FOLDERS.map(() => `the past of ${name}`),
    )
  assert.equal(readFileSync(devnetPaths(dir).genesis, 'utf8'), 'the past')
  assert.equal(existsSync(join(nodePaths(dir, { dir: 'v1' }).data, 'newer')), false)
  const { aheadMs, genesisHash } = readDevnetFile(dir)
  assert.deepEqual([aheadMs, genesisHash], [5, file.genesisHash])
})

test('a restore that was interrupted is done by doing it again', async () => {
  const dir = await knowing('the past')
  saveSnapshot(dir, 'past', 1)
  learn(dir, 'the present')
  const { data } = nodePaths(dir, { dir: 'v1' })
  mkdirSync(`${data}.restored`)
  writeFileSync(join(`${data}.restored`, 'half'), '')
  restoreSnapshot(dir, 'past')
  assert.equal(existsSync(join(data, 'half')), false)
  assert.deepEqual(known(dir, 'v1')[0], 'the past of v1')
})

test('names: what is no name, taken, or unknown is refused with the way out', async () => {
  const dir = await knowing('x')
  for (const name of ['', '../out', 'Big', 'a'.repeat(41), '.hidden'])
    assert.throws(() => saveSnapshot(dir, name, 1), {
      code: 'usage',
      message: /small letters, digits and hyphens/,
    })
  saveSnapshot(dir, 'one', 2)
  assert.throws(() => saveSnapshot(dir, 'one', 3), { code: 'usage', message: /already; choose another name/ })
  assert.throws(() => restoreSnapshot(dir, 'two'), { code: 'usage', message: /there are one$/ })
  saveSnapshot(dir, 'before', 1)
  assert.deepEqual(
    listSnapshots(dir).map(({ name }) => name),
    ['before', 'one'],
  )
})

test('a damaged snapshot is named, and there is a limit to how many are kept', async () => {
  const dir = await knowing('x')
  for (let index = 0; index < LIMITS.devnetSnapshots; index++) saveSnapshot(dir, `s${index}`, index)
  assert.throws(() => saveSnapshot(dir, 'more', 1), { code: 'usage', message: /at most 100 snapshots/ })
  const file = join(devnetPaths(dir).snapshots, 's0', 'snapshot.json')
  writeFileSync(file, '{"format":')
  assert.throws(() => restoreSnapshot(dir, 's0'), { code: 'config-invalid', message: /is damaged; remove/ })
})
