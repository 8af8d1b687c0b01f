import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_ROOT } from '../../crypto/merkle.ts'
import { BlockTree } from '../../consensus/block-tree.ts'
import { CertificateStore } from '../../consensus/certificates.ts'
import { selectParent } from '../../consensus/parent-selection.ts'
import type { Block, Certificate } from '../../consensus/types.ts'
import { blockDigest } from '../../consensus/wire.ts'
import { certificate, digestOf, GENESIS_HASH, sampleBlock, sampleProposal, validatorSet } from './fixtures.ts'

const set = validatorSet()

function blockAt(view: number): Block {
  return { ...sampleBlock(set), height: 1, parentDigest: GENESIS_HASH, timeMs: view }
}

function notarization(view: number): Certificate {
  return certificate(set, 'notarize', view, sampleProposal(set, view, blockAt(view)), [0, 1, 2])
}

function nullification(view: number): Certificate {
  return certificate(set, 'nullify', view, null, [0, 1, 2])
}

/** What a leader holds: certificates, and the blocks of some views. */
function holding(
  certificates: readonly Certificate[],
  blocksOf: readonly number[] = [],
): [CertificateStore, BlockTree] {
  const store = new CertificateStore()
  for (const held of certificates) store.add(held)
  const tree = new BlockTree({
    digest: GENESIS_HASH,
    height: 0,
    timeMs: 0,
    executed: { height: 0, stateRoot: digestOf('state'), resultsRoot: EMPTY_ROOT },
  })
  for (const view of blocksOf) tree.add(blockDigest(blockAt(view)), blockAt(view))
  return [store, tree]
}

function select(
  held: [CertificateStore, BlockTree],
  view: number,
  lastFinalView = 0,
): ReturnType<typeof selectParent> {
  return selectParent(...held, GENESIS_HASH, view, lastFinalView)
}

test('the first view builds on genesis, without certificates', () => {
  assert.deepEqual(select(holding([]), 1), {
    found: 'parent',
    view: 0,
    digest: GENESIS_HASH,
    certificate: null,
    skips: [],
  })
})

test('nullified views are skipped, each with its certificate, ascending', () => {
  const skips = [nullification(2), nullification(3)]
  const chosen = select(holding([notarization(1), ...skips], [1]), 4)
  assert.ok(chosen.found === 'parent')
  assert.equal(chosen.view, 1)
  assert.deepEqual(
    chosen.skips.map(({ view }) => view),
    [2, 3],
  )
})

test('with both certificates of a view the notarization is preferred', () => {
  const chosen = select(holding([notarization(1), nullification(1)], [1]), 2)
  assert.ok(chosen.found === 'parent' && chosen.view === 1)
})

test('a notarized block that cannot be had: fall back to the nullification, or say which is missing', () => {
  const fallback = select(holding([notarization(1), nullification(1)]), 2)
  assert.ok(fallback.found === 'parent' && fallback.view === 0 && fallback.skips.length === 1)
  const missing = select(holding([notarization(1)]), 2)
  assert.ok(missing.found === 'missing-block' && missing.certificate.view === 1)
})

test('a view without any certificate is a hole; nothing below the last final view is looked at', () => {
  assert.deepEqual(select(holding([notarization(1), nullification(3)], [1]), 4), { found: 'hole', view: 2 })
  assert.deepEqual(select(holding([nullification(5)]), 6, 5), { found: 'hole', view: 5 })
})

test('however many views were nullified, the parent is found, with a nullification for each', () => {
  // One real certificate stands for all: nothing here looks at signatures.
  const one = nullification(1)
  const many = Array.from({ length: 10_000 }, (_, index) => ({ ...one, view: index + 1 }))
  const chosen = select(holding(many), many.length + 1)
  assert.ok(chosen.found === 'parent' && chosen.view === 0)
  assert.deepEqual(
    chosen.skips.map(({ view }) => view),
    many.map(({ view }) => view),
  )
})
