/** Votes that a node casts for people: on a real ledger, with a real key and a real review log. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { HoldInfo, TxInfo } from '../../client/api.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { fromHex, toHex, utf8 } from '../../crypto/bytes.ts'
import { KEY_COSTS, createKey } from '../../crypto/keystore.ts'
import { hash } from '../../crypto/hash.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { sourceOf } from '../../node/source.ts'
import { Decisions, type DecisionsOptions } from '../../node/review/decisions.ts'
import { ReviewDesk } from '../../node/review/desk.ts'
import { OperatorKey, openOperatorKey } from '../../node/review/operator-key.ts'
import { TestChain, keysOf } from '../ledger/helpers.ts'

const CONTEXT = { signal: new AbortController().signal, source: sourceOf('rpc 10.0.0.1') }
const silent = { warn: () => undefined, error: () => undefined }

interface Table {
  readonly chain: TestChain
  readonly desk: ReviewDesk
  readonly hold: string
  /** Transactions that left the node. */
  readonly submitted: string[]
  decisions(overrides?: Partial<DecisionsOptions>): Decisions
}

/** A payment of alice that waits for a review, and what a node needs to vote on it as operator of the first validator. */
async function table(t: TestContext): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-decisions-'))
  const chain = await TestChain.start()
  const { genesis, genesisHash } = chain.chain
  await chain.run([], [], Date.now()) // the desk reads the clock
  const hold = toHex(await chain.hold('alice', 'bob', 500n))
  const desk = await ReviewDesk.open({
    directory: folder,
    key: keysOf('peer'),
    genesisHash,
    ledger: { hold: (id) => chain.ledger.hold(id), holdsOpen: (page) => chain.ledger.holdsOpen(page) },
    thresholds: { hold: 128, alert: 96 },
    secondAboveUnits: 1_000n,
    log: silent,
  })
  t.after(async () => {
    await desk.close()
    rmSync(folder, { recursive: true })
  })
  const submitted: string[] = []
  const decisions = (overrides: Partial<DecisionsOptions> = {}): Decisions =>
    new Decisions({
      key: new OperatorKey(keysOf('op0'), genesis),
      desk,
      chain: () => ({
        chainId: genesisHash.subarray(0, 8),
        blockTimeMs: chain.ledger.timeMs,
        info: {
          walletValidityMs: genesis.parameters.walletValidityMs,
          minFee: String(genesis.parameters.minFee),
        },
      }),
      hold: (id) => holdInfo(chain, id),
      check: () => Promise.resolve(),
      submit: async (tx) => {
        const decoded = decodeTransaction(fromHex(tx))
        submitted.push(toHex(decoded.id))
        await chain.run([decoded])
        return { txId: toHex(decoded.id), result: 'accepted', status: 'pending' }
      },
      wait: (txId) => txInfo(chain, txId),
      ...overrides,
    })
  return { chain, desk, hold, submitted, decisions }
}

async function holdInfo(chain: TestChain, id: string): Promise<HoldInfo> {
  const hold = await chain.ledger.hold(fromHex(id))
  assert.ok(hold)
  const reviews = hold.reviews.map(({ validator, side }) => ({ validator: `v${validator + 1}`, side }))
  return { id, status: hold.end?.how ?? 'open', reviews } as unknown as HoldInfo
}

async function txInfo(chain: TestChain, txId: string): Promise<TxInfo> {
  const receipt = await chain.ledger.receipt(fromHex(txId), null)
  return { txId, status: receipt?.outcome ?? 'pending', failure: receipt?.failure ?? null } as TxInfo
}

test('a vote settles, and the log says for whom and with which transaction', async (t) => {
  const { desk, hold, submitted, decisions } = await table(t)
  const decided = await decisions().decide('ann', { id: hold, side: 'release' }, CONTEXT)
  assert.deepEqual(submitted, [decided.txId])
  assert.deepEqual([decided.status, decided.failure], ['settled', null])
  assert.deepEqual(decided.hold.reviews, [{ validator: 'v1', side: 'release' }])
  assert.equal(decided.hold.status, 'open')
  const votes = desk.state.case(hold)?.votes.map(({ actor, side, txId }) => ({ actor, side, txId }))
  assert.deepEqual(votes, [{ actor: 'ann', side: 'release', txId: decided.txId }])
  const [line = ''] = (await desk.lines(0, 100)).slice(-1)
  assert.match(
    line,
    new RegExp(`"actor":"ann","body":\\{"case":"${hold}","side":"release","txId":"${decided.txId}"`),
  )
})

test('with the votes of others it ends the hold', async (t) => {
  const { chain, hold, decisions } = await table(t)
  const vote = { type: 'hold.review', hold: fromHex(hold), side: 'return' } as const
  await chain.run(['op1', 'op2'].map((operator) => chain.tx(operator, [vote])))
  const decided = await decisions().decide('ann', { id: hold, side: 'return' }, CONTEXT)
  assert.equal(decided.hold.status, 'returned')
})

