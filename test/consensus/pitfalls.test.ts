/**
 * Mistakes that implementations of this protocol have made, and durability rules, each as a directed scenario. The table
 * in docs/spec/consensus.md says which number is tested where; here are those that have no place of their own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { deltaOf } from '../../consensus/view-timers.ts'
import { openSigner } from '../../consensus/signer.ts'
import type { Certificate, Message, Vote } from '../../consensus/types.ts'
import { encodeCertificate, encodeVote } from '../../consensus/wire.ts'
import { sign } from '../../crypto/ed25519.ts'
import { castBy, cut, firstBlock, proposalBy } from './by-hand.ts'
import { certificate, CREATED_MS, keyPair, validatorSet } from './fixtures.ts'
import { MemoryJournal } from './memory-journal.ts'
import { LINK_MS, VirtualNetwork, type LinkRule } from './virtual-network.ts'

const set = validatorSet()
const DELTA_MS = 100
const HONEST = [1, 2, 3]

function isVote(message: Message, kind: Vote['kind']): boolean {
  return message.type === 'vote' && message.vote.kind === kind
}

/** Honest nodes 1 to 3; the faulty leader 0 shows its proposal to all, its notarization to node 1 alone. */
async function split(): Promise<VirtualNetwork> {
  const network = new VirtualNetwork()
  network.link = () => null
  await network.startAll(HONEST)
  const proposal = proposalBy(0, 1, firstBlock(0))
  for (const node of HONEST) await network.deliver(0, node, { type: 'proposal', proposal })
  const notarization = certificate(set, 'notarize', 1, proposal.proposal, HONEST)
  await network.deliver(0, 1, { type: 'certificate', certificate: notarization })
  assert.ok(castBy(network, 1, 'finalize', 1))
  await network.run(3 * DELTA_MS)
  assert.ok([2, 3].every((node) => castBy(network, node, 'nullify', 1)))
  const nullification = certificate(set, 'nullify', 1, null, [0, 2, 3])
  for (const node of [2, 3])
    await network.deliver(0, node, { type: 'certificate', certificate: nullification })
  return network
}

test('pitfall 3: a node that nullified a view goes on with its notarization, at once, and builds upon it', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  await network.run(3 * DELTA_MS)
  assert.ok(castBy(network, 2, 'nullify', 1))
  const first = proposalBy(0, 1, firstBlock(0))
  await network.deliver(0, 2, { type: 'proposal', proposal: first })
  const notarization = certificate(set, 'notarize', 1, first.proposal, [0, 1, 3])
  await network.deliver(0, 2, { type: 'certificate', certificate: notarization })
  assert.equal(network.node(2).engine.view, 2)
  const child = { ...firstBlock(1, CREATED_MS + 2), height: 2, parentDigest: first.proposal.blockDigest }
  await network.deliver(1, 2, { type: 'proposal', proposal: proposalBy(1, 2, child, notarization) })
  assert.ok(castBy(network, 2, 'notarize', 2))
  assert.equal(castBy(network, 2, 'finalize', 1), false, 'nullify excludes finalize')
})

test('pitfalls 4 and 8: nodes that entered a view by different certificates name one leader, and go on together', async () => {
  const network = await split()
  const entries = HONEST.map((index) => network.node(index).noted('view-entered')[1])
  assert.deepEqual(
    entries.map((note) => note?.kind === 'view-entered' && `${note.view} by ${note.by}`),
    ['2 by notarize', '2 by nullify', '2 by nullify'],
  )
  assert.deepEqual(
    HONEST.map((index) => network.node(index).engine.report().leader),
    [1, 1, 1],
  )
  network.link = cut(0)
  assert.ok(await network.run(60 * DELTA_MS, () => network.minHeight(HONEST) >= 3))
  network.assertAgreement()
  assert.equal(castBy(network, 1, 'nullify', 1), false)
  for (const node of [2, 3]) assert.equal(castBy(network, node, 'finalize', 1), false)
})

test('pitfall 5: nullify votes that were lost are sent again in the same view, before any standstill', async () => {
  const network = new VirtualNetwork()
  const untilMs = 6 * DELTA_MS
  network.link = (from, to, message) =>
    isVote(message, 'nullify') && network.nowMs < untilMs ? null : cut(0)(from, to, message)
  await network.startAll(HONEST)
  await network.run(untilMs)
  assert.ok(
    HONEST.every((node) => castBy(network, node, 'nullify', 1) && network.node(node).engine.view === 1),
  )
  assert.ok(await network.run(12 * DELTA_MS, () => network.minHeight(HONEST) >= 1))
  assert.deepEqual(
    HONEST.flatMap((node) => network.node(node).noted('standstill')),
    [],
  )
})

test('pitfall 5: finalize votes that were lost leave no chain idle: the next block makes both final', async () => {
  const network = new VirtualNetwork()
  network.link = (_from, _to, message) =>
    message.type === 'vote' && message.vote.kind === 'finalize' && message.vote.view === 1 ? null : LINK_MS
  await network.startAll()
  assert.ok(await network.run(3 * DELTA_MS, () => network.minHeight() >= 2))
  network.assertAgreement()
})

