import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import type { Block, Certificate, ProposalMessage } from '../../consensus/types.ts'
import { pidKey } from '../../consensus/certificates.ts'
import { openSigner } from '../../consensus/signer.ts'
import { leader } from '../../consensus/validator-set.ts'
import { blockDigest, proposalId } from '../../consensus/wire.ts'
import { castBy, cut, firstBlock, proposalBy, voteOf } from './by-hand.ts'
import { certificate, CREATED_MS, digestOf, keyPair, validatorSet } from './fixtures.ts'
import { MemoryJournal } from './memory-journal.ts'
import { LINK_MS, VirtualNetwork } from './virtual-network.ts'
import { EMPTY_ROOT } from '../../crypto/merkle.ts'

const set = validatorSet()
/** With four equal weights: the leader of view v is validator (v − 1) mod 4. */
const DELTA_MS = 100
const IDLE_MS = 1_500

test('happy path: the first block is made at once and is final after three delays, everywhere', async () => {
  const network = new VirtualNetwork({ followers: 1 })
  await network.startAll()
  assert.ok(await network.run(DELTA_MS, () => network.minHeight([0, 1, 2, 3]) === 1))
  assert.equal(network.nowMs, 3 * LINK_MS)
  assert.ok(await network.run(DELTA_MS, () => network.minHeight() === 1), 'the follower gets it by gossip')
  network.assertAgreement()
})

test('an idle chain makes one empty block per T_idle, with few messages', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  await network.run(DELTA_MS)
  const before = network.sent.length
  await network.run(10 * IDLE_MS + DELTA_MS)
  assert.equal(network.minHeight(), 11)
  for (const node of network.nodes)
    assert.equal(
      node.notes.some((note) => note.kind === 'vote-cast' && note.vote === 'nullify'),
      false,
    )
  // proposal, notarize and finalize votes to three others each, and nothing more
  assert.equal(network.sent.length - before, 10 * (3 + 9 + 12))
})

test('work ends the idling: a certificate is ordered at once, and its results are final within three more blocks', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  await network.run(DELTA_MS)
  await network.node(1).offer(1, 5)
  const offeredMs = network.nowMs
  const ordered = (): number =>
    network.node(0).stored.final.findIndex(({ block }) => block.payload.length > 0)
  assert.ok(await network.run(DELTA_MS, () => ordered() >= 0))
  assert.ok(network.nowMs - offeredMs <= 3 * LINK_MS)
  const height = ordered() + 1
  const committed = (): boolean =>
    network
      .node(0)
      .stored.final.slice(height, height + 3)
      .some(({ block }) => block.executed.height >= height)
  assert.ok(await network.run(2 * DELTA_MS, committed))
  const settledMs = network.nowMs
  const heightThen = network.minHeight()
  await network.run(IDLE_MS / 2)
  assert.ok(network.minHeight() <= heightThen + 1, `idle again after ${settledMs} ms`)
})

test('a certificate in a block that is not final yet is not ordered twice', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  await network.run(DELTA_MS)
  for (const node of network.nodes) await node.offer(1, 5)
  await network.run(5 * IDLE_MS)
  assert.equal(network.node(0).stored.final.filter(({ block }) => block.payload.length > 0).length, 1)
})

test('a silent leader costs one nullified view and no more', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0)
  await network.startAll([1, 2, 3])
  assert.ok(await network.run(3 * DELTA_MS, () => network.minHeight([1, 2, 3]) >= 1))
  assert.ok(
    network.nowMs >= 2 * DELTA_MS && network.nowMs <= 2 * DELTA_MS + 10 * LINK_MS,
    `final after ${network.nowMs} ms`,
  )
  assert.ok(castBy(network, 1, 'nullify', 1))
  assert.equal(network.node(1).stored.final[0]?.block.author, 1)
})

test('fast skip: a leader silent for 32 views costs nothing while the others are heard, and is waited for again once heard', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  network.link = cut(3)
  await network.startAll([0, 1, 2])
  assert.ok(await network.run(60_000, () => network.node(0).engine.view > 40))
  const skipped = (view: number): boolean => castBy(network, 0, 'nullify', view)
  const nextOfSilent = (view: number): number => view + ((4 - (view % 4)) % 4)
  const silentView = nextOfSilent(network.node(0).engine.view + 1)
  assert.ok(await network.run(10_000, () => network.node(0).engine.view === silentView))
  const enteredMs = network.nowMs
  assert.ok(await network.run(DELTA_MS, () => network.node(0).engine.view > silentView))
  assert.ok(skipped(silentView) && network.nowMs - enteredMs < DELTA_MS, 'skipped without a timeout')

  network.link = () => LINK_MS
  await network.node(3).start()
  assert.ok(
    await network.run(20_000, () => network.node(3).stored.final.some(({ block }) => block.author === 3)),
    'it leads again',
  )
  network.assertAgreement()
})

