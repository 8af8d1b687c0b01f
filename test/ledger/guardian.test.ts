/** Guardians: when one is in force, what it may do, and what its word counts for (ledger.md, Actions and Hold). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../config/limits.ts'
import {
  encodeAccount,
  encodeHold,
  decodeAccount,
  decodeHold,
  type AccountEntry,
} from '../../ledger/entries.ts'
import { changedGuardian, guardianAt, type Guardian } from '../../ledger/guardian.ts'
import { checkStructure } from '../../ledger/rules.ts'
import { chainIdOf } from '../../config/genesis.ts'
import { FEE, idOf, START_BALANCE, TestChain, transferTo } from './helpers.ts'

const DELAY_MS = 10_000
const MIN_AGE_MS = 100_000
/** Of an account without a guardian. */
const ACCOUNT_BYTES = 28

function start(): Promise<TestChain> {
  return TestChain.start({ parameters: { guardianDelayMs: DELAY_MS, labelMinAgeMs: MIN_AGE_MS } })
}

/** Names the guardian of `account` and lets the delay pass. */
async function guarded(account: string, guardian: string): Promise<TestChain> {
  const chain = await start()
  await chain.run([chain.tx(account, [{ type: 'account.guardian', guardian: idOf(guardian) }])])
  await chain.run([], [], chain.nextMs + DELAY_MS)
  return chain
}

const failureOf = async (chain: TestChain, sender: string, hold: Uint8Array): Promise<string | null> =>
  (await chain.run([chain.tx(sender, [{ type: 'hold.confirm', hold }])])).receipts[0]?.failure ?? null

describe('a guardian', () => {
  it('lets a held payment go on', async () => {
    const chain = await guarded('alice', 'carol')
    const hold = await chain.hold('alice', 'bob', 500n)
    const execution = await chain.run([chain.tx('carol', [{ type: 'hold.confirm', hold }])])
    assert.deepEqual(execution.endedHolds[0]?.end, { how: 'confirmed', atMs: execution.timeMs, height: 4 })
    assert.equal(await chain.balance('bob'), START_BALANCE + 500n)
    assert.equal(await chain.balance('alice'), START_BALANCE - 500n - 2n * FEE)
    assert.equal(await chain.balance('carol'), START_BALANCE - FEE)
    assert.equal(chain.ledger.heldOut(idOf('alice')), 0n)
    assert.equal((await chain.ledger.audit()).holds, 0n)
  })

  it('is the only one who can, and only on holds of its own ward', async () => {
    const chain = await guarded('alice', 'carol')
    const hold = await chain.hold('alice', 'bob', 500n)
    const other = await chain.hold('bob', 'alice', 500n)
    for (const nobody of ['alice', 'bob', 'op0'])
      assert.equal(await failureOf(chain, nobody, hold), 'not-the-guardian')
    assert.equal(await failureOf(chain, 'carol', other), 'not-the-guardian')
    assert.equal(await failureOf(chain, 'carol', hold), null)
    assert.equal(await failureOf(chain, 'carol', hold), 'hold-ended')
  })

  it('of a thief cannot confirm what is held before the delay is over, nor later', async () => {
    const chain = await start()
    await chain.run([chain.tx('alice', [{ type: 'account.guardian', guardian: idOf('thief') }])])
    const hold = await chain.hold('alice', 'bob', 500n)
    await chain.run([chain.tx('carol', [transferTo('thief', 1_000_000n)])], [], chain.nextMs + DELAY_MS)
    assert.equal(await failureOf(chain, 'thief', hold), 'not-the-guardian')
  })

  it('of a thief who waits can confirm what is held after the delay; until then the owner sees it coming', async () => {
    const chain = await start()
    const named = await chain.run([
      chain.tx('alice', [{ type: 'account.guardian', guardian: idOf('thief') }]),
    ])
    const fromMs = named.timeMs + DELAY_MS
    assert.deepEqual((await chain.ledger.account(idOf('alice')))?.guardian, {
      before: null,
      after: idOf('thief'),
      fromMs,
    })
    await chain.run([chain.tx('carol', [transferTo('thief', 1_000_000n)])], [], fromMs)
    const hold = await chain.hold('alice', 'bob', 500n)
    assert.equal(await failureOf(chain, 'thief', hold), null)
    assert.equal(await chain.balance('bob'), START_BALANCE + 500n)
  })

  it('of a thief never comes into force if the owner changes it back within the delay', async () => {
    const chain = await start()
    await chain.run([chain.tx('alice', [{ type: 'account.guardian', guardian: idOf('thief') }])])
    await chain.run([chain.tx('alice', [{ type: 'account.guardian', guardian: null }])])
    await chain.run([chain.tx('carol', [transferTo('thief', 1_000_000n)])], [], chain.nextMs + 2 * DELAY_MS)
    const hold = await chain.hold('alice', 'bob', 500n)
    assert.equal(await failureOf(chain, 'thief', hold), 'not-the-guardian')
  })

  it('stays in force until the change that replaces it is', async () => {
    const chain = await guarded('alice', 'carol')
    await chain.run([chain.tx('alice', [{ type: 'account.guardian', guardian: null }])])
    const before = await chain.hold('alice', 'bob', 1n)
    await chain.run([], [], chain.nextMs + DELAY_MS)
    const after = await chain.hold('alice', 'bob', 2n)
    assert.equal(await failureOf(chain, 'carol', before), null, 'carol was the guardian when it was held')
    assert.equal(await failureOf(chain, 'carol', after), 'not-the-guardian')
  })

  it('is not changed by a transaction that fails', async () => {
    const chain = await start()
    const execution = await chain.run([
      chain.tx('alice', [
        { type: 'account.guardian', guardian: idOf('carol') },
        transferTo('bob', START_BALANCE),
      ]),
    ])
    assert.equal(execution.receipts[0]?.failure, 'insufficient-funds')
    assert.equal((await chain.ledger.account(idOf('alice')))?.guardian, null)
  })

  it('needs an account, also where payments are free', async () => {
    const chain = await TestChain.start({ parameters: { minFee: 0 } })
    const tx = chain.tx('nobody', [{ type: 'account.guardian', guardian: idOf('carol') }], { fee: 0n })
    assert.equal((await chain.run([tx])).receipts[0]?.failure, 'account-unknown')
    assert.equal(await chain.ledger.account(idOf('nobody')), null)
  })

  it('cannot be the account itself', async () => {
    const chain = await start()
    const { transaction } = chain.tx('alice', [{ type: 'account.guardian', guardian: idOf('alice') }])
    const network = { chain: chainIdOf(chain.chain.genesisHash), minFee: 0 }
    assert.throws(() => checkStructure(transaction, network), /cannot be its own guardian/)
  })
})

