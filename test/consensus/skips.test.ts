/** More skipped views than a proposal carries nullifications for (consensus.md §8.8). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../config/limits.ts'
import { DecodeError } from '../../crypto/codec.ts'
import { toHex } from '../../crypto/bytes.ts'
import { whyProposalMalformed } from '../../consensus/proposal-check.ts'
import { inlineSkips, inlineSkipCount, inlineSkipView, pagedSkips } from '../../consensus/skips.ts'
import type { Certificate, Message, ProposalMessage } from '../../consensus/types.ts'
import { blockDigest, decodeProposalMessage, encodeProposalMessage, justHash } from '../../consensus/wire.ts'
import { castBy, firstBlock, proposalBy, voteOf } from './by-hand.ts'
import { certificate, digestOf, validatorSet } from './fixtures.ts'
import { leader } from '../../consensus/validator-set.ts'
import { LINK_MS, VirtualNetwork, type LinkRule } from './virtual-network.ts'

const set = validatorSet()
const DELTA_MS = 100
const OTHERS = [0, 1, 3]
const HALF = LIMITS.skipsPerProposal / 2

function nullifications(fromView: number, toView: number, signers = OTHERS): Certificate[] {
  return Array.from({ length: toView - fromView + 1 }, (_, i) =>
    certificate(set, 'nullify', fromView + i, null, signers),
  )
}

function views(certificates: readonly Certificate[]): number[] {
  return certificates.map(({ view }) => view)
}

/** On genesis, past all views below. */
function proposalOf(view: number, skips: readonly Certificate[]): ProposalMessage {
  const leaderOfView = (view - 1) % 4
  return proposalBy(leaderOfView, view, firstBlock(leaderOfView), null, skips)
}

test('property: of all skipped views a proposal carries the first and the last, in order, and the others are paged', () => {
  const span = fc
    .tuple(fc.nat(10_000), fc.integer({ min: 1, max: 400 }))
    .map(([parentView, length]) => ({ parentView, view: parentView + length }))
  fc.assert(
    fc.property(span, ({ parentView, view }) => {
      const inline = Array.from({ length: inlineSkipCount({ parentView, view }) }, (_, position) =>
        inlineSkipView({ parentView, view }, position),
      )
      const paged = pagedSkips({ parentView, view })
      const between =
        paged === null
          ? []
          : Array.from({ length: paged.toView - paged.fromView + 1 }, (_, i) => paged.fromView + i)
      const expected = Array.from({ length: view - parentView - 1 }, (_, i) => parentView + 1 + i)
      assert.deepEqual(
        [...inline, ...between].sort((a, b) => a - b),
        expected,
      )
      assert.ok(inline.length <= LIMITS.skipsPerProposal && (paged === null || inline.length === 64))
      const one = certificate(set, 'nullify', 1, null, [])
      assert.deepEqual(views(inlineSkips(expected.map((at) => ({ ...one, view: at })))), inline)
    }),
  )
})

test('a proposal with 64 skipped views carries all, one with 65 leaves out the middle one', () => {
  assert.equal(pagedSkips({ parentView: 10, view: 75 }), null)
  assert.deepEqual(pagedSkips({ parentView: 10, view: 76 }), { fromView: 43, toView: 43 })
})

test('refused: nullifications of other views than the first and the last, too few, too many, a changed justification', () => {
  const all = nullifications(1, 70)
  const good = proposalOf(71, inlineSkips(all))
  assert.equal(whyProposalMalformed(set, good), null)
  const withSkips = (skips: readonly Certificate[]): string | null =>
    whyProposalMalformed(set, proposalOf(71, skips))
  assert.match(withSkips(good.skips.slice(1)) ?? '', /expected 64 nullifications .*got 63/)
  assert.match(withSkips(all) ?? '', /expected 64 nullifications .* got 70/)
  assert.match(withSkips(all.slice(0, 64)) ?? '', /nullification of view 39, got a nullify certificate of 33/)
  assert.match(withSkips(all.slice(6)) ?? '', /nullification of view 1, got a nullify certificate of 7/)
  const other = inlineSkips(nullifications(1, 70, [0, 1, 2]))
  assert.match(whyProposalMalformed(set, { ...good, skips: other }) ?? '', /justification/)
  const full = encodeProposalMessage(proposalOf(71, all))
  assert.throws(() => decodeProposalMessage(full), DecodeError)
  assert.equal(decodeProposalMessage(encodeProposalMessage(good)).skips.length, 64)
})