test('fast skip fails open: without a quorum heard nobody is skipped', async () => {
  const network = new VirtualNetwork()
  network.link = cut(2, 3)
  await network.startAll([0, 1])
  await network.run(20_000)
  assert.equal(network.node(0).engine.view, 1, 'two of four make no progress')
  network.link = () => LINK_MS
  await network.node(2).start()
  assert.ok(await network.run(10_000, () => network.minHeight([0, 1, 2]) >= 3), 'three of four do')
})

test('an equivocating leader with a split audience: nothing forks, and the next honest leader goes on', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0)
  await network.startAll([1, 2, 3])
  const [left, right] = [proposalBy(0, 1, firstBlock(0)), proposalBy(0, 1, firstBlock(0, CREATED_MS + 2))]
  await network.deliver(0, 1, { type: 'proposal', proposal: left })
  await network.deliver(0, 2, { type: 'proposal', proposal: right })
  await network.deliver(0, 3, { type: 'proposal', proposal: right })
  await network.deliver(0, 3, { type: 'proposal', proposal: left })
  assert.ok(await network.run(20 * DELTA_MS, () => network.minHeight([1, 2, 3]) >= 2))
  assert.deepEqual(network.node(3).offences, [
    { kind: 'double-notarize', validator: 0, epoch: 1, position: 1 },
  ])
  network.assertAgreement()
})

test('a node that nullified still advances on, stores and builds upon the notarization of that view', async () => {
  const network = new VirtualNetwork()
  // Node 1 misses the proposal of view 1 and all votes on it until it has nullified the view.
  network.link = (_from, to, message) =>
    to === 1 && network.nowMs < 2.5 * DELTA_MS && message.type !== 'certificates' ? null : LINK_MS
  await network.startAll()
  assert.ok(await network.run(10 * DELTA_MS, () => castBy(network, 1, 'nullify', 1)))
  assert.ok(await network.run(50 * DELTA_MS, () => network.minHeight() >= 3))
  assert.equal(castBy(network, 1, 'finalize', 1), false, 'nullify excludes finalize')
  assert.equal(network.node(1).chain[0], network.node(0).chain[0])
  network.assertAgreement()
})

test('4.1.6: a proposal without a nullification for a skipped view is refused and its sender penalised', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  await network.deliver(0, 2, {
    type: 'certificate',
    certificate: certificate(set, 'nullify', 1, null, [0, 1, 3]),
  })
  assert.equal(network.node(2).engine.view, 2)
  await network.deliver(1, 2, { type: 'proposal', proposal: proposalBy(1, 2, firstBlock(1)) })
  assert.match(
    network.node(2).penalties.join(),
    /bad-proposal: expected 1 nullifications for the views between 0 and 2, got 0/,
  )
  assert.equal(castBy(network, 2, 'notarize', 2), false)
  const skips = [certificate(set, 'nullify', 1, null, [0, 1, 3])]
  await network.deliver(1, 2, { type: 'proposal', proposal: proposalBy(1, 2, firstBlock(1), null, skips) })
  assert.ok(castBy(network, 2, 'notarize', 2), 'with it, the same is notarized')
})

test('refused proposals: wrong leader, wrong signature, other block, other justification, forged certificate inside', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  const good = proposalBy(0, 1, firstBlock(0))
  const forged = {
    ...certificate(set, 'nullify', 1, null, [0, 1, 3]),
    signatures: [0, 1, 2].map(() => new Uint8Array(64)),
  }
  const bad: [ProposalMessage, RegExp][] = [
    [proposalBy(1, 1, firstBlock(1)), /not signed by its leader 0/],
    [{ ...good, signature: new Uint8Array(64) }, /not signed by its leader 0/],
    [{ ...good, block: firstBlock(0, CREATED_MS + 9) }, /the block is not the one/],
    [{ ...good, proposal: { ...good.proposal, justHash: digestOf('x') } }, /justification/],
    [proposalBy(1, 2, firstBlock(1), null, [forged]), /wrong nullify signature/],
  ]
  for (const [proposal, reason] of bad) {
    await network.deliver(0, 2, { type: 'proposal', proposal })
    assert.match(network.node(2).penalties.pop() ?? '', reason)
  }
  assert.equal(castBy(network, 2, 'notarize', 1), false)
  await network.deliver(0, 2, { type: 'proposal', proposal: good })
  assert.ok(castBy(network, 2, 'notarize', 1))
})

