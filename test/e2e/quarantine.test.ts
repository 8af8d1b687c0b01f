/** Each way in which a hold ends, through the CLI: release, return, recall, confirmation, expiry. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ValidatorInfo } from '../../client/api.ts'
import { Devnet, eventually } from './harness.ts'

const EXPIRY_QUARANTINE_MS = 3_000
const EXPIRY_TIMEOUT_MS = 20_000

interface ListedHold {
  readonly id: string
  readonly payer: string
  readonly payee: string
  readonly amount: string
}

/** A devnet with a drain played on it, and what of it is held. */
async function drained(args: readonly string[]): Promise<{ devnet: Devnet; holds: string[] }> {
  const devnet = await Devnet.start(['--load-accounts', '100', ...args])
  const { holds } = await devnet.run(0, 'devnet', 'attack', 'drain')
  return { devnet, holds: holds as string[] }
}

async function balanceOf(devnet: Devnet, address: string): Promise<bigint> {
  return BigInt(String((await devnet.run(0, 'wallet', 'balance', address)).balance))
}

async function holdOf(
  devnet: Devnet,
  id: string | undefined,
): Promise<ListedHold & { readonly status: string }> {
  assert.ok(id, 'expected one more hold')
  return (await devnet.run(0, 'quarantine', 'show', id)) as unknown as ListedHold & { status: string }
}

test('operators release and return by stake, and the payer recalls', async () => {
  const { devnet, holds } = await drained([])
  await using _ = devnet
  const [first, second, third] = await Promise.all([
    holdOf(devnet, holds[0]),
    holdOf(devnet, holds[1]),
    holdOf(devnet, holds[2]),
  ])

  // All operators of the keystore: more than half of the stake.
  const payeeBefore = await balanceOf(devnet, first.payee)
  await devnet.run(0, 'quarantine', 'release', first.id)
  assert.equal((await holdOf(devnet, first.id)).status, 'released')
  assert.equal((await balanceOf(devnet, first.payee)) - payeeBefore, BigInt(first.amount))

  // A quarter of the stake decides nothing, three quarters do.
  const payerBefore = await balanceOf(devnet, second.payer)
  await devnet.run(0, 'quarantine', 'return', second.id, '--as', 'v1')
  assert.equal((await holdOf(devnet, second.id)).status, 'open')
  await devnet.run(0, 'quarantine', 'return', second.id, '--as', 'v2', '--as', 'v3')
  assert.equal((await holdOf(devnet, second.id)).status, 'returned')
  assert.equal((await balanceOf(devnet, second.payer)) - payerBefore, BigInt(second.amount))

  // The payer gets it back, less the fee of the recall.
  const recallBefore = await balanceOf(devnet, third.payer)
  await devnet.run(0, 'quarantine', 'recall', third.id)
  assert.equal((await holdOf(devnet, third.id)).status, 'recalled')
  assert.equal((await balanceOf(devnet, third.payer)) - recallBefore, BigInt(third.amount) - 1_000n)

  // One flag of each flagger was right and one was wrong; a recall says nothing about the third.
  const { validators } = (await devnet.run(0, 'validators')) as unknown as {
    validators: readonly ValidatorInfo[]
  }
  for (const count of ['flagsConfirmed', 'flagsRefuted'] as const) {
    assert.ok(validators.every((validator) => validator[count] <= 1))
    assert.ok(validators.filter((validator) => validator[count] === 1).length >= 2, count)
  }

  // An ended hold takes no other decision.
  const again = await devnet.cli('quarantine', 'recall', third.id)
  assert.equal(again.code, 5, again.stdout)
})

test('the guardian of the payer confirms what was held after it came into force', async () => {
  const { devnet, holds } = await drained(['--param', 'guardianDelayMs=0'])
  await using _ = devnet
  const earlier = await holdOf(devnet, holds[0])
  const { payer } = earlier
  await devnet.run(0, 'wallet', 'guardian', 'set', 'bob', '--from', payer)
  const guardian = await devnet.run(0, 'wallet', 'guardian', 'show', payer)
  const bob = String((await devnet.run(0, 'wallet', 'address', 'bob')).address)
  assert.deepEqual(guardian, { address: payer, guardian: { current: bob, change: null } })

  // Bob was not the guardian when this one was held.
  const tooEarly = await devnet.cli('quarantine', 'confirm', earlier.id)
  assert.equal(tooEarly.code, 5, tooEarly.stdout)
  assert.match(tooEarly.stdout, /no guardian in force/)

  await devnet.run(0, 'quarantine', 'recall', earlier.id)
  const amount = `${earlier.amount}uCRD`
  const paid = await devnet.run(6, 'wallet', 'send', '--from', payer, '--to', 'carol', '--amount', amount)
  const [id] = paid.holds as string[]
  const before = await balanceOf(devnet, 'carol')
  const confirmed = await devnet.run(0, 'quarantine', 'confirm', String(id))
  assert.equal(confirmed.holdStatus, 'confirmed')
  assert.equal((await balanceOf(devnet, 'carol')) - before, BigInt(earlier.amount))
  assert.equal((await holdOf(devnet, id)).status, 'confirmed')

  const removed = await devnet.run(0, 'wallet', 'guardian', 'remove', '--from', payer)
  assert.deepEqual(removed.guardian, { current: null, change: null })
})

test('what nobody reviews is returned when it expires, on an idle chain too', async () => {
  const { devnet, holds } = await drained(['--param', `quarantineMs=${EXPIRY_QUARANTINE_MS}`])
  await using _ = devnet
  for (const id of holds) {
    await eventually(
      `hold ${id} expires`,
      EXPIRY_TIMEOUT_MS,
      async () => (await holdOf(devnet, id)).status === 'expired-returned',
    )
  }
  assert.deepEqual((await devnet.run(0, 'quarantine', 'list')).holds, [])
})
