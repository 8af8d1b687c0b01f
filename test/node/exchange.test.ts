/** Between network and replica: garbage costs the sender its score, gossip gets a fair verdict, requests are answered within limits. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import { Writer } from '../../crypto/codec.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { hash } from '../../crypto/hash.ts'
import type { Input } from '../../consensus/replica-types.ts'
import type { Message, SignedBatch } from '../../consensus/types.ts'
import {
  batchDigestOfBatch,
  batchMessage,
  blockDigest,
  decodeMessage,
  encodeFinalizedBlock,
  encodeMessage,
  encodeSignedBatch,
} from '../../consensus/wire.ts'
import { Exchange, type ExchangeOptions } from '../../node/exchange.ts'
import { refOf } from '../../node/store/chain-store.ts'
import type { Network, PeerInfo, Topic } from '../../p2p/types.ts'
import { keysOf, transferTo } from '../ledger/helpers.ts'
import { NodeChain, turns, validatorSetOf, type FinalBlock } from './fixtures.ts'

const PEER = peer('peer', null)

let chain: NodeChain
let inputs: Input[]
let sent: { readonly to: string; readonly message: Message }[]
let penalties: string[]
let peers: PeerInfo[]
let requests: { readonly to: string; readonly bytes: Uint8Array }[]
let dated: { readonly author: number; readonly madeMs: number }[]
let published: { readonly topic: Topic; readonly bytes: Uint8Array }[]
let listeners: readonly Topic[]
let backlog: number
let finalHeight: number

beforeEach(async () => {
  chain = await NodeChain.open()
  inputs = []
  sent = []
  penalties = []
  peers = []
  requests = []
  dated = []
  published = []
  listeners = []
  backlog = 0
  finalHeight = 0
})

afterEach(async () => {
  mock.restoreAll()
  await chain[Symbol.asyncDispose]()
})

function peer(id: string, validator: number | null): PeerInfo {
  return { id, addresses: [], validator, direction: 'inbound', score: 0 }
}

function open(options: Partial<ExchangeOptions> = {}): Exchange {
  const exchange = new Exchange({
    set: chain.set,
    genesisHash: chain.chain.genesisHash,
    self: 0,
    parameters: chain.chain.genesis.parameters,
    verifier: { verify },
    store: {
      block: (digest) => counted(chain.store.block(digest)),
      batch: (ref) => counted(chain.store.batch(ref)),
    },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    input: (input) => inputs.push(input),
    backlog: () => backlog,
    finalHeight: () => finalHeight,
    onDated: (author, madeMs) => dated.push({ author, madeMs }),
    onGossipedTx: () => Promise.resolve('accept'),
    onSubmittedTxs: (_, txs) => Promise.resolve(txs.map((tx) => tx.length > 1)),
    ...options,
  })
  exchange.attach({
    peers: () => peers,
    peerOfValidator: (index: number) => peers.find(({ validator }) => validator === index) ?? null,
    send: (to: string, bytes: Uint8Array) => sent.push({ to, message: decodeMessage(bytes) }) > 0,
    hasListeners: (topic: Topic) => listeners.includes(topic),
    publish: (topic: Topic, bytes: Uint8Array) => published.push({ topic, bytes }),
    penalize: (id: string, why: string) => penalties.push(`${id} ${why}`),
    request: (to: string, bytes: Uint8Array) => {
      requests.push({ to, bytes })
      return Promise.resolve(Uint8Array.of(1, 0))
    },
  } as unknown as Network)
  return exchange
}

let reads = 0

async function counted<Result>(read: Promise<Result>): Promise<Result> {
  reads++
  try {
    return await read
  } finally {
    reads--
  }
}

/** Resolves when nothing is read from the store any more. */
async function answered(): Promise<void> {
  do await turns()
  while (reads > 0)
}

async function answersTo(exchange: Exchange, message: Message, from = PEER): Promise<Message[]> {
  sent = []
  exchange.onMessage(from, encodeMessage(message))
  await answered()
  assert.ok(sent.every(({ to }) => to === from.id))
  return sent.map(({ message: answer }) => answer)
}

function nowBatch(options: { readonly author?: number; readonly createdMs?: number } = {}): SignedBatch {
  return chain.batch([chain.tx('alice', [transferTo('bob', 5n)])], {
    createdMs: Date.now(),
    author: 1,
    ...options,
  })
}

// ---- direct messages ----