test('a block that breaks a deterministic rule is answered with nullify at once, and nobody is penalised', async () => {
  const broken: [string, Partial<Block>][] = [
    ['height', { height: 2 }],
    ['time not after the parent', { timeMs: CREATED_MS }],
    ['author', { author: 1 }],
    ['parent', { parentDigest: digestOf('elsewhere') }],
    ['validator set', { nextValidatorSetHash: digestOf('other set') }],
    ['chain', { genesisHash: digestOf('other chain') }],
    ['results', { executed: { height: 0, stateRoot: digestOf('other state'), resultsRoot: EMPTY_ROOT } }],
    [
      'executed height',
      { executed: { height: 1, stateRoot: digestOf('genesis state'), resultsRoot: EMPTY_ROOT } },
    ],
  ]
  for (const [what, change] of broken) {
    const network = new VirtualNetwork()
    network.link = cut(0, 1, 3)
    await network.startAll([2])
    await network.deliver(0, 2, {
      type: 'proposal',
      proposal: proposalBy(0, 1, { ...firstBlock(0), ...change }),
    })
    assert.equal(castBy(network, 2, 'notarize', 1), false, what)
    assert.ok(castBy(network, 2, 'nullify', 1), what)
    assert.deepEqual(network.node(2).penalties, [], what)
  }
})

test('a block dated too far ahead waits until it is due, and is then notarized', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  const { maxClockDriftMs } = network.parameters
  const block = firstBlock(0, network.clock.wallMs + maxClockDriftMs + 50)
  await network.deliver(0, 2, { type: 'proposal', proposal: proposalBy(0, 1, block) })
  await network.run(49)
  assert.equal(castBy(network, 2, 'notarize', 1), false)
  await network.run(1)
  assert.ok(castBy(network, 2, 'notarize', 1))
})

/** §9 P2: leader 3 of view 1 equivocates, its notarization completes at node 0 alone, everybody crashes, node 3 is gone. */
async function certificateNotDurable(losesCertificates: boolean): Promise<VirtualNetwork> {
  const network: VirtualNetwork = new VirtualNetwork({
    weights: [1n, 1n, 1n, 1n],
    faults: () => ({
      loses: (record) => losesCertificates && record.kind === 'certificate' && network.nowMs === 0,
    }),
  })
  network.link = () => null
  await network.startAll([1, 2, 3])
  const [left, right] = [proposalBy(0, 1, firstBlock(0)), proposalBy(0, 1, firstBlock(0, CREATED_MS + 2))]
  // Validator 0 is the faulty leader: nodes 1 and 2 see one proposal, node 3 the other.
  for (const [node, proposal] of [
    [1, left],
    [2, left],
    [3, right],
  ] as const)
    await network.deliver(0, node, { type: 'proposal', proposal })
  const pid = proposalId(set.context, left.proposal)
  await network.deliver(2, 1, voteOf(2, 'notarize', 1, pid))
  assert.ok(castBy(network, 1, 'finalize', 1), 'node 1 alone holds the notarization')
  network.dropInFlight()
  for (const index of [1, 2, 3]) network.node(index).crash()
  network.link = (from, to) => (from === 0 || to === 0 ? null : LINK_MS)
  network.nowMs = 1
  await network.startAll([1, 2, 3])
  return network
}

test('P1: an own vote that only a stored certificate shows is journaled on the restart, before anything leaves', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  assert.ok(await network.run(DELTA_MS, () => network.minHeight() === 1))
  const node = network.node(1)
  const shown = [...node.stored.certificates.values()].filter(({ signers }) => signers.includes(1))
  assert.ok(shown.some(({ kind }) => kind === 'finalize'))
  node.crash()
  // The records are stored before the journal is written, and the process dies in between.
  node.journal = new MemoryJournal()
  await node.start()
  const key = { sign: (message: Uint8Array): Uint8Array => sign(message, keyPair(1).secretKey) }
  const signer = await openSigner({ set, index: 1, storage: node.journal.afterCrash(), key })
  for (const { kind, view } of shown)
    assert.ok(
      signer.ownVotes().some((vote) => vote.kind === kind && vote.view === view),
      `${kind} ${view}`,
    )
})

