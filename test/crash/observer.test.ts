/** The observer on a real wire: what a validator sends it is checked, remembered and held against what it sent before. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { genesisHash as hashOfGenesis } from '../../config/genesis.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import type { Vote } from '../../consensus/types.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import { batchDigestOfBatch, batchMessage, encodeMessage, voteMessage } from '../../consensus/wire.ts'
import { hash } from '../../crypto/hash.ts'
import { sign } from '../../crypto/ed25519.ts'
import { createDevnet } from '../../devnet/create.ts'
import { deriveKey, keySeed } from '../../devnet/keys.ts'
import { devnetPaths, readDevnetFile } from '../../devnet/layout.ts'
import { createNetwork } from '../../p2p/network.ts'
import type { Network } from '../../p2p/types.ts'
import { addObserver, Observer } from './observer.ts'

const PATIENCE_MS = 60_000

const parent = mkdtempSync(join(tmpdir(), 'cordon-observer-'))
const dir = join(parent, 'devnet')
const pid = (name: string): Uint8Array => hash('genesis', new TextEncoder().encode(name))

let observer: Observer
let validator: Network
let context: Uint8Array
let secretKey: Uint8Array

/** A validator that says what it is told to, at the address and with the keys of v1. */
before(async () => {
  await createDevnet(dir, { validators: 4, loadAccounts: 0 })
  addObserver(dir)
  const { nodes, seed } = readDevnetFile(dir)
  const genesis = readGenesisFile(devnetPaths(dir).genesis)
  const genesisHash = hashOfGenesis(genesis)
  const validators = genesis.validators.map(({ name, publicKey, stake }) => ({
    name,
    publicKey,
    weight: stake,
  }))
  context = makeValidatorSet({ genesisHash }, 1, validators).context
  secretKey = deriveKey(seed, 'validator', 'v1').secretKey
  const isReady = Promise.withResolvers<undefined>()
  const quiet = (): undefined => undefined
  validator = await createNetwork({
    genesisHash,
    listen: [nodes[0]!.p2p.replace(/\/p2p\/.*$/, '')],
    announce: [],
    bootstrap: [],
    mdns: false,
    identitySeed: keySeed(seed, 'peer', 'v1'),
    validatorKeys: validators.map(({ publicKey }) => publicKey),
    validator: { index: 0, signHello: (message) => sign(message, secretKey) },
    userAgent: 'test/1',
    topics: [],
    handlers: {
      onMessage: quiet,
      onGossip: () => 'accept',
      onRequest: () => Promise.reject(new Error('not asked')),
      onPeerReady: () => isReady.resolve(undefined),
      onPeerGone: quiet,
    },
    log: { debug: quiet, info: quiet, warn: quiet },
  })
  await validator.start()
  observer = await Observer.start(dir)
  await isReady.promise
})

after(async () => {
  await observer.stop()
  await validator.stop()
  rmSync(parent, { recursive: true, force: true })
})

function send(message: Parameters<typeof encodeMessage>[0]): void {
  assert.ok(validator.send(validator.peers()[0]!.id, encodeMessage(message)))
}

function vote(kind: Vote['kind'], view: number, name: string | null, signer: number = 0): void {
  const id = name === null ? null : pid(name)
  const signature = sign(voteMessage(context, kind, 1, view, id), secretKey)
  send({ type: 'vote', vote: { kind, epoch: 1, view, pid: id, signer, signature } })
}

/** Everything sent before has arrived. */
async function arrived(view: number): Promise<void> {
  vote('nullify', view, null)
  assert.ok(await observer.votesAbove(0, view - 1, AbortSignal.timeout(PATIENCE_MS)), 'no vote came')
}

test('votes that fit together are seen and no fault', async () => {
  vote('notarize', 1, 'a')
  vote('notarize', 1, 'a')
  vote('finalize', 1, 'a')
  await arrived(2)
  assert.equal(observer.book.votes, 3)
  assert.deepEqual(observer.book.findings, [])
  assert.equal(observer.newestView, 2)
})

test('a vote in the name of another validator, without its signature, counts for nothing', async () => {
  vote('notarize', 1, 'b', 1)
  await arrived(3)
  assert.equal(observer.book.votes, 4)
  assert.deepEqual(observer.book.findings, [])
})

test('a second vote of a view for something else is found', async () => {
  vote('finalize', 1, 'b')
  await arrived(4)
  assert.match(
    observer.book.findings.join('\n'),
    /^validator 0, view 1: two finalize votes, by its finalize vote [0-9a-f]{64}$/,
  )
})

test('two batches under one number are found', async () => {
  for (const createdMs of [1, 1, 2]) {
    const batch = { epoch: 1, author: 0, seq: 7, createdMs, txs: [] }
    const digest = batchDigestOfBatch(context, batch)
    send({ type: 'batch', batch: { batch, digest, signature: sign(batchMessage(digest), secretKey) } })
  }
  await arrived(5)
  assert.equal(observer.book.batches, 1)
  assert.match(observer.book.findings.at(-1) ?? '', /^validator 0 signed two batches 7: /)
})
