/** What consensus keeps on disk: every record comes back as it was written, after a restart too. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { Level } from 'level'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import { hash } from '../../crypto/hash.ts'
import { NOTHING_RESTORED, type ExecutionResult, type Restored } from '../../consensus/replica-types.ts'
import type { Ack, ProposalMessage, SignedBatch } from '../../consensus/types.ts'
import {
  ackMessage,
  encodeAck,
  encodeBlock,
  encodeCertificate,
  encodeProposalMessage,
  encodeSignedBatch,
} from '../../consensus/wire.ts'
import { ByteCache } from '../../node/store/byte-cache.ts'
import { ChainStore, refOf, type ChainDatabase } from '../../node/store/chain-store.ts'
import { keysOf, transferTo } from '../ledger/helpers.ts'
import { EPOCH, NodeChain, type FinalBlock } from './fixtures.ts'

const OPEN_MS = 60_500

let chain: NodeChain

beforeEach(async () => {
  chain = await NodeChain.open()
})

afterEach(async () => {
  await chain[Symbol.asyncDispose]()
})

function someBatch(): SignedBatch {
  return chain.batch([chain.tx('alice', [transferTo('bob', 5n)])])
}

function ackFor(batch: SignedBatch): Ack {
  const unsigned = {
    ...refOf(batch),
    flags: [{ tx: 0, action: 0, score: 9, reasons: 2 }],
    modelId: hash('genesis'),
  }
  const signature = sign(ackMessage(chain.set.context, unsigned), keysOf('validator1').secretKey)
  return { ...unsigned, signer: 1, signature }
}

function proposalOf({ block }: FinalBlock): ProposalMessage {
  const { proposal } = chain.certify('notarize', block)
  assert.ok(proposal)
  return { proposal, block, parentCertificate: null, skips: [], signature: new Uint8Array(64).fill(3) }
}

/** Everything as bytes, so that views and copies compare equal. */
function comparable(restored: Restored): object {
  return {
    certificates: restored.certificates.map((each) => toHex(encodeCertificate(each))),
    proposals: restored.proposals.map((each) => toHex(encodeProposalMessage(each))),
    blocks: restored.blocks
      .map(({ digest, block }) => `${toHex(digest)} ${toHex(encodeBlock(block))}`)
      .sort(),
    delivered:
      restored.delivered === null
        ? null
        : { height: restored.delivered.height, digest: toHex(restored.delivered.digest) },
    finalBlocks: restored.finalBlocks.map(({ height }) => height),
    batches: restored.batches.map(({ batch, ack }) => [
      toHex(encodeSignedBatch(batch)),
      ack === null ? null : toHex(encodeAck(ack)),
    ]),
    executed: restored.executed,
  }
}

test('every kind of record comes back after a restart as it was written', async () => {
  const [final, open] = [chain.block([chain.certificate(someBatch())]), chain.block()]
  const certificates = [
    chain.certify('notarize', final.block),
    final.finalization,
    chain.certify('nullify', open.block),
  ]
  const proposal = proposalOf(open)
  const [acked, own] = [someBatch(), someBatch()]
  const ack = ackFor(acked)
  await chain.store.write(
    [
      ...certificates.map((certificate) => ({ kind: 'certificate', certificate }) as const),
      { kind: 'block', digest: final.digest, block: final.block },
      { kind: 'block', digest: open.digest, block: open.block },
      { kind: 'proposal', proposal },
      { kind: 'finalized', height: 1, digest: final.digest, finalization: final.finalization },
      { kind: 'batch', batch: acked, ack },
      { kind: 'batch', batch: own, ack: null },
    ],
    true,
  )
  const expected = comparable({
    certificates,
    proposals: [proposal],
    blocks: [final, open],
    delivered: { height: 1, digest: final.digest },
    finalBlocks: [final.block],
    batches: [
      { batch: acked, ack },
      { batch: own, ack: null },
    ],
    executed: [],
  })
  assert.deepEqual(comparable(await chain.store.restore([], OPEN_MS)), expected)
  await chain.reopen()
  assert.deepEqual(comparable(await chain.store.restore([], OPEN_MS)), expected)
  const stored = (await chain.store.block(open.digest)) ?? assert.fail()
  assert.equal(toHex(encodeBlock(stored)), toHex(encodeBlock(open.block)))
  const { finalization } = (await chain.store.final(1)) ?? assert.fail()
  assert.equal(toHex(encodeCertificate(finalization)), toHex(encodeCertificate(final.finalization)))
  assert.equal((await chain.store.newestFinal())?.height, 1)
})