test('P2: a finalize vote whose notarization is durable survives a crash of everybody', async () => {
  const network = await certificateNotDurable(false)
  assert.ok(await network.run(60_000, () => network.minHeight([1, 2, 3]) >= 2))
  network.assertAgreement()
})

test('P2, the other way: were the notarization lost, the network would be stuck for ever', async () => {
  const network = await certificateNotDurable(true)
  assert.equal(await network.run(60_000, () => network.minHeight([1, 2, 3]) >= 1), false)
})

/**
 * §9 P4: three notarize what the faulty leader 0 shows them, and crash before they hear of each other. The leader has
 * their votes: it shows them the notarization, and is gone.
 */
async function blockNotDurable(losesBlocks: boolean): Promise<VirtualNetwork> {
  const network: VirtualNetwork = new VirtualNetwork({
    faults: () => ({
      loses: ({ kind }) => losesBlocks && (kind === 'block' || kind === 'proposal') && network.nowMs === 0,
    }),
  })
  network.link = () => null
  const others = [1, 2, 3]
  await network.startAll(others)
  const proposal = proposalBy(0, 1, firstBlock(0))
  for (const node of others) await network.deliver(0, node, { type: 'proposal', proposal })
  assert.ok(others.every((node) => castBy(network, node, 'notarize', 1)))
  network.dropInFlight()
  for (const node of others) network.node(node).crash()
  network.nowMs = 1
  network.link = (from, to) => (from === 0 || to === 0 ? null : LINK_MS)
  await network.startAll(others)
  const notarization = certificate(set, 'notarize', 1, proposal.proposal, others)
  for (const node of others)
    await network.deliver(0, node, { type: 'certificate', certificate: notarization })
  return network
}

test('P4: a block that is durable before the vote for it survives a crash of everybody', async () => {
  const network = await blockNotDurable(false)
  assert.ok(await network.run(60_000, () => network.minHeight([1, 2, 3]) >= 2))
  network.assertAgreement()
})

test('P4, the other way: were the block lost, nobody could build upon what is notarized, nor pass it by', async () => {
  const network = await blockNotDurable(true)
  assert.equal(await network.run(60_000, () => network.minHeight([1, 2, 3]) >= 1), false)
})

test('all crash and restart, again and again: heights go on from where they were', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  for (let round = 1; round <= 6; round++) {
    await network.startAll()
    const goal = network.minHeight() + 3
    assert.ok(await network.run(20_000, () => network.minHeight() >= goal), `round ${round}`)
    // A different moment within the view each time.
    await network.run(3 * round)
    for (const node of network.nodes) node.crash()
    network.dropInFlight()
  }
  network.assertAgreement()
})

test('P6: all crash after journaling nullify and before anything was received: own votes count again', async () => {
  const network = new VirtualNetwork()
  network.link = () => null
  await network.startAll([1, 2, 3])
  assert.ok(
    await network.run(5 * DELTA_MS, () => [1, 2, 3].every((index) => castBy(network, index, 'nullify', 1))),
  )
  for (const index of [1, 2, 3]) network.node(index).crash()
  network.dropInFlight()
  network.link = cut(0)
  await network.startAll([1, 2, 3])
  assert.ok(await network.run(20 * DELTA_MS, () => network.minHeight([1, 2, 3]) >= 1))
})

test('a leader that crashed after its proposal proposes the same again, and nothing else', async () => {
  const network = new VirtualNetwork()
  network.link = () => null
  await network.startAll([0])
  const first = network.sent.find(({ message }) => message.type === 'proposal')?.message
  network.node(0).crash()
  network.sent = []
  await network.run(50)
  await network.node(0).start()
  const second = network.sent.find(({ message }) => message.type === 'proposal')?.message
  assert.ok(first?.type === 'proposal' && second?.type === 'proposal')
  assert.equal(toHex(blockDigest(second.proposal.block)), toHex(blockDigest(first.proposal.block)))
  assert.deepEqual(second.proposal.signature, first.proposal.signature)
})

test('a node far behind catches up by blocks with their ancestors, also when requests are lost', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  network.link = cut(3)
  await network.startAll([0, 1, 2])
  assert.ok(await network.run(60_000, () => network.minHeight([0, 1, 2]) >= 200))
  let requests = 0
  network.link = (_from, _to, message) =>
    message.type === 'block-request' && requests++ % 2 === 0 ? null : LINK_MS
  await network.node(3).start()
  assert.ok(await network.run(20_000, () => network.node(3).height >= 200))
  network.assertAgreement()
  assert.ok(
    await network.run(20_000, () => network.node(3).stored.final.some(({ block }) => block.author === 3)),
    'and votes and leads again',
  )
})