test('justHash: which views are left out counts, which nullifications of them the leader holds does not', () => {
  const all = nullifications(1, 70)
  const others = [...all.slice(0, 32), ...nullifications(33, 38, [1, 2, 3]), ...all.slice(38)]
  const hashOf = (skips: readonly Certificate[]): string => toHex(justHash(null, inlineSkips(skips)))
  assert.equal(hashOf(all), hashOf(others))
  const hashes = [all, all.slice(0, 64), [...nullifications(1, 1, [0, 1, 2]), ...all.slice(1)]].map(hashOf)
  assert.equal(new Set(hashes).size, hashes.length)
  // A list with a hole in it is another list than the two parts put together differently.
  assert.notEqual(
    toHex(justHash(null, [...all.slice(0, 3), ...all.slice(4, 6)])),
    toHex(justHash(null, [...all.slice(0, 4), ...all.slice(5, 6)])),
  )
})

// ---- a voter that misses nullifications ----

const FAILED_VIEWS = 70
const VIEW = FAILED_VIEWS + 1
/** Those that the proposal does not carry. */
const MIDDLE = { fromView: HALF + 1, toView: FAILED_VIEWS - HALF }
const NODE = 3

interface Voter {
  readonly network: VirtualNetwork
  /** Requests for certificates since the last call: whom, and from which view to which. */
  asked(): { readonly to: number; readonly fromView: number; readonly toView: number }[]
  /** A page of certificates from a validator. */
  page(from: number, certificates: readonly Certificate[]): Promise<void>
  hasVoted(): boolean
}

/** Node 3 alone, which jumped into view 71 of leader 2: it holds the nullification of view 70 and no other. */
async function voter(): Promise<Voter> {
  const network = new VirtualNetwork()
  network.link = () => null
  await network.startAll([NODE])
  await network.deliver(0, NODE, {
    type: 'certificate',
    certificate: certificate(set, 'nullify', FAILED_VIEWS, null, [0, 1, 2]),
  })
  network.sent.length = 0
  return {
    network,
    asked: () => {
      const requests = network.sent.flatMap(({ to, message }) =>
        message.type === 'certificates-request'
          ? [{ to, fromView: message.fromView, toView: message.toView }]
          : [],
      )
      network.sent.length = 0
      return requests
    },
    page: (from, certificates) => network.deliver(from, NODE, { type: 'certificates', certificates }),
    hasVoted: () => castBy(network, NODE, 'notarize', VIEW),
  }
}

const everything = nullifications(1, FAILED_VIEWS, [0, 1, 2])
const middle = everything.slice(HALF, FAILED_VIEWS - HALF)
const proposal: Message = { type: 'proposal', proposal: proposalOf(VIEW, inlineSkips(everything)) }

test('a voter asks the leader for the nullifications that it misses, and notarizes when they have come', async () => {
  const { network, asked, page, hasVoted } = await voter()
  await network.deliver(2, NODE, proposal)
  assert.equal(hasVoted(), false)
  assert.deepEqual(asked(), [
    { to: 2, ...MIDDLE },
    { to: 0, ...MIDDLE },
  ])
  await page(2, middle.slice(0, 2))
  assert.deepEqual(
    asked(),
    [{ to: 2, fromView: MIDDLE.fromView + 2, toView: MIDDLE.toView }],
    'the next page',
  )
  assert.equal(hasVoted(), false)
  await page(2, middle.slice(2))
  assert.ok(hasVoted())
  await network.run(DELTA_MS)
  assert.deepEqual(asked(), [], 'nothing is left to ask for')
})

test('a nullification that is made here, from votes, will do as well', async () => {
  const { network, page, hasVoted } = await voter()
  await network.deliver(2, NODE, proposal)
  await page(0, middle.slice(0, -1))
  assert.equal(hasVoted(), false)
  for (const signer of [0, 1, 2])
    await network.deliver(signer, NODE, voteOf(signer, 'nullify', MIDDLE.toView, null))
  assert.ok(hasVoted())
})