test('pitfall 11: timeouts grow while nothing becomes final, however many views are notarized meanwhile', async () => {
  const network = new VirtualNetwork()
  const noFinality: LinkRule = (_from, _to, message) => (isVote(message, 'finalize') ? null : LINK_MS)
  network.link = noFinality
  await network.startAll()
  const { engine } = network.node(0)
  assert.ok(await network.run(60_000, () => engine.view > 12))
  assert.equal(engine.lastFinalView, 0)
  network.link = (from, to, message) => (message.type === 'proposal' ? null : noFinality(from, to, message))
  const leave = async (): Promise<number> => {
    const { view } = engine
    assert.ok(await network.run(60_000, () => engine.view > view))
    return network.nowMs
  }
  const enteredMs = await leave()
  const { view } = engine
  const expectedMs = 2 * deltaOf(network.parameters, view, 0)
  assert.ok(expectedMs > 4 * 2 * DELTA_MS)
  assert.ok((await leave()) - enteredMs >= expectedMs)
})

test('pitfall 12: a standstill repeats the newest votes and certificates, within a budget', async () => {
  const big = Array.from({ length: 40 }, () => 1n)
  const network = new VirtualNetwork({ weights: big })
  network.link = () => null
  const [node, views] = [39, 170]
  await network.startAll([node])
  const signers = Array.from({ length: 27 }, (_, index) => index)
  for (let view = 1; view <= views; view++) {
    const held = certificate(network.set, 'nullify', view, null, signers)
    await network.deliver(0, node, { type: 'certificate', certificate: held })
  }
  assert.ok(views * encodeCertificate(certificate(set, 'nullify', 1, null, signers)).length > 262_144)
  await network.run(network.parameters.standstillMs - network.nowMs - 1)
  network.sent.length = 0
  assert.ok(await network.run(2, () => network.node(node).noted('standstill').length === 1))
  const repeated = network.sent.filter(({ to }) => to === 0).map(({ message }) => message)
  const certificates = repeated.flatMap((message): Certificate[] =>
    message.type === 'certificate' ? [message.certificate] : [],
  )
  const votes = repeated.flatMap((message) => (message.type === 'vote' ? [message.vote] : []))
  const bytes = [...certificates.map(encodeCertificate), ...votes.map(encodeVote)].reduce(
    (sum, { length }) => sum + length,
    0,
  )
  assert.ok(bytes <= LIMITS.standstillBytes, `${bytes} bytes`)
  assert.ok(bytes > LIMITS.standstillBytes / 2)
  assert.equal(Math.max(...certificates.map(({ view }) => view)), views)
})

test('pitfall 21: a vote that stands twice in the journal is one vote', async () => {
  const open = (storage: MemoryJournal): ReturnType<typeof openSigner> =>
    openSigner({ set, index: 1, storage, key: { sign: (message) => sign(message, keyPair(1).secretKey) } })
  const storage = new MemoryJournal()
  const before = await open(storage)
  const first = before.nullify(1)
  const lengthBefore = storage.bytes.length
  await before.flush()
  const record = storage.bytes.subarray(lengthBefore)
  assert.ok(record.length > 0)
  const after = await open(new MemoryJournal(Buffer.concat([storage.bytes, record])))
  assert.equal(after.ownVotes().length, 1)
  assert.deepEqual(after.nullify(1), { ...first, repeated: true })
})

test('pitfall 22: one node restarts, at any moment of a view, and is there again when it is needed', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  network.link = cut(0)
  await network.startAll(HONEST)
  for (let round = 1; round <= 8; round++) {
    await network.run(2 * round)
    network.node(3).crash()
    await network.run(5 * DELTA_MS)
    await network.node(3).start()
    const goal = network.minHeight(HONEST) + 2
    assert.ok(await network.run(100 * DELTA_MS, () => network.minHeight(HONEST) >= goal), `round ${round}`)
  }
  network.assertAgreement()
})

test('P3: the certificate that led into a view is stored before any vote of that view leaves', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  const bare: string[] = []
  network.link = (from, to, message) => {
    if (message.type === 'vote' && message.vote.signer === from) {
      const { view, kind } = message.vote
      const stored = [...network.node(from).stored.certificates.values()]
      const isEntered = view === 1 || stored.some((held) => held.view >= view - 1)
      if (!isEntered) bare.push(`node ${from}: ${kind} in view ${view}`)
    }
    // Proposals of view 3 and 4 are lost, so that views are entered by nullifications, too.
    const isLost = message.type === 'proposal' && [3, 4].includes(message.proposal.proposal.view)
    return isLost || from === to ? null : LINK_MS
  }
  await network.startAll()
  assert.ok(await network.run(60 * DELTA_MS, () => network.minHeight() >= 5))
  assert.ok(
    network
      .node(0)
      .noted('view-entered')
      .some((note) => note.kind === 'view-entered' && note.by === 'nullify'),
  )
  assert.deepEqual(bare, [])
})

test('P5: the last finalization never moves back, whatever comes late, also over a restart', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  const finalization = (view: number): Message => {
    const { proposal } = proposalBy((view - 1) % 4, view, firstBlock((view - 1) % 4, CREATED_MS + view))
    return { type: 'certificate', certificate: certificate(set, 'finalize', view, proposal, [0, 1, 3]) }
  }
  await network.deliver(0, 2, finalization(7))
  for (const view of [3, 6]) await network.deliver(0, 2, finalization(view))
  assert.equal(network.node(2).engine.lastFinalView, 7)
  network.node(2).crash()
  await network.node(2).start()
  assert.equal(network.node(2).engine.lastFinalView, 7)
  assert.equal(network.node(2).engine.view, 8)
})
