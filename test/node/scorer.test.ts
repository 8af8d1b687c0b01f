import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { headId } from '../../fraud/head/head.ts'
import { pretrainedHead } from '../../fraud/head/pretrained.ts'
import { FLAG_SCORE, modelIdOf } from '../../fraud/model/model-spec.ts'
import { REASON } from '../../fraud/reasons/reasons.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import type { TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import { createScorer, type Scorer, type ScorerOptions } from '../../node/scoring/scorer.ts'
import { START_MS, account } from '../fraud/play.ts'

const LONG_MS = 60_000
/** A worker of these tests has answered by then, with as much as it ever will. */
const SHORT_MS = 500
const silent = { info: (): void => undefined, warn: (): void => undefined }
let nextKey = 0

function transfer(from: string, to: string, amount: number, atMs = 0, balance = 1_000): TransferFacts {
  return {
    transaction: `${nextKey}`,
    key: `${nextKey++}`,
    payer: account(from),
    payee: account(to),
    amount: BigInt(Math.round(amount * 1e6)),
    payerBalance: BigInt(Math.round(balance * 1e6)),
    timeMs: START_MS + atMs,
  }
}

const settled = (facts: readonly TransferFacts[]): TransferOutcome[] =>
  facts.map((fact) => ({ facts: fact, held: false }))

/** Fifty payments to fresh payees in five seconds. */
function burst(from: string): TransferFacts[] {
  return Array.from({ length: 50 }, (_, i) => transfer(from, `fresh ${from} ${i}`, 10, 100 * i))
}

/** A worker that runs `code`, with the port as `port`. */
function worker(code: string): () => Worker {
  return () =>
    new Worker(`const { parentPort: port } = require('node:worker_threads')\n${code}`, { eval: true })
}

const SAY_READY = `port.postMessage({ type: 'ready', backend: 'fake', problem: null })`
/** Scores every row 0.9, in pieces of two rows, and stops after `pieces`. */
const answering = (pieces: number): (() => Worker) =>
  worker(`${SAY_READY}
    port.on('message', ({ id, rows }) => {
      const count = rows.length / ${FEATURE_COUNT}
      for (let i = 0; i < ${pieces} && 2 * i < count; i++) {
        port.postMessage({ type: 'scores', id, first: 2 * i, scores: new Float32Array(Math.min(2, count - 2 * i)).fill(0.9), shadowScores: null })
      }
    })`)

async function withScorer(
  options: Partial<ScorerOptions>,
  use: (scorer: Scorer) => Promise<void>,
): Promise<void> {
  const scorer = createScorer({ log: silent, ...options })
  try {
    await scorer.started
    await use(scorer)
  } finally {
    await scorer.close()
  }
}

describe('with the real worker', () => {
  let scorer: Scorer
  before(async () => {
    scorer = createScorer({ log: silent })
    await scorer.started
  })
  after(() => scorer.close())

  test('is healthy and names model and backend', () => {
    assert.deepEqual(scorer.status(), {
      id: Buffer.from(modelIdOf(null)).toString('hex'),
      backend: 'wasm',
      healthy: true,
      problem: null,
    })
  })

  test('flags a burst with reasons, keeps its numbers, and lets ordinary payments through', async () => {
    const shots = burst('gunner')
    const { assessments, modelId } = await scorer.assess('burst', [...shots, transfer('a', 'b', 5)], LONG_MS)
    assert.deepEqual(modelId, modelIdOf(null))
    const flagged = assessments.filter((assessment) => assessment.flagged)
    assert.ok(flagged.length > 30, `${flagged.length} of 50 flagged`)
    assert.equal(assessments.at(-1)?.flagged, false)
    const last = assessments[49]!
    assert.ok(
      last.score >= FLAG_SCORE &&
        (last.reasons & REASON.burst) !== 0 &&
        (last.reasons & REASON.cheapSum) === 0,
    )
    assert.deepEqual(scorer.details(last.key), last)
    assert.equal(scorer.details(assessments.at(-1)!.key), null)
    scorer.dropBatch('burst')
  })

  test('a batch larger than one piece', async () => {
    const transfers = Array.from({ length: 1_201 }, (_, i) => transfer(`p${i}`, `q${i}`, 1))
    const { assessments } = await scorer.assess('large', transfers, LONG_MS)
    assert.deepEqual(
      assessments.map(({ key }) => key),
      transfers.map(({ key }) => key),
    )
    assert.ok(assessments.every(({ flagged, reasons }) => !flagged && reasons === 0))
    scorer.dropBatch('large')
  })

  test('no transfers', async () => {
    assert.deepEqual((await scorer.assess('none', [], LONG_MS)).assessments, [])
  })

  test('a dry run leaves no trace', async () => {
    const before = scorer.snapshot()
    for (const shot of burst('dry')) assert.equal((await scorer.dryRun(shot)).flagged, false)
    assert.deepEqual(scorer.snapshot(), before)
  })
})