interface Behind {
  readonly network: VirtualNetwork
  readonly chain: readonly ProposalMessage[]
  /** Node 2 gets the finalization of a view, not the block. */
  isFinal(view: number): Promise<void>
  finalization(view: number): Certificate
}

/** Node 2 alone, beside a chain of three blocks that it knows nothing of. */
async function behind(): Promise<Behind> {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  const chain: ProposalMessage[] = []
  for (let view = 1; view <= 3; view++) {
    const below = chain.at(-1)
    const first = firstBlock(view - 1, CREATED_MS + view)
    chain.push(
      below === undefined
        ? proposalBy(0, 1, first)
        : proposalBy(
            view - 1,
            view,
            { ...first, height: view, parentDigest: below.proposal.blockDigest },
            certificate(set, 'notarize', view - 1, below.proposal, [0, 1, 3]),
          ),
    )
  }
  const finalization = (view: number): Certificate =>
    certificate(set, 'finalize', view, chain[view - 1]?.proposal ?? null, [0, 1, 3])
  const isFinal = (view: number): Promise<void> =>
    network.deliver(0, 2, { type: 'certificate', certificate: finalization(view) })
  return { network, chain, isFinal, finalization }
}

test('a node behind delivers what it has fetched, however far the chain has gone meanwhile (simulation, swarm 11245)', async () => {
  const { network, chain, isFinal } = await behind()
  const blocks = chain.map(({ block }) => block)
  await isFinal(2)
  await isFinal(3)
  await network.deliver(0, 2, { type: 'blocks', blocks: blocks.slice(0, 2).reverse() })
  assert.equal(network.node(2).height, 2)
  await network.run(DELTA_MS)
  await network.deliver(0, 2, { type: 'blocks', blocks: blocks.slice(2) })
  assert.equal(network.node(2).height, 3)
})

test('a block that was fetched and came otherwise does not keep newer ones from being fetched (simulation, swarm 28134)', async () => {
  const { network, chain, isFinal, finalization } = await behind()
  const second = chain[1] as ProposalMessage
  const pid = proposalId(set.context, second.proposal)
  await isFinal(1) // wants its block
  await network.deliver(1, 2, { type: 'proposal', proposal: second })
  const notarization = certificate(set, 'notarize', 2, second.proposal, [0, 1, 3])
  await network.deliver(0, 2, { type: 'certificate', certificate: notarization })
  for (const signer of [0, 1]) await network.deliver(signer, 2, voteOf(signer, 'finalize', 2, pid))
  // The block comes on its topic. With it node 2 can vote, which makes the second block final: both are delivered.
  const finalized = { block: (chain[0] as ProposalMessage).block, finalization: finalization(1) }
  await network
    .node(2)
    .step((engine, clock) => engine.onFinalizedBlock({ id: '0', validator: null }, finalized, clock))
  assert.equal(network.node(2).height, 2)
  network.sent.length = 0
  await isFinal(3)
  await network.run(DELTA_MS)
  const asked = network.sent.flatMap(({ message }) =>
    message.type === 'block-request' ? [toHex(message.digest)] : [],
  )
  assert.deepEqual([...new Set(asked)], [toHex((chain[2] as ProposalMessage).proposal.blockDigest)])
})

test('a follower that joins late catches up, and follows', async () => {
  const network = new VirtualNetwork({ followers: 1, parameters: { idleMs: 0 } })
  await network.startAll([0, 1, 2, 3])
  assert.ok(await network.run(20_000, () => network.minHeight([0, 1, 2, 3]) >= 100))
  await network.node(4).start()
  assert.ok(await network.run(5_000, () => network.node(4).height >= 100))
  const goal = network.node(4).height + 10
  assert.ok(await network.run(5_000, () => network.node(4).height >= goal))
  network.assertAgreement()
  assert.equal(
    network.node(4).notes.some((note) => note.kind === 'vote-cast'),
    false,
  )
})

test('without a quorum nothing becomes final; timeouts are capped and the chain goes on when the third returns', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  await network.run(DELTA_MS)
  for (const index of [2, 3]) network.node(index).crash()
  const before = network.minHeight()
  for (const node of network.nodes) await node.offer(1, 1)
  await network.run(60_000)
  assert.equal(network.node(0).height, before)
  assert.ok(network.node(0).noted('standstill').length > 0)
  await network.node(2).start()
  const ordered = (): boolean =>
    [0, 1, 2].every((index) => network.node(index).stored.final.some(({ block }) => block.payload.length > 0))
  const returnedMs = network.nowMs
  assert.ok(await network.run(10_000, ordered))
  assert.ok(network.nowMs - returnedMs <= 2_000, `settled ${network.nowMs - returnedMs} ms after the return`)
  network.assertAgreement()
})

