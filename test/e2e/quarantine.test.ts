/** Each way in which a hold ends, through the CLI: release, return, recall, expiry. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Devnet, eventually } from './harness.ts'

const QUARANTINE_MS = 6_000

interface ListedHold {
  readonly id: string
  readonly payer: string
  readonly payee: string
  readonly amount: string
}

let devnet: Devnet
let holds: ListedHold[]

before(async () => {
  devnet = await Devnet.start(['--param', `quarantineMs=${QUARANTINE_MS}`, '--load-accounts', '100'])
  await devnet.run(0, 'devnet', 'attack', 'drain')
  holds = (await devnet.run(0, 'quarantine', 'list')).holds as ListedHold[]
  assert.ok(holds.length >= 3, `expected at least 3 holds, got ${holds.length}`)
})

after(async () => {
  await devnet[Symbol.asyncDispose]()
})

async function balanceOf(address: string): Promise<bigint> {
  return BigInt(String((await devnet.run(0, 'wallet', 'balance', address)).balance))
}

async function statusOf(id: string): Promise<string> {
  return String((await devnet.run(0, 'quarantine', 'show', id)).status)
}

test('a stake majority releases a hold to the payee', async () => {
  const hold = holds[0] as ListedHold
  const before = await balanceOf(hold.payee)
  await devnet.run(0, 'quarantine', 'release', hold.id)
  assert.equal(await statusOf(hold.id), 'released')
  assert.equal((await balanceOf(hold.payee)) - before, BigInt(hold.amount))
})

test('one operator alone does not end a hold; the majority returns it to the payer', async () => {
  const hold = holds[1] as ListedHold
  const before = await balanceOf(hold.payer)
  await devnet.run(0, 'quarantine', 'return', hold.id, '--as', 'v1')
  assert.equal(await statusOf(hold.id), 'open')
  await devnet.run(0, 'quarantine', 'return', hold.id, '--as', 'v2', '--as', 'v3')
  assert.equal(await statusOf(hold.id), 'returned')
  assert.equal((await balanceOf(hold.payer)) - before, BigInt(hold.amount))
})

test('what nobody reviews is returned when it expires, on an idle chain too', async () => {
  const hold = holds[2] as ListedHold
  await eventually('the hold expires', QUARANTINE_MS + 10_000, async () => (await statusOf(hold.id)) !== 'open')
  assert.equal(await statusOf(hold.id), 'expired-returned')
})