test('a good message becomes an input, a bad one costs the sender its score', () => {
  const exchange = open()
  const message: Message = { type: 'certificates-request', fromView: 1, toView: 5 }
  exchange.onMessage(peer('v3', 2), encodeMessage(message))
  assert.deepEqual(inputs, [{ type: 'message', from: { id: 'v3', validator: 2 }, message }])
  for (const garbage of [new Uint8Array(0), Uint8Array.of(255), new Uint8Array(500).fill(7)])
    exchange.onMessage(PEER, garbage)
  assert.equal(penalties.length, 3)
  for (const penalty of penalties) assert.match(penalty, /^peer malformed: /)
  assert.equal(inputs.length, 1)
})

test('above the backlog nothing more is taken from peers', () => {
  const exchange = open()
  backlog = LIMITS.inputBacklog
  exchange.onMessage(PEER, encodeMessage({ type: 'certificates-request', fromView: 1, toView: 5 }))
  assert.equal(exchange.onGossip('batch', PEER, encodeSignedBatch(nowBatch())), 'ignore')
  assert.deepEqual(inputs, [])
  assert.deepEqual(penalties, [])
})

/** The proposal of a block on genesis. */
function proposalOf({ block, digest }: FinalBlock): Message {
  const proposal = { epoch: block.epoch, view: 1, parentView: 0, blockDigest: digest, justHash: digest }
  const signature = new Uint8Array(64)
  return { type: 'proposal', proposal: { proposal, block, parentCertificate: null, skips: [], signature } }
}

test('what others date by their clock alone is told: batches, and empty blocks of the leader itself', () => {
  const exchange = open()
  const empty = chain.block()
  const { author, timeMs } = empty.block
  exchange.onMessage(peer('leader', author), encodeMessage(proposalOf(empty)))
  assert.deepEqual(dated, [{ author, madeMs: timeMs }])
  exchange.onMessage(peer('other', author + 1), encodeMessage(proposalOf(empty)))
  exchange.onMessage(
    peer('leader', author),
    encodeMessage(proposalOf(chain.block([chain.certificate(nowBatch())]))),
  )
  assert.equal(dated.length, 1)

  const follower = open({ self: null })
  const ahead = nowBatch({ createdMs: Date.now() + 60_000 })
  assert.equal(follower.onGossip('batch', PEER, encodeSignedBatch(ahead)), 'ignore')
  assert.equal(follower.onGossip('batch', null, encodeSignedBatch(nowBatch())), 'accept')
  assert.deepEqual(dated.slice(1), [{ author: 1, madeMs: ahead.batch.createdMs }])
})

test('who is no validator takes the date of final blocks', () => {
  const final = chain.block()
  const gossip = encodeFinalizedBlock(final)
  assert.equal(open({ self: null }).onGossip('block', PEER, gossip), 'accept')
  assert.deepEqual(dated, [{ author: final.block.author, madeMs: final.block.timeMs }])
})

// ---- requests for what is stored ----

test('a block is answered with its ancestors, newest first, as many as asked for', async () => {
  const exchange = open()
  const finals = [chain.block(), chain.block(), chain.block()]
  await chain.storeFinal(...finals)
  const digest = finals[2]?.digest as Uint8Array
  const heights = (messages: readonly Message[]): number[][] =>
    messages.map((message) => (message.type === 'blocks' ? message.blocks.map(({ height }) => height) : []))
  assert.deepEqual(heights(await answersTo(exchange, { type: 'block-request', digest, maxBlocks: 2 })), [
    [3, 2],
  ])
  assert.deepEqual(heights(await answersTo(exchange, { type: 'block-request', digest, maxBlocks: 60 })), [
    [3, 2, 1],
  ])
  const unknown = hash('block', Uint8Array.of(1))
  assert.deepEqual(await answersTo(exchange, { type: 'block-request', digest: unknown, maxBlocks: 2 }), [])
  assert.deepEqual(inputs, [])
})

test('a page of blocks ends at its limits', async () => {
  const exchange = open()
  const small = Array.from({ length: LIMITS.blocksPerPage + 5 }, () => chain.block())
  const payload = Array.from({ length: 64 }, () =>
    chain.certificate(nowBatch(), {
      flags: Array.from({ length: 30 }, (_, tx) => ({ tx, action: 0, score: 1, reasons: 0 })),
    }),
  )
  const large = Array.from({ length: 10 }, () => chain.block(payload))
  await chain.storeFinal(...small, ...large)
  const count = async (digest: Uint8Array | undefined): Promise<number> => {
    assert.ok(digest)
    const [answer] = await answersTo(exchange, {
      type: 'block-request',
      digest,
      maxBlocks: LIMITS.blocksPerPage,
    })
    assert.ok(answer?.type === 'blocks')
    assert.ok(encodeMessage(answer).length <= LIMITS.pageBytes + LIMITS.pageBytes / 8)
    return answer.blocks.length
  }
  assert.equal(await count(small.at(-1)?.digest), LIMITS.blocksPerPage)
  const some = await count(large.at(-1)?.digest)
  assert.ok(some >= 1 && some < large.length, `${some} blocks`)
})