test('a node whose execution computes other results refuses, names height and roots, and the rest go on', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  network.node(3).execute = async function (this: (typeof network.nodes)[0], block) {
    const result = {
      height: block.height,
      timeMs: block.timeMs,
      stateRoot: digestOf('broken'),
      receiptsRoot: digestOf('broken'),
      hadWork: false,
    }
    network.later(1, () => this.step((engine, clock) => engine.onExecuted(result, clock)))
  }
  await network.startAll()
  assert.ok(await network.run(60_000, () => network.minHeight([0, 1, 2]) >= 10))
  const [mismatch] = network.node(3).noted('result-mismatch')
  assert.ok(mismatch?.kind === 'result-mismatch' && mismatch.own.includes(toHex(digestOf('broken'))))
  assert.equal(
    network.node(0).noted('result-mismatch').length > 0,
    true,
    'its own proposals are refused by the others',
  )
  network.assertAgreement()
})

test('a node that executes nothing waits with its votes on new results, and the chain goes on with the others', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  network.node(3).executes = false
  await network.startAll()
  assert.ok(await network.run(60_000, () => network.minHeight() >= 10))
  const voted = network
    .node(3)
    .notes.filter((note) => note.kind === 'vote-cast' && note.vote === 'notarize').length
  assert.ok(voted >= 1 && voted < 10)
  network.assertAgreement()
})

test('a vote that comes after its view is final is still evidence, if it contradicts; nothing else of it counts', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  assert.ok(await network.run(10 * DELTA_MS, () => network.minHeight() >= 1))
  await network.deliver(0, 3, voteOf(0, 'notarize', 1, digestOf('another')))
  assert.deepEqual(network.node(3).offences, [
    { kind: 'double-notarize', validator: 0, epoch: 1, position: 1 },
  ])
  // Whose finalize votes came in time differs; two others of the quorum are enough for one to be among them.
  for (const signer of [1, 2]) await network.deliver(signer, 3, voteOf(signer, 'nullify', 1, null))
  assert.ok(network.node(3).offences.some(({ kind }) => kind === 'nullify-finalize'))
  assert.deepEqual(network.node(2).offences, [])
})

test('P11: a valid vote of the own key that was never cast here stops the voting, loudly', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  await network.deliver(1, 2, voteOf(2, 'notarize', 1, digestOf('elsewhere')))
  assert.equal(network.node(2).noted('key-used-elsewhere').length, 1)
  assert.equal(network.node(2).engine.abstention, 'key-used-elsewhere')
  await network.deliver(0, 2, { type: 'proposal', proposal: proposalBy(0, 1, firstBlock(0)) })
  await network.run(10 * DELTA_MS)
  assert.equal(network.node(2).noted('vote-cast').length, 0)
})

test('P11: after a restart it is still silent', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  const node = network.node(2)
  await network.deliver(1, 2, voteOf(2, 'notarize', 1, digestOf('elsewhere')))
  node.crash()
  await node.start()
  assert.equal(node.engine.abstention, 'key-used-elsewhere')
  await network.deliver(0, 2, { type: 'proposal', proposal: proposalBy(0, 1, firstBlock(0)) })
  await network.run(10 * DELTA_MS)
  assert.equal(node.noted('vote-cast').length, 0)
})

/** Two votes of one validator that no honest one casts both, or null. */
function contradictionOf(network: VirtualNetwork, signer: number): string | null {
  const votes = network.sent.flatMap(({ message }) =>
    message.type === 'vote' && message.vote.signer === signer ? [message.vote] : [],
  )
  for (const proposal of network.sent.flatMap(({ message }) =>
    message.type === 'proposal' ? [message.proposal] : [],
  )) {
    const { view } = proposal.proposal
    if (leader(set, view) !== signer) continue
    const pid = proposalId(set.context, proposal.proposal)
    votes.push({ kind: 'notarize', epoch: 1, view, pid, signer, signature: proposal.signature })
  }
  const byView = Map.groupBy(votes, ({ view }) => view)
  for (const [view, cast] of byView) {
    const pids = new Set(cast.filter(({ kind }) => kind !== 'nullify').map(({ pid }) => pidKey(pid)))
    const kinds = new Set(cast.map(({ kind }) => kind))
    if (pids.size > 1 || (kinds.has('nullify') && kinds.has('finalize'))) return `view ${view}`
  }
  return null
}