test('an empty store restores to nothing', async () => {
  const restored = await chain.store.restore([], OPEN_MS)
  assert.deepEqual(restored, NOTHING_RESTORED)
  assert.equal(await chain.store.newestFinal(), null)
  assert.equal(await chain.store.final(1), null)
})

test('a batch that is ordered in an executed block is not open any more, but its body stays', async () => {
  const [ordered, open] = [someBatch(), someBatch()]
  await chain.storeBatch(ordered, open)
  await chain.store.markOrdered([refOf(ordered)])
  await chain.reopen()
  const { batches } = await chain.store.restore([], OPEN_MS)
  assert.deepEqual(
    batches.map(({ batch }) => batch.batch.seq),
    [open.batch.seq],
  )
  const body = (await chain.store.batch(refOf(ordered))) ?? assert.fail()
  assert.equal(toHex(encodeSignedBatch(body)), toHex(encodeSignedBatch(ordered)))
})

test('a deleted batch is gone, its ack too', async () => {
  const batch = someBatch()
  await chain.store.write([{ kind: 'batch', batch, ack: ackFor(batch) }], false)
  await chain.store.write([{ kind: 'delete-batch', ref: refOf(batch) }], false)
  assert.equal(await chain.store.batch(refOf(batch)), null)
  await chain.storeBatch(batch)
  await chain.reopen()
  assert.deepEqual(
    (await chain.store.restore([], OPEN_MS)).batches.map(({ ack }) => ack),
    [null],
  )
})

test('certificates and proposals below the floor go with the next pruning, final blocks stay', async () => {
  const finals = [chain.block(), chain.block(), chain.block()]
  await chain.storeFinal(...finals)
  await chain.store.write(
    finals.flatMap((final) => [
      { kind: 'certificate', certificate: final.finalization } as const,
      { kind: 'proposal', proposal: proposalOf(final) } as const,
    ]),
    false,
  )
  const views = async (): Promise<number[][]> => {
    const { certificates, proposals } = await chain.store.restore([], OPEN_MS)
    return [certificates.map(({ view }) => view), proposals.map(({ proposal }) => proposal.view)]
  }
  await chain.store.write([{ kind: 'delete-certificates-below', view: 3 }], false)
  assert.deepEqual(await views(), [
    [1, 2, 3],
    [1, 2, 3],
  ])
  await chain.store.prune()
  assert.deepEqual(await views(), [[3], [3]])
  assert.equal((await chain.store.final(1))?.height, 1)
})

test('final blocks are handed back as far as batches they order may still look open', async () => {
  const finals = Array.from({ length: 5 }, () => chain.block())
  await chain.storeFinal(...finals)
  const executed = (height: number): ExecutionResult => ({
    height,
    timeMs: finals[height - 1]?.block.timeMs as number,
    stateRoot: hash('state-node'),
    receiptsRoot: hash('receipt'),
    hadWork: false,
  })
  const heights = async (results: readonly ExecutionResult[], openMs: number): Promise<number[]> =>
    (await chain.store.restore(results, openMs)).finalBlocks.map(({ height }) => height)
  assert.deepEqual(await heights([], 0), [1, 2, 3, 4, 5])
  assert.deepEqual(await heights([executed(3)], 0), [3, 4, 5])
  assert.deepEqual(await heights([executed(2), executed(3)], 1_000), [2, 3, 4, 5])
})

test('a batch that no key can name is not here', async () => {
  assert.equal(await chain.store.batch({ ...refOf(someBatch()), epoch: 2 ** 40 }), null)
})

test('a damaged record is told with the way out', async () => {
  const final = chain.block()
  await chain.storeFinal(final)
  await chain.store.close()
  const directory = join(chain.directory, 'chain')
  const database = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  for await (const [key, value] of database.iterator({ gte: Uint8Array.of(4), lt: Uint8Array.of(5) }))
    await database.put(key, value.subarray(0, -1))
  await database.close()
  chain.store = await ChainStore.open(directory, chain.chain.genesisHash, EPOCH)
  await assert.rejects(chain.store.restore([], OPEN_MS), {
    code: 'data-inconsistent',
    message: /damaged record .*leave signer\/ where it is/,
  })
})