test('a leader that withholds them: others are asked, again and again with growing pauses', async () => {
  const { network, asked, page, hasVoted } = await voter()
  await network.deliver(2, NODE, proposal)
  assert.deepEqual(
    asked().map(({ to }) => to),
    [2, 0],
  )
  const startMs = network.nowMs
  const times: number[] = []
  const targets = new Set<number>()
  while (times.length < 3 && network.nowMs - startMs < 10_000) {
    await network.run(1)
    const requests = asked()
    for (const { to } of requests) targets.add(to)
    if (requests.length > 0) times.push(network.nowMs - startMs)
  }
  assert.deepEqual([...targets].sort(), [0, 1, 2])
  const [first = 0, second = 0, third = 0] = times
  assert.ok(second - first > first && third - second > second - first, times.join())
  await page(1, middle)
  assert.ok(hasVoted())
})

test('wrong pages: forged, of other views, notarizations, all but one: no vote, and who forged is penalised', async () => {
  const { network, page, hasVoted } = await voter()
  await network.deliver(2, NODE, proposal)
  const forged = middle.map((held) => ({
    ...held,
    signatures: held.signatures.map(() => new Uint8Array(64)),
  }))
  await page(2, forged)
  assert.match(network.node(NODE).penalties.join(), /bad-certificate: wrong nullify signature/)
  const light = nullifications(MIDDLE.fromView, MIDDLE.toView, [0, 1])
  await page(2, light)
  assert.match(network.node(NODE).penalties.at(-1) ?? '', /weight of at least 3, got 2/)
  network.node(NODE).penalties.length = 0
  await page(2, everything.slice(0, HALF))
  const block = firstBlock(0)
  const named = { epoch: 1, parentView: 0, blockDigest: blockDigest(block), justHash: digestOf('just') }
  await page(
    2,
    middle.map(({ view }) => certificate(set, 'notarize', view, { ...named, view }, [0, 1, 2])),
  )
  await page(2, middle.slice(1))
  assert.deepEqual(network.node(NODE).penalties, [])
  assert.equal(hasVoted(), false)
  await page(1, middle)
  assert.ok(hasVoted())
})

test('a proposal that its leader did not sign, or with a forged certificate inside, starts no fetch', async () => {
  const { network, asked } = await voter()
  const good = proposalOf(VIEW, inlineSkips(everything))
  await network.deliver(2, NODE, { type: 'proposal', proposal: { ...good, signature: new Uint8Array(64) } })
  const [first, ...rest] = good.skips as [Certificate, ...Certificate[]]
  const forged = { ...first, signatures: first.signatures.map(() => new Uint8Array(64)) }
  await network.deliver(2, NODE, { type: 'proposal', proposal: proposalOf(VIEW, [forged, ...rest]) })
  await network.run(2 * DELTA_MS)
  assert.deepEqual(asked(), [])
})

test('a view that has both certificates is answered with both: who skips it needs the nullification', async () => {
  const network = new VirtualNetwork()
  network.link = () => null
  await network.startAll([0])
  const block = firstBlock(0)
  const named = { epoch: 1, view: 1, parentView: 0, blockDigest: blockDigest(block), justHash: digestOf('j') }
  for (const held of [
    certificate(set, 'notarize', 1, named, [1, 2, 3]),
    certificate(set, 'nullify', 1, null, [1, 2, 3]),
    certificate(set, 'nullify', 2, null, [1, 2, 3]),
  ])
    await network.deliver(1, 0, { type: 'certificate', certificate: held })
  network.sent.length = 0
  await network.deliver(1, 0, { type: 'certificates-request', fromView: 1, toView: 2 })
  const answer = network.sent.find(({ message }) => message.type === 'certificates')?.message
  assert.ok(answer?.type === 'certificates')
  assert.deepEqual(
    answer.certificates.map(({ kind, view }) => `${kind} ${view}`),
    ['notarize 1', 'nullify 1', 'nullify 2'],
  )
})

// ---- scenarios ----

