/** The replica as a whole, in the smallest chain there is: one validator, driven by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeParameters } from '../../config/parameters.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { Replica } from '../../consensus/replica.ts'
import { NOTHING_RESTORED, type Effect, type Input } from '../../consensus/replica-types.ts'
import { openSigner } from '../../consensus/signer.ts'
import type { Block } from '../../consensus/types.ts'
import { tx } from './dissemination-bench.ts'
import { CREATED_MS, digestOf, GENESIS_HASH, keyPair, validatorSet } from './fixtures.ts'
import { MemoryJournal } from './memory-journal.ts'

const set = validatorSet([1n])
const parameters = makeParameters('devnet', { idleMs: 1_000 })
const chain = { genesisHash: GENESIS_HASH, createdMs: CREATED_MS, stateRoot: digestOf('state') }

class Solo {
  readonly replica: Replica
  readonly blocks: Block[] = []
  nowMs = 0
  /** When the only hold falls due. */
  dueMs: number | null = null
  /** Results are kept back while this is set. */
  executes = true
  readonly #unexecuted: Input[] = []

  private constructor(replica: Replica) {
    this.replica = replica
  }

  static async start(): Promise<Solo> {
    const key = { sign: (message: Uint8Array) => sign(message, keyPair(0).secretKey) }
    const signer = await openSigner({ set, index: 0, key, storage: new MemoryJournal() })
    const solo = new Solo(
      new Replica({
        set,
        chain,
        parameters,
        self: 0,
        signer,
        verifier: { verify },
        restored: NOTHING_RESTORED,
      }),
    )
    solo.take({ type: 'start' })
    return solo
  }

  /** Steps, answers what comes out, and keeps what becomes final. */
  take(first: Input): void {
    const clock = { monotonicMs: this.nowMs, wallMs: CREATED_MS + this.nowMs }
    const inputs = [first]
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const effect of this.replica.step(input, clock)) inputs.push(...this.#answers(effect))
    }
  }

  #answers(effect: Effect): Input[] {
    if (effect.type === 'assess') {
      return [{ type: 'assessed', ref: effect.ref, valid: true, flags: [], modelId: new Uint8Array(32) }]
    }
    if (effect.type !== 'deliver') return []
    this.blocks.push(effect.block)
    const { height, timeMs, payload } = effect.block
    const ended = this.dueMs !== null && this.dueMs <= timeMs
    const roots = { stateRoot: digestOf(`state ${height}`), receiptsRoot: digestOf(`receipts ${height}`) }
    const hadWork = payload.length > 0 || ended
    const executed: Input = { type: 'executed', result: { height, timeMs, ...roots, hadWork } }
    const inputs: Input[] = ended ? [{ type: 'next-due', timeMs: null }, executed] : [executed]
    if (!this.executes) {
      this.#unexecuted.push(...inputs)
      return []
    }
    if (ended) this.dueMs = null
    return inputs
  }

  /** Execution catches up, in the order of heights. */
  execute(): void {
    for (let input = this.#unexecuted.shift(); input !== undefined; input = this.#unexecuted.shift()) {
      if (input.type === 'next-due') this.dueMs = null
      this.take(input)
    }
    this.executes = true
  }

  /** Lets time pass, waking the replica when it wants to be. */
  runUntil(ms: number): void {
    for (let ticks = 0; ticks < 10_000; ticks++) {
      const next = this.replica.nextDeadlineMs()
      if (next > ms) {
        this.nowMs = ms
        return
      }
      this.nowMs = Math.max(this.nowMs, next)
      this.take({ type: 'tick' })
    }
    assert.fail('the replica asks for ticks without end')
  }
}

test('a submitted transaction is batched, certified, ordered and final', async () => {
  const solo = await Solo.start()
  solo.take({ type: 'submit', txs: [tx(1), tx(2)] })
  solo.runUntil(500)
  const certificates = solo.blocks.flatMap(({ payload }) => payload)
  assert.deepEqual(
    certificates.map(({ txCount, author }) => [txCount, author]),
    [[2, 0]],
  )
  assert.equal(solo.replica.ownOpenBatches, 0)
  assert.equal(solo.replica.queuedTxs, 0)
  assert.equal(solo.replica.delivered.height, solo.blocks.at(-1)?.height)
  assert.ok(solo.replica.lastFinalView > 0)
  assert.ok(solo.replica.view > solo.replica.lastFinalView)
})

test('an idle chain makes a block every idleMs or so; a hold that falls due gets one at once', async () => {
  const solo = await Solo.start()
  solo.runUntil(5_000)
  const before = solo.blocks.length
  solo.runUntil(10_000)
  const idle = solo.blocks.length - before
  assert.ok(idle >= 2 && idle <= 6, `${idle} blocks in 5 s`)
  const newest = solo.blocks.at(-1)?.timeMs ?? 0
  const dueMs = Math.max(CREATED_MS + solo.nowMs, newest) + 300
  solo.dueMs = dueMs
  solo.take({ type: 'next-due', timeMs: dueMs })
  solo.runUntil(dueMs - CREATED_MS + 100)
  const first = solo.blocks.find(({ timeMs }) => timeMs >= dueMs)
  assert.ok(
    first !== undefined && first.timeMs <= dueMs + 100,
    `first block ${first === undefined ? 'none' : first.timeMs - dueMs} ms after`,
  )
})

test('a hold that is due calls for one block, not for one after the other until it is executed', async () => {
  const solo = await Solo.start()
  solo.runUntil(5_000)
  const dueMs = Math.max(CREATED_MS + solo.nowMs, solo.blocks.at(-1)?.timeMs ?? 0) + 100
  solo.dueMs = dueMs
  solo.executes = false
  solo.take({ type: 'next-due', timeMs: dueMs })
  const before = solo.blocks.length
  solo.runUntil(solo.nowMs + 100 + parameters.deltaMs)
  const made = solo.blocks.length - before
  assert.ok(made >= 1 && made <= 4, `${made} blocks while one hold waited for its execution`)
  solo.execute()
  solo.runUntil(solo.nowMs + parameters.deltaMs)
  assert.ok((solo.blocks.at(-1)?.executed.height ?? 0) > before, 'its result is not committed to')
})

test('a validator needs a signer, a follower has none', async () => {
  const options = { set, chain, parameters, verifier: { verify }, restored: NOTHING_RESTORED }
  assert.throws(() => new Replica({ ...options, self: 0, signer: null }), RangeError)
  const follower = new Replica({ ...options, self: null, signer: null })
  assert.equal(follower.self, null)
  const clock = { monotonicMs: 0, wallMs: CREATED_MS }
  follower.step({ type: 'start' }, clock)
  assert.throws(() => follower.step({ type: 'submit', txs: [tx(1)] }, clock), RangeError)
})