/** Flips a bit in each value of a table, behind the back of the store, which is closed for it. */
async function spoilTable(table: number): Promise<void> {
  await chain.store.close()
  const directory = join(chain.directory, 'chain')
  const raw = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  for await (const [key, value] of raw.iterator({
    gte: Uint8Array.of(table),
    lt: Uint8Array.of(table + 1),
  })) {
    value[20] = (value[20] as number) ^ 2
    await raw.put(key, value)
  }
  await raw.close()
  chain.store = await ChainStore.open(directory, chain.chain.genesisHash, EPOCH)
}

test('a damaged body is not here, so that it is fetched again', async () => {
  const batch = someBatch()
  await chain.storeBatch(batch)
  await spoilTable(5)
  assert.equal(await chain.store.batch(refOf(batch)), null)
  await chain.storeBatch(batch)
  assert.notEqual(await chain.store.batch(refOf(batch)), null)
})

test('a damaged block or final height is never answered from', async () => {
  const final = chain.block()
  await chain.storeFinal(final)
  await spoilTable(3)
  await assert.rejects(chain.store.block(final.digest), { code: 'data-inconsistent' })
  await spoilTable(4)
  await assert.rejects(chain.store.final(1), { code: 'data-inconsistent' })
})

test('a store of another chain, or one in use, is refused', async () => {
  const directory = join(chain.directory, 'chain')
  await assert.rejects(ChainStore.open(directory, chain.chain.genesisHash, EPOCH), {
    code: 'directory-locked',
    message: /in use by another process; stop/,
  })
  await chain.store.close()
  await assert.rejects(ChainStore.open(directory, hash('genesis', Uint8Array.of(1)), EPOCH), {
    code: 'other-chain',
    message: /belongs to chain [0-9a-f]{16}, the genesis file is of chain/,
  })
  chain.store = await ChainStore.open(directory, chain.chain.genesisHash, EPOCH)
})

test('records without the one that says whose they are are refused, not taken over', async () => {
  await chain.storeFinal(chain.block())
  await chain.store.close()
  const directory = join(chain.directory, 'chain')
  const database = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view' })
  await database.del(utf8('!chain'))
  await database.close()
  await assert.rejects(ChainStore.open(directory, chain.chain.genesisHash, EPOCH), {
    code: 'data-inconsistent',
    message: /not the one that says of which format and chain.*leave signer\/ where it is/,
  })
  await rm(directory, { recursive: true })
  chain.store = await ChainStore.open(directory, chain.chain.genesisHash, EPOCH)
})

test('the cache forgets the oldest beyond its bytes', () => {
  const cache = new ByteCache<string>(10)
  const key = (n: number): Uint8Array => Uint8Array.of(n)
  cache.set(key(1), 'a', 6)
  cache.set(key(2), 'b', 4)
  assert.deepEqual([cache.get(key(1)), cache.get(key(2))], ['a', 'b'])
  cache.set(key(3), 'c', 1)
  assert.deepEqual([cache.get(key(1)), cache.get(key(2)), cache.get(key(3))], [undefined, 'b', 'c'])
  cache.set(key(2), 'B', 9)
  assert.deepEqual([cache.get(key(2)), cache.get(key(3))], ['B', 'c'])
  cache.delete(key(2))
  cache.set(key(4), 'd', 9)
  assert.deepEqual([cache.get(key(3)), cache.get(key(4))], ['c', 'd'])
  cache.set(key(5), 'too large', 11)
  assert.equal(cache.get(key(5)), undefined)
})

test('a body is in memory only when its write is on disk (simulation, swarm 259073)', async () => {
  const onDisk = Promise.withResolvers<undefined>()
  const database: ChainDatabase = {
    get: () => Promise.resolve(undefined),
    write: () => onDisk.promise,
    iterator: () => ({ all: () => Promise.resolve([]) }),
    clear: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const store = ChainStore.over(database, 'chain', EPOCH)
  const batch = someBatch()
  const written = store.write([{ kind: 'batch', batch, ack: null }], true)
  assert.equal(await store.batch(refOf(batch)), null)
  onDisk.resolve(undefined)
  await written
  assert.deepEqual(await store.batch(refOf(batch)), batch)
})
