/** Health and readiness: each thing that is wrong is named with its numbers and with where to look. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import type { ProgressReport } from '../../consensus/progress-report.ts'
import type { Abstention } from '../../consensus/replica-types.ts'
import { stallMs } from '../../node/stall.ts'
import { StatusSource, type StatusOptions } from '../../node/status.ts'
import { START_BALANCE } from '../ledger/helpers.ts'
import { NodeChain } from './fixtures.ts'

let chain: NodeChain
let nowMs: number
let connected: Set<number>
let others: number
let healthy: boolean
let deliveredHeight: number
let lastFinalHeight: number
let wrongByMs: number | null
let abstention: Abstention | null
let resumeView: number | null
/** View 7, led by v3: v1 has given it up, and nobody else has voted. */
const REPORT: ProgressReport = {
  view: 7,
  leader: 2,
  inViewMs: 9_000,
  lastFinalView: 5,
  lastFinalHeight: 5,
  hasProposal: false,
  proposalInvalid: null,
  votes: [{ kind: 'nullify', proposalId: null, voters: [0] }],
  notarizedViews: [6],
  missesBlocks: false,
}

beforeEach(async () => {
  chain = await NodeChain.open()
  nowMs = 0
  mock.method(performance, 'now', () => nowMs)
  connected = new Set([1, 2, 3])
  others = 0
  healthy = true
  deliveredHeight = 1
  lastFinalHeight = 0
  wrongByMs = null
  abstention = null
  resumeView = null
})

afterEach(async () => {
  mock.restoreAll()
  await chain[Symbol.asyncDispose]()
})

function open(self: number | null = 0): StatusSource {
  const { genesis, genesisHash } = chain.chain
  return new StatusSource({
    genesis,
    genesisHash,
    set: chain.set,
    self,
    ledger: chain.ledger,
    replica: {
      get delivered() {
        return { height: deliveredHeight, digest: genesisHash }
      },
      get lastFinalHeight() {
        return lastFinalHeight
      },
      view: 7,
      abstention,
      resumeView,
      report: () => REPORT,
    },
    network: {
      peers: () => Array.from({ length: connected.size + others }),
      peerOfValidator: (index: number) => (connected.has(index) ? {} : null),
    },
    pending: { size: 3 },
    clock: { skewMs: () => wrongByMs, wrongByMs: () => wrongByMs },
    scorer: {
      status: () => ({ id: '', backend: 'wasm', healthy, problem: healthy ? null : 'the worker ended' }),
    },
  } as unknown as StatusOptions)
}

const names = (problems: readonly { readonly what: string }[]): string[] => problems.map(({ what }) => what)

test('without a final block for ten seconds the node says so and why, until there is one', () => {
  const status = open()
  nowMs = stallMs(chain.chain.genesis.parameters)
  assert.equal(nowMs, 10_000)
  assert.deepEqual(status.problems(), [])
  nowMs++
  connected = new Set([1])
  for (const [problem] of [status.problems(), status.obstacles({})]) {
    assert.equal(problem?.what, 'no finality')
    assert.match(
      problem.detail,
      /no block became final for 10 s: .* hold 50\.00 % of the stake; 67\.50 % are needed/,
    )
    assert.match(problem.detail, /no vote from v2 \(connected\), v3 \(not connected\), v4 \(not connected\)/)
    assert.match(problem.hint, /start v3, v4, .*\(cordon doctor stall\)/)
  }
  status.noteFinal(Date.now())
  assert.deepEqual(status.problems(), [])
})

test('a chain that makes empty blocks more rarely is stalled later', () => {
  const { parameters } = chain.chain.genesis
  assert.equal(stallMs({ ...parameters, idleMs: 30_000 }), 60_000)
})

test('a node whose key votes elsewhere is not well and not ready', () => {
  abstention = 'key-used-elsewhere'
  const status = open()
  for (const problems of [status.problems(), status.obstacles({})])
    assert.deepEqual(names(problems), ['voting'])
  assert.match(status.progress().advice, /stop the other process/)
})

test('a node that waits for its lost signing state is well, and not ready until it votes', () => {
  abstention = 'signer-lost'
  assert.deepEqual(open().problems(), [])
  assert.match(open().obstacles({})[0]?.detail ?? '', /until a quorum of the other validators was heard/)
  resumeView = 4_711
  assert.match(open().obstacles({})[0]?.detail ?? '', /until view 4711 or a later one is final/)
  assert.match(open().progress().advice, /cordon signer import/)
})

test('a model that does not work is a problem, and an obstacle', () => {
  healthy = false
  const status = open()
  assert.deepEqual(
    status.problems().map(({ what, detail }) => [what, detail]),
    [['fraud model', 'the worker ended']],
  )
  assert.deepEqual(names(status.obstacles({})), ['fraud model'])
})

test('ready is who has a first block, a quorum, and is not behind', () => {
  const status = open()
  assert.deepEqual(status.obstacles({}), [])
  deliveredHeight = 0
  assert.deepEqual(names(status.obstacles({})), ['first block'])
  deliveredHeight = 1
  connected = new Set([1])
  assert.deepEqual(names(status.obstacles({})), ['quorum'])
  connected = new Set([1, 2])
  assert.deepEqual(names(status.obstacles({})), [])
  lastFinalHeight = 65
  assert.deepEqual(
    status.obstacles({}).map(({ what, detail }) => [what, detail]),
    [['behind', '65 blocks behind, at most 64 asked for']],
  )
  assert.deepEqual(status.obstacles({ maxBlocksBehind: 65 }), [])
  assert.deepEqual(names(status.obstacles({ maxBlocksBehind: 64, minPeers: 3 })), ['behind', 'peers'])
})

test('a wrong clock is an obstacle, and no illness: a restart would not set it', async () => {
  wrongByMs = -480
  const status = open()
  assert.deepEqual(status.problems(), [])
  const [obstacle] = status.obstacles({})
  assert.equal(obstacle?.what, 'clock')
  assert.match(obstacle.detail, /480 ms behind/)
  assert.match(obstacle.hint, /timedatectl/)
  assert.equal((await status.chainStatus()).clockSkewMs, -480)
})

test('a node that only follows needs somebody to follow, not a quorum', () => {
  connected = new Set()
  others = 1
  assert.deepEqual(open(null).obstacles({}), [])
  others = 0
  assert.deepEqual(names(open(null).obstacles({})), ['peers'])
})

test('the status counts what the ledger counts', async () => {
  await chain.execute([], { timeMs: 5_000_000 })
  const status = open(2)
  status.noteFinal(6_000_000)
  const answer = await status.chainStatus()
  assert.deepEqual(
    {
      validator: answer.validator,
      height: answer.height,
      executedHeight: answer.executedHeight,
      executedTimeMs: answer.executedTimeMs,
      blockTimeMs: answer.blockTimeMs,
      peers: answer.peers,
      pendingTxs: answer.pendingTxs,
      totalSupply: answer.totalSupply,
    },
    {
      validator: 'v3',
      height: 1,
      executedHeight: 1,
      executedTimeMs: 5_000_000,
      blockTimeMs: 6_000_000,
      peers: 3,
      pendingTxs: 3,
      totalSupply: String(7n * START_BALANCE + 40n), // three accounts, four operators, four stakes
    },
  )
  assert.ok((answer.finality.p50Ms ?? -1) >= 0)
})
