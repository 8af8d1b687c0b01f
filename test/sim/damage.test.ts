/**
 * Damaged disks and lost signers, each in a run in which nothing else goes wrong: the node refuses, its operator does what
 * is written for that, and the oracles watch what comes of it. Four equal validators: F = 1.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChainStore } from '../../node/store/chain-store.ts'
import { calmOptions, type Damage, type DamageKind, type RunOptions } from './options.ts'
import { Prng } from './prng.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulate.ts'
import { VirtualDatabase, VirtualJournal } from './storage.ts'
import { World } from './world.ts'

const WEIGHTS = [1n, 1n, 1n, 1n]
/** Its flip of the chain store is in a row that stays. */
const SEED = 12
const NODE = 2

function damageOf(kind: DamageKind, how: Partial<Damage> = {}): Damage {
  return { node: NODE, kind, atMs: 2_000, foundMs: 0, startReadsAll: true, repairMs: 200, ...how }
}

function optionsWith(...damages: Damage[]): RunOptions {
  return { ...calmOptions(SEED, WEIGHTS), recoveryMs: 8_000, damages }
}

/** What was noted in a run that must be good, and how often the damaged node executed its first block. */
async function play(
  options: RunOptions,
): Promise<{ readonly count: (note: string) => number; readonly firstBlocks: number }> {
  let firstBlocks = 0
  const { result, failure } = await simulate(options, {
    executed: (node, { height }) => {
      if (node === NODE && height === 1) firstBlocks++
    },
  })
  if (result === null) assert.fail(failure?.message)
  return { count: (note) => result.notes.get(note) ?? 0, firstBlocks }
}

for (const foundMs of [0, 1_000])
  test(`a journal with a flipped bit is refused, moved away, and then a lost one (found after ${foundMs} ms)`, async () => {
    const { count } = await play(optionsWith(damageOf('signer-flip', { foundMs })))
    assert.equal(count('refused data-inconsistent'), 1)
    assert.equal(count('refused signer-lost'), 1)
    assert.equal(count('voting-waits'), 1)
    assert.equal(count('voting-resumed'), 1)
  })

test('a validator whose journal is gone does not start by itself, and votes again after the wait', async () => {
  const { count, firstBlocks } = await play(optionsWith(damageOf('signer-gone')))
  assert.equal(count('refused data-inconsistent'), 0)
  assert.equal(count('refused signer-lost'), 1)
  assert.equal(count('voting-resumed'), 1)
  assert.equal(firstBlocks, 1, 'its chain and its ledger were left alone')
})

// Swarm seeds 211130 and 211274: the oracle took it for one that had lost votes.
test('a validator whose folder goes before it ever opened its journal has lost nothing', async () => {
  const { count } = await play(optionsWith(damageOf('signer-gone', { atMs: 0 })))
  assert.equal(count('refused signer-lost'), 0)
  assert.ok(count('vote-cast') > 0)
})

for (const [name, how] of [
  ['found at the start', {}],
  ['found while it runs', { foundMs: 1_000 }],
  ['in files that the start does not look through', { startReadsAll: false }],
] as const)
  test(`a chain store with a flipped bit, ${name}: the node gets everything from its peers again`, async () => {
    const { count, firstBlocks } = await play(optionsWith(damageOf('chain-flip', how)))
    assert.equal(count('refused data-inconsistent'), 1)
    assert.equal(count('refused signer-lost'), 0)
    assert.equal(firstBlocks, 2)
  })

test('a ledger with a flipped bit is built again from the final blocks', async () => {
  const { count, firstBlocks } = await play(optionsWith(damageOf('ledger-flip')))
  assert.equal(count('refused data-inconsistent'), 1)
  assert.equal(firstBlocks, 2)
})

test('damage counts against what may be faulty', async () => {
  const faulty = [{ index: 0, behaviour: 'silent' as const }]
  await assert.rejects(World.create({ ...optionsWith(damageOf('signer-gone')), faulty }), RangeError)
  await assert.rejects(
    World.create(optionsWith(damageOf('signer-gone'), damageOf('chain-flip', { node: 3 }))),
    RangeError,
  )
})

test('shrinking takes damage away that a failure does not need', async () => {
  const options = { ...optionsWith(damageOf('chain-flip', { atMs: 100 })), healMs: 400, recoveryMs: 1 }
  const { failure } = await simulate(options)
  if (failure === null) assert.fail('one millisecond is enough for three blocks')
  const { options: smallest, outcome } = await shrink(options, failure)
  assert.equal(outcome.failure?.kind, 'stall')
  assert.deepEqual(smallest.damages, [])
})

/** Of a certificate of epoch 1. */
const KEY = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1)
const VALUE = Uint8Array.of(1, 2, 3)

test('a flipped bit of a database is met by every read of the value, until it is written anew', async () => {
  const database = new VirtualDatabase()
  await database.write([{ key: KEY, value: VALUE }], { sync: true })
  database.flip(new Prng(SEED))
  assert.deepEqual(await database.get(KEY), VALUE, 'what was not synced is not on the disk')
  database.sync()
  database.flip(new Prng(SEED))
  assert.equal(database.damaged, true)
  await assert.rejects(database.get(KEY), { code: 'LEVEL_DECODE_ERROR' })
  await assert.rejects(ChainStore.over(database, 'chain', 1).restore([], 0), { code: 'data-inconsistent' })
  await database.write([{ key: KEY, value: VALUE }], { sync: true })
  database.sync()
  assert.equal(database.damaged, false)
  assert.deepEqual(await database.get(KEY), VALUE)
})

test('a crash takes from a database what was not synced, and nothing else', async () => {
  const database = new VirtualDatabase()
  await database.write([{ key: KEY, value: VALUE }], { sync: true })
  database.sync()
  const survived = new Set<boolean>()
  for (let seed = 0; seed < 20; seed++) {
    const other = Uint8Array.of(3, 2, seed)
    await database.write([{ key: other, value: VALUE }], { sync: true })
    assert.deepEqual(await database.get(other), VALUE)
    database.crash(new Prng(seed))
    survived.add((await database.get(other)) !== undefined)
    assert.deepEqual(await database.get(KEY), VALUE)
  }
  assert.deepEqual(survived, new Set([true, false]))
})

test('only what was synced of a journal gets a flipped bit', async () => {
  const journal = new VirtualJournal()
  await journal.append(VALUE)
  journal.flip(new Prng(SEED))
  assert.deepEqual(await journal.readAll(), Buffer.from(VALUE))
  await journal.sync()
  journal.flip(new Prng(SEED))
  assert.equal(journal.damaged, true)
  assert.notDeepEqual(await journal.readAll(), Buffer.from(VALUE))
})
