/** Properties over random blocks. A failing seed is in the message of the assertion. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex } from '../../crypto/bytes.ts'
import { totalSupply } from '../../ledger/genesis.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { MemoryStore } from '../../ledger/store/memory.ts'
import { tryDecode } from '../../ledger/execute.ts'
import type { BlockExecution, ExecutionBlock } from '../../ledger/types.ts'
import { makeChain } from './helpers.ts'
import { RANDOM_CHAIN, RandomBlocks } from './random-blocks.ts'

const SEEDS = ['one', 'two', 'three', 'four']
const BLOCKS = 60

const OUTCOMES = ['settled', 'held']
const FAILURES = [
  'insufficient-funds',
  'fee-not-covered',
  'hold-unknown',
  'hold-not-yours',
  'hold-ended',
  'not-an-operator',
  'already-voted',
  'not-the-guardian',
]
const VOIDS = ['duplicate', 'expired', 'not-yet-valid', 'sequence', 'invalid']
const ENDS = ['recalled', 'released', 'returned', 'expired-returned', 'confirmed']

interface Run {
  readonly blocks: readonly ExecutionBlock[]
  readonly executions: readonly BlockExecution[]
  readonly ledger: Ledger
  readonly sent: readonly Uint8Array[]
}

/** Executes random blocks of a seed; `between` may swap the ledger after each. */
async function run(
  seed: string,
  between: (ledger: Ledger, height: number) => Promise<Ledger> = (ledger) => Promise.resolve(ledger),
  store = new MemoryStore(),
): Promise<Run> {
  const chain = makeChain(RANDOM_CHAIN)
  const random = new RandomBlocks(chain, seed)
  let ledger = await Ledger.inMemory({ ...chain, store })
  const blocks: ExecutionBlock[] = []
  const executions: BlockExecution[] = []
  for (let height = 1; height <= BLOCKS; height++) {
    const block = random.next()
    const execution = await ledger.execute(block)
    random.seen(execution)
    blocks.push(block)
    executions.push(execution)
    ledger = await between(ledger, height)
  }
  return { blocks, executions, ledger, sent: random.sent }
}

const trace = ({ executions }: Run): string[] =>
  executions.map(({ stateRoot, receiptsRoot }) => `${toHex(stateRoot)} ${toHex(receiptsRoot)}`)

describe('random blocks', () => {
  const seen = new Set<string>()

  for (const seed of SEEDS) {
    it(`conserve value, recounted from the whole state (seed ${seed})`, async () => {
      let supply: bigint | null = null
      const { ledger, executions } = await run(seed, async (current, height) => {
        const totals = current.totals()
        supply ??= totalSupply(totals)
        assert.equal(totalSupply(totals), supply, `seed ${seed}, height ${height}`)
        assert.deepEqual(await current.audit(), totals, `seed ${seed}, height ${height}`)
        return current
      })
      for (const { receipts, voids, endedHolds } of executions) {
        for (const { outcome, failure } of receipts) seen.add(failure ?? outcome)
        for (const { reason } of voids) seen.add(reason)
        for (const { end } of endedHolds) seen.add(end?.how ?? 'open')
      }
      const counted = { settled: 0, held: 0, failed: 0 }
      for (const { receipts } of executions) for (const { outcome } of receipts) counted[outcome]++
      assert.deepEqual(ledger.outcomes, counted)
    })

    it(`have the same roots however often the ledger is opened anew (seed ${seed})`, async () => {
      const plain = trace(await run(seed))
      const store = new MemoryStore()
      const chain = makeChain(RANDOM_CHAIN)
      const restarted = await run(
        seed,
        async (ledger, height) => {
          if (height % 3 !== 0) return ledger
          await ledger.close()
          return Ledger.inMemory({ ...chain, store })
        },
        store,
      )
      assert.deepEqual(trace(restarted), plain, `seed ${seed}`)
    })

    it(`never execute a transaction twice (seed ${seed})`, async () => {
      const { ledger, executions, sent, blocks } = await run(seed)
      const ids = executions.flatMap(({ receipts }) => receipts.map(({ txId }) => toHex(txId)))
      assert.equal(new Set(ids).size, ids.length)
      const known = new Set(ids)
      const executed = sent.filter((bytes) => known.has(toHex(tryDecode(bytes)?.id ?? new Uint8Array(0))))
      const last = blocks.at(-1) as ExecutionBlock
      const before = ledger.totals()
      const { timeMs } = ledger
      const replay: ExecutionBlock = {
        ...last,
        height: last.height + 1,
        timeMs: timeMs + 1,
        batches: [
          { epoch: 0, author: 3, seq: 1, createdMs: timeMs, digest: last.digest, txs: executed, held: [] },
        ],
      }
      const execution = await ledger.execute(replay)
      assert.deepEqual(
        [execution.receipts.length, execution.voids.length],
        [0, executed.length],
        `seed ${seed}`,
      )
      const expired = execution.endedHolds.reduce((sum, { amount }) => sum + amount, 0n)
      assert.deepEqual(ledger.totals(), {
        ...before,
        balances: before.balances + expired,
        holds: before.holds - expired,
      })
    })
  }

  it('are not too tame: everything that can happen happened', () => {
    const all = [...OUTCOMES, ...FAILURES, ...VOIDS, ...ENDS]
    assert.deepEqual(
      all.filter((what) => !seen.has(what)),
      [],
    )
  })
})