test('nothing is signed without a key, for a hold that has ended, or twice', async (t) => {
  const { chain, desk, hold, submitted, decisions } = await table(t)
  const refused = (made: Decisions, message: RegExp): Promise<void> =>
    assert.rejects(made.decide('ann', { id: hold, side: 'return' }, CONTEXT), {
      code: 'review-refused',
      message,
    })
  await refused(decisions({ key: null }), /^this node has no operator key to vote with: set review\.key_file/)
  await decisions().decide('ann', { id: hold, side: 'release' }, CONTEXT)
  await refused(decisions(), /has voted on hold [0-9a-f]+ already \(v1 to release\); a vote stands/)
  await chain.run([chain.tx('alice', [{ type: 'hold.recall', hold: fromHex(hold) }])])
  await refused(decisions(), /is not open any more: it was recalled$/)
  assert.equal(submitted.length, 1)
  assert.equal(desk.state.case(hold)?.votes.length, 1)
})

test('two calls at once make one vote, and one that is not final yet keeps its place', async (t) => {
  const { hold, submitted, decisions } = await table(t)
  const pending = (txId: string): Promise<TxInfo> =>
    Promise.resolve({ txId, status: 'pending', failure: null } as TxInfo)
  const node = decisions({
    wait: pending,
    submit: async () => ({ txId: '', result: 'accepted', status: 'pending' }),
  })
  const [first, second] = await Promise.allSettled([
    node.decide('ann', { id: hold, side: 'release' }, CONTEXT),
    node.decide('ben', { id: hold, side: 'return' }, CONTEXT),
  ])
  assert.equal(first.status === 'fulfilled' && first.value.status, 'pending')
  assert.match(String(second.status === 'rejected' && second.reason), /a vote of this node to release hold/)
  await assert.rejects(node.decide('ann', { id: hold, side: 'release' }, CONTEXT), { code: 'review-refused' })
  assert.deepEqual(submitted, [])
})

test('what admission refuses leaves no line in the log, and gives the place back', async (t) => {
  const { desk, hold, submitted, decisions } = await table(t)
  let isPoor = true
  const poor = new Error('insufficient funds')
  const node = decisions({ check: () => (isPoor ? Promise.reject(poor) : Promise.resolve()) })
  await assert.rejects(node.decide('ann', { id: hold, side: 'release' }, CONTEXT), poor)
  assert.equal(desk.state.case(hold)?.votes.length, 0)
  assert.deepEqual(submitted, [])
  isPoor = false
  assert.equal((await node.decide('ann', { id: hold, side: 'release' }, CONTEXT)).status, 'settled')
})

test('what the node does not take in after that gives the place back, and the line in the log stays', async (t) => {
  const { desk, hold, decisions } = await table(t)
  let isBusy = true
  const busy = new Error('busy')
  const node = decisions({
    submit: () =>
      isBusy ? Promise.reject(busy) : Promise.resolve({ txId: '', result: 'accepted', status: 'pending' }),
  })
  await assert.rejects(node.decide('ann', { id: hold, side: 'release' }, CONTEXT), busy)
  isBusy = false
  await node.decide('ann', { id: hold, side: 'release' }, CONTEXT)
  assert.equal(desk.state.case(hold)?.votes.length, 2)
})

test('the key of nobody who operates a validator is refused, with those who do', async (t) => {
  const { chain } = await table(t)
  assert.throws(() => new OperatorKey(keysOf('alice'), chain.chain.genesis), {
    code: 'config-invalid',
    message:
      /^review\.key_file: expected the key of an operator that genesis names \(dcdn1\S+ of v1, .*got that of dcdn1/,
  })
  assert.deepEqual(new OperatorKey(keysOf('op2'), chain.chain.genesis).validators, ['v3'])
})

test('the key is opened with the password of its file, and what is wrong names the setting', async (t) => {
  const { chain } = await table(t)
  const folder = mkdtempSync(join(tmpdir(), 'cordon-operator-key-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'secret\n', { mode: 0o600 })
  const seed = hash('devnet-key', utf8('op0'))
  await createKey(folder, {
    name: 'op',
    seed,
    password: 'secret',
    prefix: ADDRESS_PREFIX.devnet,
    cost: KEY_COSTS.light,
  })
  const files = { keyFile: join(folder, 'op.json'), passwordFile }
  const opened = (change: Partial<typeof files> = {}): Promise<OperatorKey> =>
    openOperatorKey({ ...files, ...change }, chain.chain.genesis)
  assert.deepEqual((await opened()).validators, ['v1'])

  const wrong = join(folder, 'wrong')
  writeFileSync(wrong, 'another\n', { mode: 0o600 })
  const refusals: readonly (readonly [Partial<typeof files>, RegExp])[] = [
    [{ passwordFile: wrong }, /^review\.key_file: the password does not open key op/],
    [{ keyFile: join(folder, 'none.json') }, /^review\.key_file: no key none in /],
    [{ keyFile: folder }, /^review\.key_file: expected a key file NAME\.json, got /],
    [{ passwordFile: join(folder, 'none') }, /^review\.password_file: \S+ cannot be read \(ENOENT\)/],
  ]
  for (const [change, message] of refusals)
    await assert.rejects(opened(change), { code: 'config-invalid', message }, String(message))
  writeFileSync(wrong, '\n')
  await assert.rejects(opened({ passwordFile: wrong }), {
    message: /is empty; expected the password on its first line/,
  })
  chmodSync(passwordFile, 0o644)
  await assert.rejects(opened(), { message: /can be read by others, expected mode 0600; run: chmod 600 / })
})