test('P10: a lost signer folder: the validator follows, votes again 32 views on, and never contradicts itself', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  await network.startAll()
  assert.ok(await network.run(10_000, () => network.minHeight() >= 10))
  const node = network.node(3)
  node.crash()
  node.journal = new MemoryJournal()
  const lostAtMs = network.nowMs
  const finalBefore = network.node(0).engine.lastFinalView
  node.notes.length = 0
  await node.start({ firstBatchSeq: 5_000 })
  assert.equal(node.engine.abstention, 'signer-lost')
  assert.ok(await network.run(20_000, () => node.noted('voting-waits').length === 1))
  const waits = node.noted('voting-waits')[0]
  assert.ok(waits?.kind === 'voting-waits' && waits.view >= finalBefore + LIMITS.lostSignerViews)
  assert.equal(node.engine.resumeView, waits.view)

  // In between it is started again, without the flag: the wait begins anew.
  node.crash()
  await node.start()
  assert.equal(node.engine.abstention, 'signer-lost')
  assert.ok(await network.run(60_000, () => node.noted('voting-resumed').length === 1))
  const resumed = node.noted('voting-resumed')[0]
  assert.ok(resumed?.kind === 'voting-resumed' && resumed.view >= waits.view)
  const cast = (): number[] =>
    node.noted('vote-cast').map((note) => (note.kind === 'vote-cast' ? note.view : 0))
  assert.ok(await network.run(20_000, () => cast().length > 5))
  assert.ok(Math.min(...cast()) > resumed.view, 'it voted only above the finalization it waited for')

  // And its table is an ordinary one from then on.
  node.crash()
  await node.start()
  assert.equal(node.engine.abstention, null)
  const { height } = node
  assert.ok(
    await network.run(20_000, () =>
      node.stored.final.some(({ block }) => block.author === 3 && block.height > height),
    ),
    'it leads again',
  )
  assert.ok(network.nowMs > lostAtMs)
  assert.equal(contradictionOf(network, 3), null)
  for (const other of network.nodes) {
    assert.deepEqual(other.offences, [])
    assert.equal(other.noted('key-used-elsewhere').length, 0)
  }
  network.assertAgreement()
})

test('P10: an own vote of earlier days that comes in late puts the end of the wait off', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  await network.startAll([0, 1, 2])
  const node = network.node(3)
  await node.start({ firstBatchSeq: 1 })
  assert.ok(await network.run(10_000, () => node.engine.resumeView !== null))
  const before = node.engine.resumeView ?? 0
  await network.deliver(1, 3, voteOf(3, 'nullify', before + 5, null))
  assert.equal(node.engine.resumeView, before + 5 + LIMITS.lostSignerViews)
  assert.equal(node.engine.abstention, 'signer-lost', 'and it is no sign of another process')
})

test('P10: one faulty validator in a far view does not put the end off', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  await network.startAll([0, 1, 2])
  const node = network.node(3)
  network.link = (from, to) => (to === 3 && from === 2 ? null : LINK_MS)
  await node.start({ firstBatchSeq: 1 })
  await network.deliver(2, 3, voteOf(2, 'nullify', 1_000_000, null))
  assert.ok(await network.run(10_000, () => node.engine.resumeView !== null))
  assert.ok((node.engine.resumeView ?? 0) < 1_000)
})

test('after the data folder was lost and the signer kept, the node does not vote again below its floor', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  await network.startAll()
  assert.ok(await network.run(10_000, () => network.minHeight() >= 10))
  const node = network.node(3)
  node.crash()
  node.stored.certificates.clear()
  node.stored.proposals.clear()
  node.stored.blocks.clear()
  node.stored.final.length = 0
  node.forgetResults()
  network.link = cut(3)
  await node.start()
  await network.run(3_000)
  assert.equal(node.noted('key-used-elsewhere').length, 0)
  network.link = () => LINK_MS
  assert.ok(
    await network.run(20_000, () =>
      node.stored.final.some(({ block }) => block.author === 3 && block.height > 12),
    ),
    'it syncs and leads again',
  )
  network.assertAgreement()
})

test('P5: a node whose newest final block is gone refuses to start and says what to do', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  await network.run(DELTA_MS)
  network.node(0).crash()
  network.node(0).stored.blocks.clear()
  await assert.rejects(network.node(0).start(), {
    code: 'data-inconsistent',
    message: /leave signer\/ where it is/,
  })
})