test('batches are answered as far as they are here', async () => {
  const exchange = open()
  const [here, unknown] = [nowBatch(), nowBatch()]
  await chain.storeBatch(here)
  const answers = await answersTo(exchange, { type: 'batch-request', refs: [refOf(unknown), refOf(here)] })
  assert.deepEqual(
    answers.map((answer) =>
      answer.type === 'batches' ? answer.batches.map(({ digest }) => toHex(digest)) : [],
    ),
    [[toHex(here.digest)]],
  )
  assert.deepEqual(await answersTo(exchange, { type: 'batch-request', refs: [refOf(unknown)] }), [])
})

test('a request for a batch that no store can hold has no answer, and no consequence', async () => {
  const exchange = open()
  const ref = { ...refOf(nowBatch()), epoch: 2 ** 40 }
  assert.deepEqual(await answersTo(exchange, { type: 'batch-request', refs: [ref] }), [])
})

test('a store that fails, by closing for example, has no consequence', async () => {
  const warnings: string[] = []
  const exchange = open({
    store: {
      block: () => Promise.reject(new Error('closed')),
      batch: () => Promise.reject(new Error('closed')),
    },
    log: { debug: () => undefined, info: () => undefined, warn: (_, message) => warnings.push(message) },
  })
  const digest = hash('block', Uint8Array.of(1))
  assert.deepEqual(await answersTo(exchange, { type: 'block-request', digest, maxBlocks: 1 }), [])
  assert.equal(warnings.length, 1)
})

test('pages have a rate per peer, forgotten when the peer goes', async () => {
  mock.method(performance, 'now', () => 0)
  const exchange = open()
  const { digest, ...final } = chain.block()
  await chain.storeFinal({ digest, ...final })
  const request = encodeMessage({ type: 'block-request', digest, maxBlocks: 1 })
  for (let i = 0; i < 3 * LIMITS.pagesPerSecondPerPeer; i++) exchange.onMessage(PEER, request)
  await answered()
  assert.equal(sent.length, LIMITS.pagesPerSecondPerPeer)
  const ofOther = await answersTo(
    exchange,
    { type: 'block-request', digest, maxBlocks: 1 },
    peer('other', null),
  )
  assert.equal(ofOther.length, 1)
  exchange.onPeerGone(PEER)
  assert.equal((await answersTo(exchange, { type: 'block-request', digest, maxBlocks: 1 })).length, 1)
})

// ---- gossip ----

test('a batch its author signed is passed on and becomes an input', () => {
  const exchange = open({ self: null })
  const batch = nowBatch()
  assert.equal(exchange.onGossip('batch', PEER, encodeSignedBatch(batch)), 'accept')
  assert.deepEqual(
    inputs.map((input) =>
      input.type === 'gossiped-batch' ? [input.from.id, toHex(input.batch.digest)] : [],
    ),
    [[PEER.id, toHex(batch.digest)]],
  )
})

test('a batch that is forged, of another chain or of another epoch is rejected', () => {
  const exchange = open({ self: null })
  const batch = nowBatch()
  const forged = { ...batch, signature: sign(batchMessage(batch.digest), keysOf('mallory').secretKey) }
  const otherSet = validatorSetOf({ ...chain.chain, genesisHash: hash('genesis', Uint8Array.of(1)) })
  const signed = (context: Uint8Array, fields: SignedBatch['batch']): SignedBatch => {
    const digest = batchDigestOfBatch(context, fields)
    return { batch: fields, digest, signature: sign(batchMessage(digest), keysOf('validator1').secretKey) }
  }
  const otherChain = signed(otherSet.context, batch.batch)
  const otherEpoch = signed(chain.set.context, { ...batch.batch, epoch: 2 })
  const nobody = signed(chain.set.context, { ...batch.batch, author: 9 })
  for (const bad of [forged, otherChain, otherEpoch, nobody])
    assert.equal(exchange.onGossip('batch', PEER, encodeSignedBatch(bad)), 'reject')
  assert.equal(exchange.onGossip('batch', PEER, Uint8Array.of(1, 2, 3)), 'reject')
  assert.deepEqual(inputs, [])
  assert.deepEqual(penalties, [], 'the network penalises what is rejected; twice would be too much')
})

