import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_ROOT } from '../../crypto/merkle.ts'
import { BlockFetcher } from '../../consensus/block-fetch.ts'
import { BlockTree } from '../../consensus/block-tree.ts'
import type { Block } from '../../consensus/types.ts'
import { blockDigest } from '../../consensus/wire.ts'
import { digestOf, GENESIS_HASH, sampleBlock, validatorSet } from './fixtures.ts'

const set = validatorSet()

function child(parent: Block | null, salt = 0): Block {
  return {
    ...sampleBlock(set),
    height: (parent?.height ?? 0) + 1,
    parentDigest: parent === null ? GENESIS_HASH : blockDigest(parent),
    timeMs: 1_000 + salt,
  }
}

function chainOf(length: number): Block[] {
  const blocks: Block[] = []
  for (let i = 0; i < length; i++) blocks.push(child(blocks.at(-1) ?? null))
  return blocks
}

function emptyTree(): BlockTree {
  return new BlockTree({
    digest: GENESIS_HASH,
    height: 0,
    timeMs: 0,
    executed: { height: 0, stateRoot: digestOf('state'), resultsRoot: EMPTY_ROOT },
  })
}

function add(tree: BlockTree, block: Block): boolean {
  return tree.add(blockDigest(block), block)
}

test('has: only with all ancestors; blocks that wait connect when the missing one comes', () => {
  const [a, b, c] = chainOf(3) as [Block, Block, Block]
  const tree = emptyTree()
  assert.ok(tree.has(GENESIS_HASH))
  add(tree, c)
  add(tree, b)
  assert.equal(tree.has(blockDigest(c)), false)
  assert.deepEqual(tree.missing(blockDigest(c)), blockDigest(a))
  assert.ok(add(tree, a))
  assert.equal(add(tree, a), false, 'a second time is no news')
  assert.ok(tree.has(blockDigest(c)))
  assert.equal(tree.missing(blockDigest(c)), null)
  assert.deepEqual(
    tree.chain(blockDigest(c)).map(({ block }) => block),
    [a, b, c],
  )
})

test('advance: siblings of the final block and all upon them go, what follows it stays', () => {
  const a = child(null)
  const b = child(a)
  const fork = child(null, 1)
  const upon = child(fork)
  const tree = emptyTree()
  for (const block of [a, b, fork, upon]) add(tree, block)
  assert.deepEqual(
    tree.advance(blockDigest(a)),
    [blockDigest(fork), blockDigest(upon)],
    'what can never be final',
  )
  assert.equal(tree.root.height, 1)
  assert.ok(tree.has(blockDigest(b)))
  assert.equal(tree.holds(blockDigest(fork)), false)
  assert.equal(tree.holds(blockDigest(upon)), false)
  assert.throws(() => tree.advance(blockDigest(upon)))
  assert.equal(add(tree, fork), false, 'nothing at or below the root is taken')
})

test('dropStale forgets detached blocks the chain has passed', () => {
  const [a, b] = chainOf(2) as [Block, Block]
  const stray = { ...b, parentDigest: digestOf('nowhere') }
  const tree = emptyTree()
  for (const block of [a, b, stray]) add(tree, block)
  tree.advance(blockDigest(a))
  tree.advance(blockDigest(b))
  assert.deepEqual(tree.dropStale(), [blockDigest(stray)])
  assert.equal(tree.size, 0)
})

test('fetching: asks two holders, then others, slower each time; an answer brings the next page from who answered', () => {
  const blocks = chainOf(10)
  const tip = blocks.at(-1) as Block
  const tree = emptyTree()
  const fetcher = new BlockFetcher(tree)
  fetcher.want('final', blockDigest(tip), () => [2, 0, 1], 0)
  const indexes = (nowMs: number): unknown[] =>
    fetcher
      .due(nowMs)
      .flatMap(({ targets }) =>
        targets.map((target) => (target.kind === 'validator' ? target.index : target.kind)),
      )
  assert.deepEqual(indexes(0), [2, 0])
  assert.deepEqual(indexes(499), [])
  assert.deepEqual(indexes(500), [1, 'anyone'])
  assert.equal(fetcher.nextDeadlineMs, 1_250)

  const page = blocks.slice(4).reverse()
  assert.equal(fetcher.select([child(null, 9)]).length, 0, 'what was not asked for is not taken')
  const taken = fetcher.select([...page, child(null, 9)])
  assert.equal(taken.length, 6)
  for (const { digest, block } of taken) tree.add(digest, block)
  fetcher.advance(600, 'peer-7')
  assert.deepEqual(fetcher.due(600), [
    { digest: blockDigest(blocks[3] as Block), targets: [{ kind: 'peer', id: 'peer-7' }] },
  ])
  for (const block of blocks) add(tree, block)
  fetcher.advance(700, null)
  assert.equal(fetcher.isWanted('final'), false)
  assert.equal(fetcher.nextDeadlineMs, Infinity)
})

test('fetching: with finalizations coming in no request waits longer than a second', () => {
  const [tip] = chainOf(1) as [Block]
  const fetcher = new BlockFetcher(emptyTree())
  fetcher.want('final', blockDigest(tip), () => [], 0)
  let nowMs = 0
  for (let attempt = 0; attempt < 12; attempt++) {
    nowMs = fetcher.nextDeadlineMs
    assert.deepEqual(
      fetcher.due(nowMs)[0]?.targets,
      [{ kind: 'anyone' }, { kind: 'anyone' }],
      'a full node asks two',
    )
  }
  assert.equal(fetcher.nextDeadlineMs, nowMs + 30_000)
  fetcher.networkIsAlive(nowMs + 10)
  assert.equal(fetcher.nextDeadlineMs, nowMs + 1_000)
  fetcher.networkIsAlive(nowMs + 5_000)
  assert.equal(fetcher.nextDeadlineMs, nowMs + 1_000)
})

test('fetching: two purposes that need the same block send one request', () => {
  const [a, b] = chainOf(2) as [Block, Block]
  const fetcher = new BlockFetcher(emptyTree())
  fetcher.want('final', blockDigest(b), () => [0], 0)
  fetcher.want('notarized', blockDigest(b), () => [1], 0)
  fetcher.want('parent', blockDigest(a), () => [1], 0)
  assert.equal(fetcher.due(0).length, 2)
  fetcher.want('parent', null, () => [], 0)
  assert.equal(fetcher.isWanted('parent'), false)
})