test('with a head, it is the head that is named, and silent while the chain is young', async () => {
  const head = pretrainedHead()
  await withScorer({ head }, async (scorer) => {
    const modelId = modelIdOf(headId(head))
    assert.equal(scorer.status().id, Buffer.from(modelId).toString('hex'))
    const judged = await scorer.assess('h', [transfer('a', 'b', 5), ...burst('headed')], LONG_MS)
    assert.deepEqual(judged.modelId, modelId)
    assert.equal(judged.assessments[0]?.score, 0)
    assert.ok(judged.assessments.at(-1)?.flagged === true, 'the rules speak')
  })
})

describe('time budget', () => {
  test('what the worker did not reach is judged by the cheap sum', async () => {
    const { said, log } = warned()
    await withScorer({ spawn: answering(1), log }, async (scorer) => {
      const { assessments, modelId } = await scorer.assess('b', [...burst('x')], SHORT_MS)
      assert.equal(scorer.fallbacks.slow, 48)
      assert.match(said[0] ?? '', /no answer in time for 48 transfers; the cheap sum judged them/)
      assert.deepEqual(modelId, modelIdOf(null))
      assert.equal(assessments[0]?.score, 230)
      assert.equal(assessments[1]?.score, 230)
      assert.equal(assessments[2]?.flagged, false)
      const last = assessments[49]!
      assert.ok(last.flagged && (last.reasons & REASON.cheapSum) !== 0)
    })
  })

  test('while the model loads, the cheap sum judges at once', async () => {
    const scorer = createScorer({ log: silent, spawn: worker('port.on("message", () => undefined)') })
    const { assessments } = await scorer.assess('b', burst('x'), LONG_MS)
    assert.ok(assessments[49]!.flagged && (assessments[49]!.reasons & REASON.cheapSum) !== 0)
    assert.equal(scorer.status().healthy, false)
    assert.match(scorer.status().problem ?? '', /loading/)
    assert.equal(scorer.fallbacks.loading, 50)
    await scorer.close()
  })

  test('an answer in time is used as it is', async () => {
    await withScorer({ spawn: answering(100) }, async (scorer) => {
      const { assessments } = await scorer.assess(
        'b',
        [transfer('a', 'b', 1), transfer('a', 'b', 1)],
        LONG_MS,
      )
      assert.ok(assessments.every(({ score }) => score === 230))
    })
  })
})

/** Collects warnings. */
function warned(): { readonly said: string[]; readonly log: ScorerOptions['log'] } {
  const said: string[] = []
  return { said, log: { info: () => undefined, warn: (message) => void said.push(message) } }
}

describe('a model that gives no numbers', () => {
  for (const bad of ['NaN', 'Infinity', '-Infinity'])
    test(`${bad}: the cheap sum judges, and it is counted and said once`, async () => {
      const { said, log } = warned()
      const spawn = worker(`${SAY_READY}
        port.on('message', ({ id, rows }) => {
          const scores = new Float32Array(rows.length / ${FEATURE_COUNT}).fill(${bad})
          port.postMessage({ type: 'scores', id, first: 0, scores, shadowScores: null })
        })`)
      await withScorer({ spawn, log }, async (scorer) => {
        const { assessments, modelId } = await scorer.assess('b', burst('x'), LONG_MS)
        await scorer.assess('c', burst('y'), LONG_MS)
        assert.deepEqual(modelId, modelIdOf(null))
        assert.equal(assessments[0]?.flagged, false)
        const last = assessments[49]!
        assert.ok(last.flagged && (last.reasons & REASON.cheapSum) !== 0)
        assert.deepEqual(scorer.fallbacks, { loading: 0, slow: 0, 'no-number': 100, down: 0 })
        assert.equal(said.length, 1)
        assert.match(said[0] ?? '', /fraud model: no number for 50 transfers/)
      })
    })
})