test('a batch that is too old, or from the future, is not passed on', () => {
  const exchange = open({ self: null })
  const { batchTtlMs, maxClockDriftMs } = chain.chain.genesis.parameters
  for (const createdMs of [Date.now() - 2 * batchTtlMs, Date.now() + 60_000 + maxClockDriftMs])
    assert.equal(exchange.onGossip('batch', PEER, encodeSignedBatch(nowBatch({ createdMs }))), 'ignore')
  assert.deepEqual(inputs, [])
})

test('a final block is passed on and becomes an input', () => {
  const exchange = open({ self: null })
  const final = chain.block()
  assert.equal(exchange.onGossip('block', PEER, encodeFinalizedBlock(final)), 'accept')
  assert.equal(inputs[0]?.type, 'finalized-block')
  assert.deepEqual(blockDigest(inputs[0].finalized.block), final.digest)
  // Another validator publishes it with other signers: it is known to be final.
  const again = { block: final.block, finalization: chain.certify('finalize', final.block, [1, 2, 3]) }
  assert.equal(exchange.onGossip('block', PEER, encodeFinalizedBlock(again)), 'ignore')
  assert.equal(inputs.length, 1)
})

test('a validator takes neither batches nor blocks from gossip: they come to it directly', () => {
  const exchange = open()
  assert.equal(exchange.onGossip('batch', PEER, encodeSignedBatch(nowBatch())), 'ignore')
  assert.equal(exchange.onGossip('block', PEER, encodeFinalizedBlock(chain.block())), 'ignore')
  assert.equal(exchange.onGossip('batch', PEER, Uint8Array.of(1)), 'ignore')
  assert.deepEqual([inputs, dated], [[], []])
})

test('an own batch goes to every validator, and by gossip only if somebody listens; so does a block', () => {
  const exchange = open()
  peers = [peer('v0', 0), peer('v1', 1), peer('full', null), peer('v2', 2)]
  const batch = nowBatch({ author: 0 })
  const final = chain.block()
  exchange.publishBatch(batch)
  exchange.publishBlock(final)
  assert.deepEqual(
    sent.map(({ to, message }) => [to, message.type]),
    [
      ['v1', 'batch'],
      ['v2', 'batch'],
    ],
  )
  assert.deepEqual(published, [])
  listeners = ['batch', 'block']
  exchange.publishBatch(batch)
  exchange.publishBlock(final)
  assert.deepEqual(published, [
    { topic: 'batch', bytes: encodeSignedBatch(batch) },
    { topic: 'block', bytes: encodeFinalizedBlock(final) },
  ])
})

test('a batch that its author sends is dated once, and passed on to who listens if the author signed it', () => {
  const exchange = open()
  const author = peer('author', 1)
  const receive = (batch: SignedBatch, from = author): void => {
    exchange.onMessage(from, encodeMessage({ type: 'batch', batch }))
  }
  const [first, second, third, fourth, fifth] = [
    nowBatch(),
    nowBatch(),
    nowBatch(),
    nowBatch(),
    nowBatch(),
  ] as const
  receive(second)
  assert.deepEqual(published, [], 'nobody listens')
  assert.equal(dated.length, 1)
  listeners = ['batch']
  receive(second) // again
  receive(first) // older
  receive(third, peer('other', 2))
  receive(third, PEER)
  assert.deepEqual([dated.length, published.length], [1, 0])
  receive(third)
  assert.deepEqual(published, [{ topic: 'batch', bytes: encodeSignedBatch(third) }])
  receive({ ...fourth, signature: new Uint8Array(64) })
  receive({ ...fifth, batch: { ...fifth.batch, epoch: 2 } })
  assert.equal(published.length, 1)
  assert.equal(inputs.length, 8, 'the engine judges for itself')
})

test('a block that is not final, of another chain or another epoch is rejected', () => {
  const exchange = open({ self: null })
  const { block, finalization } = chain.block()
  const other = { ...block, timeMs: block.timeMs + 1 }
  const otherChain = { ...block, genesisHash: hash('genesis', Uint8Array.of(1)) }
  const otherEpoch = { ...block, epoch: 2 }
  const cases = {
    'only notarized': { block, finalization: chain.certify('notarize', block) },
    'another block is final': { block: other, finalization },
    'too few signers': { block, finalization: chain.certify('finalize', block, [0, 1]) },
    'a signature that does not fit': {
      block,
      finalization: { ...finalization, signatures: finalization.signatures.toReversed() },
    },
    'another chain': { block: otherChain, finalization: chain.certify('finalize', otherChain) },
    'another epoch': { block: otherEpoch, finalization: chain.certify('finalize', otherEpoch) },
  }
  for (const [what, finalized] of Object.entries(cases))
    assert.equal(exchange.onGossip('block', PEER, encodeFinalizedBlock(finalized)), 'reject', what)
  assert.equal(exchange.onGossip('block', PEER, new Uint8Array(40)), 'reject')
  assert.deepEqual(inputs, [])
  assert.deepEqual(penalties, [])
})

