/** RPC methods about transactions, over real ledger and pending log, on a node that only follows. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { Level } from 'level'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { sourceOf } from '../../node/source.ts'
import { Outcomes } from '../../node/outcomes.ts'
import type { RpcService } from '../../node/rpc/service.ts'
import { ChainStore } from '../../node/store/chain-store.ts'
import { createService, type ServiceOptions } from '../../node/service.ts'
import { FEE, START_BALANCE, idOf, transferTo, type TxOptions } from '../ledger/helpers.ts'
import { EPOCH, NodeChain, makeIntake, turns, type IntakeHarness } from './fixtures.ts'

const CONTEXT = { signal: new AbortController().signal, source: sourceOf('rpc 10.0.0.1') }
const LONG_MS = 60_000

let chain: NodeChain
let harness: IntakeHarness
let outcomes: Outcomes
let service: RpcService
let damage: string[]

function makeService(): RpcService {
  const { genesis, genesisHash } = chain.chain
  return createService({
    genesis,
    genesisHash,
    chainId: genesisHash.subarray(0, 8),
    set: chain.set,
    ledger: chain.ledger,
    outcomes,
    ...harness,
    store: chain.store,
    onDamage: ({ message }) => damage.push(message),
    ...({} as Pick<
      ServiceOptions,
      'receipts' | 'scorer' | 'review' | 'network' | 'status' | 'votes' | 'payments' | 'traces'
    >),
  })
}

beforeEach(async () => {
  chain = await NodeChain.open()
  await chain.execute([], { timeMs: Date.now() }) // the service reads the clock
  harness = await makeIntake(chain, { self: null })
  outcomes = new Outcomes()
  damage = []
  service = makeService()
})

afterEach(async () => {
  mock.restoreAll()
  await chain[Symbol.asyncDispose]()
})

function transfer(amount: bigint, options: TxOptions = {}): DecodedTransaction {
  return chain.tx('alice', [transferTo('bob', amount, 'lunch')], options)
}

const submit = (tx: DecodedTransaction): ReturnType<RpcService['tx_submit']> =>
  service.tx_submit({ tx: toHex(tx.bytes) }, CONTEXT)
const get = (tx: DecodedTransaction): ReturnType<RpcService['tx_get']> =>
  service.tx_get({ txId: toHex(tx.id) }, CONTEXT)

async function finish(tx: DecodedTransaction): Promise<void> {
  const execution = await chain.execute([tx])
  harness.pending.settle([toHex(tx.id)])
  outcomes.publish({
    height: execution.height,
    hash: '',
    timeMs: execution.timeMs,
    results: [{ txId: toHex(tx.id), status: 'settled', holds: [] }],
    expired: [],
  })
}

test('a transaction is unknown, pending, final', async () => {
  const tx = transfer(5n)
  assert.equal((await get(tx)).status, 'unknown')
  assert.deepEqual(await submit(tx), { txId: toHex(tx.id), result: 'accepted', status: 'pending' })
  const pending = await get(tx)
  assert.equal(pending.status, 'pending')
  assert.equal(pending.validUntilMs, tx.transaction.validUntilMs)
  assert.deepEqual(pending.transfers, [
    { to: encodeAddress(ADDRESS_PREFIX.devnet, idOf('bob')), amount: '5', memo: 'lunch', holdId: null },
  ])
  assert.deepEqual(await submit(tx), { txId: toHex(tx.id), result: 'known', status: 'pending' })
  await finish(tx)
  const final = await get(tx)
  assert.deepEqual(
    { status: final.status, height: final.height, fee: final.fee, failure: final.failure },
    { status: 'settled', height: 2, fee: String(FEE), failure: null },
  )
  assert.deepEqual(await submit(tx), { txId: toHex(tx.id), result: 'known', status: 'settled' })
})

test('a transaction that came by way of another node is known once it is executed', async () => {
  const tx = transfer(5n)
  await chain.execute([tx])
  assert.equal((await get(tx)).status, 'settled')
})

test('one that ends while it is asked for is never unknown', async () => {
  const tx = transfer(5n)
  await submit(tx)
  const receipt = chain.ledger.receipt.bind(chain.ledger)
  mock.method(chain.ledger, 'receipt', async (id: Uint8Array) => {
    const before = await receipt(id)
    if (before === null) await finish(tx)
    return before
  })
  assert.equal((await get(tx)).status, 'pending')
  assert.equal((await get(tx)).status, 'settled')
})

test('an expired transaction stays expired', async () => {
  const tx = transfer(5n)
  await submit(tx)
  await harness.pending.advance(tx.transaction.validUntilMs + 1)
  const info = await get(tx)
  assert.equal(info.status, 'expired')
  assert.equal(info.validUntilMs, tx.transaction.validUntilMs)
})

test('waiting ends with the transaction, or with the time', async () => {
  const tx = transfer(5n)
  await submit(tx)
  const wait = (timeoutMs: number): ReturnType<RpcService['tx_wait']> =>
    service.tx_wait({ txId: toHex(tx.id), timeoutMs }, CONTEXT)
  assert.equal((await wait(1)).status, 'pending')
  const waiting = wait(LONG_MS)
  await turns()
  await finish(tx)
  assert.equal((await waiting).status, 'settled')
  assert.equal((await wait(LONG_MS)).status, 'settled')
})

test('what is pending is not available', async () => {
  const address = encodeAddress(ADDRESS_PREFIX.devnet, idOf('alice'))
  await submit(transfer(5n))
  const account = await service.account_get({ address }, CONTEXT)
  assert.equal(account.balance, String(START_BALANCE))
  assert.equal(account.available, String(START_BALANCE - 5n - FEE))
})

test('bytes that are none are refused before they are decoded', async () => {
  const refuses = (tx: string, code: string): Promise<void> =>
    assert.rejects(service.tx_submit({ tx }, CONTEXT), { code })
  await refuses('zz', 'tx-malformed')
  await refuses('0', 'tx-malformed')
  await refuses('00'.repeat(30_000), 'tx-too-large')
})

test('a block that is not final here is told with the newest one', async () => {
  await assert.rejects(service.chain_block({ height: 7 }, CONTEXT), {
    code: 'not-found',
    message: /no final block of height 7; the newest executed one is 1/,
  })
})

test('a question that meets a damaged record is refused, and the node is told to stop', async () => {
  const final = chain.block()
  await chain.storeFinal(final)
  await chain.store.close()
  const directory = join(chain.directory, 'chain')
  const raw = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  for await (const [key, value] of raw.iterator({ gte: Uint8Array.of(3), lt: Uint8Array.of(4) })) {
    value[40] = (value[40] as number) ^ 1
    await raw.put(key, value)
  }
  await raw.close()
  chain.store = await ChainStore.open(directory, chain.chain.genesisHash, EPOCH)
  await assert.rejects(makeService().chain_block({ height: final.block.height }, CONTEXT), {
    code: 'data-inconsistent',
  })
  assert.equal(damage.length, 1)
  assert.match(damage[0] ?? '', /damaged record .*checksum/)
})

test('a validator is told with its stake, whether it is in this set and the next, and who is connected', async () => {
  const network = { peerOfValidator: (index: number) => (index === 1 ? 'peer' : null) }
  const { genesis, genesisHash } = chain.chain
  const { chain_validators: list } = createService({
    ...{ genesis, genesisHash, chainId: genesisHash.subarray(0, 8), set: chain.set, ledger: chain.ledger },
    ...{ outcomes, ...harness, store: chain.store, onDamage: () => undefined, network },
    status: { self: 0 },
  } as unknown as ServiceOptions)
  const rows = await list({}, CONTEXT)
  assert.deepEqual(
    rows.map(({ name, stake }) => [name, stake]),
    chain.set.validators.map(({ name, weight }) => [name, String(weight)]),
  )
  for (const { index, inSet, inNextSet, connected } of rows)
    assert.deepEqual([inSet, inNextSet, connected], [true, true, index < 2])
})