/** Views that fail do so quickly, and little is repeated meanwhile. */
const QUICK = { deltaMaxMs: DELTA_MS, standstillMs: 60_000 }
const withoutProposals: LinkRule = (_from, _to, message) => (message.type === 'proposal' ? null : LINK_MS)

function proposalsSent({ sent }: VirtualNetwork): ProposalMessage[] {
  return sent.flatMap(({ message }) => (message.type === 'proposal' ? [message.proposal] : []))
}

test('200 views fail one after the other; then the next leader proposes past all of them, and the chain goes on', async () => {
  const network = new VirtualNetwork({ parameters: QUICK })
  network.link = withoutProposals
  await network.startAll()
  assert.ok(await network.run(600_000, () => network.node(0).engine.view > 200))
  assert.equal(network.minHeight(), 0)
  network.link = () => LINK_MS
  network.sent.length = 0
  assert.ok(await network.run(10_000, () => network.minHeight() >= 3))
  network.assertAgreement()
  const [first] = proposalsSent(network)
  assert.ok(first !== undefined && first.proposal.parentView === 0 && first.proposal.view > 200)
  assert.equal(first.skips.length, LIMITS.skipsPerProposal)
  // Everybody was there: the nullifications in between are held, and nobody has to ask.
  assert.equal(network.sent.filter(({ message }) => message.type === 'certificates-request').length, 0)
})

test('a validator that was away for 200 failed views, and without whom there is no quorum, pages them and votes', async () => {
  const network = new VirtualNetwork({ parameters: QUICK })
  network.link = (from, to, message) =>
    from === NODE || to === NODE ? null : withoutProposals(from, to, message)
  await network.startAll()
  assert.ok(await network.run(600_000, () => network.node(0).engine.view > 200))
  network.node(0).crash()
  let pages = 0
  // What is sent without being asked for reaches back to view 180 only; of requests and pages every other one is lost.
  network.link = (_from, _to, message) => {
    if (message.type === 'certificate' && message.certificate.view < 180) return null
    const isPaging = message.type === 'certificates-request' || message.type === 'certificates'
    return isPaging && pages++ % 2 === 0 ? null : LINK_MS
  }
  assert.ok(await network.run(120_000, () => network.minHeight([1, 2, 3]) >= 3))
  assert.ok(pages >= 4, `${pages} requests and pages`)
  network.assertAgreement()
})

/** Validators 1 and 2 are a quorum, and gone after 1,200 failed views; 0 has all of their nullifications, 3 has none. */
async function manyFailed(nextLeader: number): Promise<{ network: VirtualNetwork; view: number }> {
  const network = new VirtualNetwork({ weights: [1n, 4n, 4n, 1n], parameters: QUICK })
  let failed = 1_200
  while (leader(network.set, failed + 1) !== nextLeader) failed++
  network.link = (from, to) => (from % 3 === 0 && to % 3 === 0 ? LINK_MS : null)
  await network.startAll([0, NODE])
  await network.run(4 * LINK_MS) // what they ask each other when they start is answered
  // The newest first, so that node 0 is in no view before the last one.
  for (let view = failed; view >= 1; view--) {
    const held = certificate(network.set, 'nullify', view, null, [1, 2])
    await network.deliver(1, 0, { type: 'certificate', certificate: held })
  }
  return { network, view: failed + 1 }
}

test('more nullifications than fit a page: the voter asks for page after page, and nothing twice', async () => {
  const { network } = await manyFailed(0)
  const hasVoted = (): boolean =>
    network.node(NODE).notes.some((note) => note.kind === 'vote-cast' && note.vote === 'notarize')
  network.sent.length = 0
  assert.ok(await network.run(1_000, hasVoted))
  const requests = network.sent.flatMap(({ from, to, message }) =>
    from === NODE && to === 0 && message.type === 'certificates-request' ? [message.fromView] : [],
  )
  assert.deepEqual(requests, [HALF + 1, HALF + 1 + LIMITS.certificatesPerPage])
})

test('a leader that jumped gets the certificates it lacks page after page, and proposes', async () => {
  const { network, view } = await manyFailed(NODE)
  assert.ok(await network.run(2 * DELTA_MS, () => proposalsSent(network).length > 0))
  assert.equal(proposalsSent(network)[0]?.proposal.view, view)
})