test('a final block from long ago is not passed on', () => {
  const exchange = open({ self: null })
  finalHeight = 1_000
  assert.equal(exchange.onGossip('block', PEER, encodeFinalizedBlock(chain.block())), 'ignore')
  assert.deepEqual(inputs, [])
})

test('the verdict on a transaction is that of the intake', async () => {
  const exchange = open({
    onGossipedTx: (bytes) => Promise.resolve(bytes.length === 1 ? 'reject' : 'accept'),
  })
  assert.equal(await exchange.onGossip('tx', PEER, Uint8Array.of(1)), 'reject')
  assert.equal(await exchange.onGossip('tx', PEER, Uint8Array.of(1, 2)), 'accept')
})

// ---- hand-over ----

test('a hand-over says which transactions were taken', async () => {
  const exchange = open()
  const request = new Writer().u8(1).u32(2).bytes(Uint8Array.of(1)).bytes(Uint8Array.of(1, 2)).finish()
  assert.deepEqual(await exchange.onRequest(PEER, request), Uint8Array.of(0, 1))
  assert.deepEqual(penalties, [])
})

test('a request that is none costs the sender its score; a fault of this node does not', async () => {
  const exchange = open()
  for (const garbage of [new Uint8Array(0), Uint8Array.of(9), new Writer().u8(1).u32(257).finish()])
    await assert.rejects(exchange.onRequest(PEER, garbage))
  assert.equal(penalties.length, 3)
  const failing = open({ onSubmittedTxs: () => Promise.reject(new Error('disk full')) })
  await assert.rejects(failing.onRequest(PEER, new Writer().u8(1).u32(0).finish()), /disk full/)
  assert.equal(penalties.length, 3)
})

test('handing over goes to one validator after the other, in requests that fit', async () => {
  const exchange = open({ self: null })
  peers = [peer('full', null), peer('v1', 0), peer('v2', 1)]
  const txs = Array.from({ length: 300 }, (_, i) => new Uint8Array(i === 0 ? LIMITS.txBytes : 300).fill(i))
  assert.equal(await exchange.handOver(txs), 2)
  assert.ok(requests.length > 1)
  const taken: Uint8Array[] = []
  const receiver = open({
    onSubmittedTxs: (_, part) => {
      taken.push(...part)
      return Promise.resolve([])
    },
  })
  for (const { to, bytes } of requests) {
    assert.equal(to, requests[0]?.to)
    assert.ok(bytes.length <= LIMITS.requestBytes)
    await receiver.onRequest(PEER, bytes)
  }
  assert.deepEqual(taken.map(toHex), txs.map(toHex))
  const [first] = requests
  requests = []
  await exchange.handOver(txs.slice(0, 1))
  assert.notEqual(requests[0]?.to, first?.to)
})

test('without a validator nothing is handed over', async () => {
  peers = [peer('full', null)]
  assert.equal(await open({ self: null }).handOver([Uint8Array.of(1)]), 0)
  assert.deepEqual(requests, [])
})

// ---- targets ----

test('what the replica sends goes to whom it names', () => {
  const exchange = open({ self: 0 })
  peers = [peer('full', null), peer('self', 0), peer('v2', 1), peer('v3', 2)]
  const message: Message = { type: 'certificates-request', fromView: 1, toView: 1 }
  const receivers = (to: Parameters<Exchange['send']>[0]): string[] => {
    sent = []
    exchange.send(to, message)
    return sent.map(({ to: id }) => id)
  }
  assert.deepEqual(receivers({ kind: 'validators' }), ['v2', 'v3'])
  assert.deepEqual(receivers({ kind: 'validator', index: 2 }), ['v3'])
  assert.deepEqual(receivers({ kind: 'validator', index: 3 }), [])
  assert.deepEqual(receivers({ kind: 'peer', id: 'full' }), ['full'])
  const [first] = receivers({ kind: 'anyone' })
  const [second] = receivers({ kind: 'anyone' })
  assert.notEqual(first, second)
})