test('stored certificates far below the last final view are given up', async () => {
  const network = new VirtualNetwork({ parameters: { idleMs: 0 } })
  const floors: number[] = []
  network.node(0).onRecord = (record) => {
    if (record.kind === 'delete-certificates-below') floors.push(record.view)
  }
  await network.startAll()
  assert.ok(await network.run(60_000, () => network.minHeight() >= 400))
  assert.ok(floors.length >= 1 && floors.every((view) => view <= network.node(0).engine.lastFinalView - 256))
})

test('a node that missed a finalization gets it as soon as it repeats the older one, not only with the next block', async () => {
  const network = new VirtualNetwork()
  await network.startAll()
  await network.run(DELTA_MS)
  await network.run(IDLE_MS - DELTA_MS)
  // Node 0 hears nothing of the finalize votes of the second block, nor of the block on the topic.
  network.link = (_from, to, message) => {
    const lost = message.type === 'blocks' || (message.type === 'vote' && message.vote.kind === 'finalize')
    return to === 0 && lost ? null : LINK_MS
  }
  assert.ok(await network.run(DELTA_MS, () => network.minHeight([1, 2, 3]) === 2))
  assert.equal(network.node(0).height, 1)
  assert.ok(await network.run(10 * DELTA_MS, () => network.node(0).height === 2))
  assert.equal(network.minHeight([1, 2, 3]), 2)
})

test('bad votes and certificates: signers outside the set, wrong signatures, too little weight', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  const vote = voteOf(0, 'nullify', 1, null)
  assert.ok(vote.type === 'vote')
  await network.deliver(0, 2, { type: 'vote', vote: { ...vote.vote, signer: 9 } })
  await network.deliver(0, 2, { type: 'vote', vote: { ...vote.vote, signer: 1 } })
  await network.deliver(0, 2, {
    type: 'certificate',
    certificate: certificate(set, 'nullify', 1, null, [0, 1]),
  })
  await network.deliver(0, 2, {
    type: 'certificates',
    certificates: [{ ...certificate(set, 'nullify', 1, null, [0, 1, 3]), view: 2 }],
  })
  const penalties = network.node(2).penalties
  assert.equal(penalties.length, 4)
  assert.match(
    penalties.join('\n'),
    /no validator 9[^]*bad-signature[^]*weight of at least 3, got 2[^]*wrong nullify signature/,
  )
  assert.equal(network.node(2).engine.view, 1)
})

test('duplicate votes count once, however often they come', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  for (let i = 0; i < 5; i++) await network.deliver(0, 2, voteOf(0, 'nullify', 1, null))
  await network.deliver(1, 2, voteOf(1, 'nullify', 1, null))
  assert.equal(network.node(2).engine.view, 1)
  await network.deliver(3, 2, voteOf(3, 'nullify', 1, null))
  assert.equal(network.node(2).engine.view, 2)
})

test('votes that come early are counted when their view is entered', async () => {
  const network = new VirtualNetwork()
  network.link = cut(0, 1, 3)
  await network.startAll([2])
  for (const signer of [0, 1, 3]) await network.deliver(signer, 2, voteOf(signer, 'nullify', 2, null))
  assert.equal(network.node(2).engine.view, 3, 'the next view is counted at once, and moves the node')
  for (const signer of [0, 1, 3]) await network.deliver(signer, 2, voteOf(signer, 'nullify', 5, null))
  assert.equal(network.node(2).engine.view, 3)
  await network.deliver(0, 2, {
    type: 'certificate',
    certificate: certificate(set, 'nullify', 3, null, [0, 1, 3]),
  })
  assert.equal(network.node(2).engine.view, 6)
})

test('a single validator is a network too', async () => {
  const network = new VirtualNetwork({ weights: [7n] })
  await network.startAll()
  await network.node(0).offerAlone(1)
  assert.ok(await network.run(5 * IDLE_MS, () => network.minHeight() >= 5))
})

test('weights decide: one validator of more than F stops the chain when it stops, and others cannot go on without it', async () => {
  const network = new VirtualNetwork({ weights: [1n, 1n, 1n, 3n] })
  await network.startAll([0, 1, 2])
  await network.run(10_000)
  assert.equal(network.minHeight([0, 1, 2]), 0)
  await network.node(3).start()
  assert.ok(await network.run(10_000, () => network.minHeight() >= 3))
})
