/** The driver's promises: records durable, then the signer, then what leaves; inputs in order; no input lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Replica } from '../../consensus/replica.ts'
import type { Effect, Input, Signer, StoreRecord } from '../../consensus/replica-types.ts'
import { Driver } from '../../node/driver.ts'
import { NOTHING_FAILS, type Reached } from '../../node/fail-points.ts'
import type { ChainStore } from '../../node/store/chain-store.ts'

const RECORD: StoreRecord = { kind: 'delete-certificates-below', view: 1 }
const VOTE_SENT: Effect = {
  type: 'send',
  to: { kind: 'validators' },
  message: { type: 'vote', vote: {} as never },
}
const DELIVERED: Effect = {
  type: 'deliver',
  digest: new Uint8Array(32),
  block: {} as never,
  finalization: {} as never,
}
const DURABLE: StoreRecord = { kind: 'batch', batch: {} as never, ack: null }

function harness(
  step: (input: Input) => Effect[],
  reached: Reached = NOTHING_FAILS,
): {
  driver: Driver
  log: string[]
  inputs: Input[]
  fatal: unknown[]
} {
  const log: string[] = []
  const inputs: Input[] = []
  const fatal: unknown[] = []
  const replica = {
    step(input: Input) {
      inputs.push(input)
      log.push(`step ${input.type}`)
      return step(input)
    },
    nextDeadlineMs: () => Infinity,
  } as unknown as Replica
  const signer = {
    dirty: true,
    async flush() {
      await Promise.resolve()
      log.push('flush')
    },
  } as unknown as Signer
  const store = {
    async write(records: readonly StoreRecord[], sync: boolean) {
      await Promise.resolve()
      log.push(`write ${records.length}${sync ? ' synced' : ''}`)
    },
  } as unknown as ChainStore
  const driver = new Driver({
    replica,
    signer,
    store,
    dispatch: (effect) => log.push(`dispatch ${effect.type}`),
    onFatal: (error) => fatal.push(error),
    reached,
  })
  return { driver, log, inputs, fatal }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('what leaves comes after the synced write and the flushed signer', async () => {
  const send: Effect = {
    type: 'send',
    to: { kind: 'validators' },
    message: { type: 'certificates', certificates: [] },
  }
  const { driver, log } = harness(() => [send, { type: 'store', record: DURABLE }])
  driver.input({ type: 'start' })
  await settled()
  assert.deepEqual(log, ['step start', 'write 1 synced', 'flush', 'dispatch send'])
  await driver.stop()
})

test('records that may be lost are not synced', async () => {
  const { driver, log } = harness(() => [{ type: 'store', record: RECORD }])
  driver.input({ type: 'start' })
  await settled()
  assert.deepEqual(log, ['step start', 'write 1', 'flush'])
  await driver.stop()
})

test('an assessment starts before the write, since it promises nothing', async () => {
  const assess = { type: 'assess', ref: {}, batch: {} } as unknown as Effect
  const { driver, log } = harness(() => [{ type: 'store', record: DURABLE }, assess])
  driver.input({ type: 'start' })
  await settled()
  assert.deepEqual(log.slice(0, 3), ['step start', 'dispatch assess', 'write 1 synced'])
  await driver.stop()
})

test('inputs that arrive during a write are taken together afterwards, in order', async () => {
  const { driver, inputs, log } = harness((input) =>
    input.type === 'start' ? [{ type: 'store', record: DURABLE }] : [],
  )
  driver.input({ type: 'start' })
  driver.input({ type: 'tick' })
  await Promise.resolve()
  driver.input({ type: 'next-due', timeMs: 5 })
  await settled()
  assert.deepEqual(
    inputs.map((input) => input.type),
    ['start', 'tick', 'next-due'],
  )
  assert.equal(log.filter((line) => line.startsWith('write')).length, 1)
  await driver.stop()
})

test('whatever has gathered during a write is written in one go, and others run meanwhile (swarm 323266)', async () => {
  const { driver, inputs, log } = harness(() => [{ type: 'store', record: DURABLE }])
  driver.input({ type: 'start' })
  await Promise.resolve()
  for (let timeMs = 1; timeMs <= 300; timeMs++) driver.input({ type: 'next-due', timeMs })
  let othersRan = 0
  while (inputs.length < 301) {
    await settled()
    othersRan++
  }
  await settled()
  assert.deepEqual(
    log.filter((line) => line.startsWith('write')),
    ['write 1 synced', 'write 300 synced'],
  )
  assert.ok(othersRan >= 4, `only ${othersRan} turns of others`)
  await driver.stop()
})

test('what arrives before the start comes after it', async () => {
  const { driver, inputs } = harness(() => [])
  driver.input({ type: 'tick' })
  await settled()
  assert.equal(inputs.length, 0)
  driver.input({ type: 'start' })
  driver.input({ type: 'next-due', timeMs: 5 })
  await settled()
  assert.deepEqual(
    inputs.map((input) => input.type),
    ['start', 'tick', 'next-due'],
  )
  await driver.stop()
})

test('a replica that throws stops the node and nothing leaves', async () => {
  const failure = new Error('broken rule')
  const { driver, log, fatal } = harness(() => {
    throw failure
  })
  driver.input({ type: 'start' })
  await settled()
  driver.input({ type: 'tick' })
  await settled()
  assert.deepEqual(fatal, [failure])
  assert.deepEqual(log, ['step start'])
})

test('passes the fail point of a message when it has left, and that of a delivery at once', async () => {
  const passed: string[] = []
  const { driver, log } = harness(
    () => [VOTE_SENT, DELIVERED],
    (point) => {
      log.push(`passed ${point}`)
      passed.push(point)
    },
  )
  driver.input({ type: 'start' })
  await settled()
  await settled()
  assert.deepEqual(passed, ['block-delivered', 'vote-sent'])
  assert.deepEqual(log.slice(-4), [
    'dispatch send',
    'dispatch deliver',
    'passed block-delivered',
    'passed vote-sent',
  ])
  await driver.stop()
})