describe('the word of a guardian', () => {
  const refuted = async (chain: TestChain): Promise<readonly bigint[]> =>
    chain.ledger.validators().map(({ flagsRefuted }) => flagsRefuted)

  it('counts for nothing while the account is young', async () => {
    const chain = await guarded('alice', 'carol')
    const hold = await chain.hold('alice', 'bob', 5n, [0, 2])
    assert.equal(await failureOf(chain, 'carol', hold), null)
    assert.deepEqual(await refuted(chain), [0n, 0n, 0n, 0n])
  })

  it('refutes the flags once it is old, as often as labels of the payer last', async () => {
    const chain = await guarded('alice', 'carol')
    await chain.run([], [], chain.nextMs + MIN_AGE_MS)
    for (let i = 0; i < LIMITS.labelsPerPayer + 2; i++) {
      const hold = await chain.hold('alice', 'bob', 5n, [0, 2])
      assert.equal(await failureOf(chain, 'carol', hold), null)
    }
    const most = BigInt(LIMITS.labelsPerPayer)
    assert.deepEqual(await refuted(chain), [most, 0n, most, 0n])
  })
})

describe('changes', () => {
  const [A, B, C] = [idOf('a'), idOf('b'), idOf('c')]
  const at = (timeMs: number): { timeMs: number; delayMs: number } => ({ timeMs, delayMs: 10 })

  it('wait; a new one before that replaces what waits, and waits itself', () => {
    const first = changedGuardian(null, A, at(100))
    assert.deepEqual([guardianAt(first, 109), guardianAt(first, 110)], [null, A])
    const second = changedGuardian(first, B, at(105))
    assert.deepEqual([guardianAt(second, 114), guardianAt(second, 115)], [null, B])
    const third = changedGuardian(changedGuardian(first, B, at(120)), C, at(125))
    assert.deepEqual([guardianAt(third, 134), guardianAt(third, 135)], [A, C])
  })

  it('to nobody, of an account that has none, leave no trace', () => {
    assert.equal(changedGuardian(null, null, at(100)), null)
    assert.equal(changedGuardian(changedGuardian(null, A, at(100)), null, at(105)), null)
    const removed = changedGuardian(changedGuardian(null, A, at(100)), null, at(200))
    assert.equal(changedGuardian(removed, null, at(300)), null)
  })

  it('without a delay are in force at once', () => {
    assert.equal(guardianAt(changedGuardian(null, A, { timeMs: 100, delayMs: 0 }), 100), A)
  })
})

describe('encoding', () => {
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const guardian: fc.Arbitrary<Guardian> = fc
    .record({ before: fc.option(id), after: fc.option(id), fromMs: fc.nat() }, { noNullPrototype: true })
    .filter(({ before, after }) => before !== null || after !== null)
  const plain = { id: idOf('a'), balance: 1n, sequence: 2n, createdMs: 3, labels: 4 }

  it('of accounts: every guardian comes back, and none costs nothing', () => {
    const lone: AccountEntry = { ...plain, guardian: null }
    const bytes = encodeAccount(lone)
    assert.equal(bytes.length, ACCOUNT_BYTES)
    assert.deepEqual(decodeAccount(plain.id, bytes), lone)
    fc.assert(
      fc.property(guardian, (named) => {
        const entry: AccountEntry = { ...plain, guardian: named }
        assert.deepEqual(decodeAccount(plain.id, encodeAccount(entry)), entry)
      }),
    )
  })

  it('of accounts: other bytes in its place are refused', () => {
    const bytes = encodeAccount({ ...plain, guardian: { before: null, after: idOf('b'), fromMs: 5 } })
    for (const which of [0, 4, 255]) {
      const changed = Uint8Array.from(bytes)
      changed[ACCOUNT_BYTES] = which
      assert.throws(() => decodeAccount(plain.id, changed), /expected 1 to 3, got/)
    }
    for (const length of [ACCOUNT_BYTES + 1, bytes.length - 1, bytes.length + 1]) {
      const cut = new Uint8Array(length)
      cut.set(bytes.subarray(0, length))
      assert.throws(() => decodeAccount(plain.id, cut))
    }
  })

  it('of holds: the guardian comes back', async () => {
    const chain = await guarded('alice', 'carol')
    const hold = await chain.ledger.hold(await chain.hold('alice', 'bob', 5n))
    assert.ok(hold !== null)
    assert.deepEqual(hold.guardian, idOf('carol'))
    assert.deepEqual(decodeHold(encodeHold(hold)), hold)
    assert.deepEqual(decodeHold(encodeHold({ ...hold, guardian: null })), { ...hold, guardian: null })
  })
})