test('a backend with a problem is said when it is ready, and in the status', async () => {
  const { said, log } = warned()
  const spawn = worker(`port.postMessage({ type: 'ready', backend: 'wasm', problem: 'wasm: no SIMD' })
    port.on('message', () => undefined)`)
  await withScorer({ spawn, log }, async (scorer) => {
    assert.deepEqual(said, ['fraud model: ready on wasm, with a problem: wasm: no SIMD'])
    const { healthy, problem } = scorer.status()
    assert.deepEqual([healthy, problem], [true, 'wasm: no SIMD'])
  })
})

describe('a worker that fails', () => {
  test('gives no flags, says so, and is started again', async () => {
    const problems: string[] = []
    let starts = 0
    const recovered = Promise.withResolvers<null>()
    const log = {
      info: () => (++starts === 2 ? recovered.resolve(null) : undefined),
      warn: (message: string) => void problems.push(message),
    }
    let spawned = 0
    const spawn = (): Worker =>
      spawned++ === 0
        ? worker(`${SAY_READY}\nport.on('message', () => { throw new Error('weights gone') })`)()
        : answering(100)()
    const scorer = createScorer({ log, spawn })
    await scorer.started
    const { assessments, modelId } = await scorer.assess('b', burst('x'), LONG_MS)
    assert.ok(assessments.every(({ flagged }) => !flagged))
    assert.deepEqual(modelId, new Uint8Array(32))
    assert.equal(scorer.status().healthy, false)
    assert.match(scorer.status().problem ?? '', /weights gone/)
    assert.match(problems[0] ?? '', /weights gone; starting it again in 250 ms/)
    assert.equal(scorer.fallbacks.down, 50)
    await recovered.promise
    assert.equal(scorer.status().healthy, true)
    const again = await scorer.assess('c', [transfer('a', 'b', 1)], LONG_MS)
    assert.ok(again.assessments[0]!.flagged)
    await scorer.close()
  })

  test('that never starts does not hold anybody up', async () => {
    await withScorer({ spawn: worker('process.exit(3)') }, async (scorer) => {
      assert.equal(scorer.status().healthy, false)
      const { assessments } = await scorer.assess('b', burst('x'), LONG_MS)
      assert.ok(assessments.every(({ flagged }) => !flagged))
    })
  })

  test('closing answers what is waited for', async () => {
    const spawn = answering(0)
    const scorer = createScorer({ log: silent, spawn })
    await scorer.started
    const waiting = scorer.assess('b', [transfer('a', 'b', 1)], LONG_MS)
    await scorer.close()
    assert.equal((await waiting).assessments[0]?.flagged, false)
  })
})

describe('snapshot', () => {
  test('carries features and explanations', async () => {
    await withScorer({ spawn: answering(100) }, async (scorer) => {
      const facts = [transfer('a', 'b', 1), transfer('a', 'c', 1)]
      const { assessments } = await scorer.assess('b', facts, LONG_MS)
      scorer.executed(settled(facts))
      scorer.dropBatch('b')
      const bytes = scorer.snapshot()
      await withScorer({ spawn: answering(100) }, async (other) => {
        other.restore(bytes)
        assert.deepEqual(other.snapshot(), bytes)
        assert.deepEqual(other.details(facts[0]!.key), assessments[0])
      })
    })
  })

  test('damaged or of another version: refused, and nothing changes', async () => {
    await withScorer({ spawn: answering(100) }, async (scorer) => {
      scorer.executed(settled([transfer('a', 'b', 1)]))
      const bytes = scorer.snapshot()
      const other = bytes.slice()
      other[1] = 99
      assert.throws(() => scorer.restore(other), { code: 'format-version' })
      for (const damaged of [
        bytes.subarray(0, 40),
        bytes.subarray(0, bytes.length - 1),
        new Uint8Array([0, 1, 0]),
      ]) {
        assert.throws(() => scorer.restore(damaged), { code: 'data-inconsistent' })
      }
      assert.deepEqual(scorer.snapshot(), bytes)
    })
  })
})

test('the worker does not keep a process alive', async () => {
  const code = `const { createScorer } = await import(${JSON.stringify(new URL('../../node/scoring/scorer.ts', import.meta.url).href)})
    await createScorer({ log: { info() {}, warn() {} } }).started`
  const { spawn } = await import('node:child_process')
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' })
  const [exit] = (await once(child, 'exit')) as [number | null]
  // 13: the top-level await was still open when nothing held the process any more. 0: the model was ready before.
  assert.ok(exit === 13 || exit === 0, `exit ${exit}`)
})
