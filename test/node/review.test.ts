/** The review desk over a real file and a ledger of plain objects: what it notices, keeps, and refuses. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { keyPairFromSeed } from '../../crypto/ed25519.ts'
import { parseReviewLog } from '../../fraud/review/chain.ts'
import type { ReviewBody } from '../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../fraud/review/limits.ts'
import { REASON } from '../../fraud/reasons/reasons.ts'
import type { Assessment, TransferFacts } from '../../fraud/types.ts'
import { holdId } from '../../ledger/entries.ts'
import type { BlockExecution, Hold } from '../../ledger/types.ts'
import { ReviewDesk, type ReviewDeskOptions } from '../../node/review/desk.ts'

const KEY = keyPairFromSeed(new Uint8Array(32).fill(4))
const GENESIS_HASH = new Uint8Array(32).fill(5)
const [ALICE, BOB] = ['aa'.repeat(32), 'bb'.repeat(32)]
const DAY_MS = 86_400_000

interface Harness {
  readonly directory: string
  readonly file: string
  readonly holds: Map<string, Hold>
  readonly warnings: string[]
  open(change?: Partial<ReviewDeskOptions>): Promise<ReviewDesk>
}

function harness(t: TestContext): Harness {
  const directory = join(mkdtempSync(join(tmpdir(), 'cordon-review-')), 'review')
  t.after(() => rmSync(join(directory, '..'), { recursive: true }))
  const holds = new Map<string, Hold>()
  const warnings: string[] = []
  return {
    directory,
    file: join(directory, 'log.jsonl'),
    holds,
    warnings,
    open: async (change = {}) => {
      const desk = await ReviewDesk.open({
        directory,
        key: KEY,
        genesisHash: GENESIS_HASH,
        thresholds: { hold: 128, alert: 96 },
        secondAboveUnits: 100n,
        ledger: {
          hold: (id) => Promise.resolve(holds.get(toHex(id)) ?? null),
          holdsOpen: () =>
            Promise.resolve({ items: [...holds.values()].filter(({ end }) => end === null), cursor: null }),
        },
        log: {
          warn: (_fields, message) => void warnings.push(message),
          error: (_fields, message) => void warnings.push(message),
        },
        ...change,
      })
      t.after(() => desk.close().catch(() => undefined)) // most tests close it themselves
      return desk
    },
  }
}

function facts(n: number): TransferFacts {
  const transaction = n.toString(16).padStart(64, '0')
  return {
    key: `${transaction}:0`,
    transaction,
    payer: ALICE,
    payee: BOB,
    amount: 50n,
    payerBalance: 100n,
    timeMs: Date.now(),
  }
}

function scored({ key }: TransferFacts, score: number): Assessment {
  const text = '62 % of the balance leaves for new payees within 10 minutes'
  const details = [{ feature: 'drain_new_10m', value: 0.62, usual: null, usualRange: null, share: 1, text }]
  return { key, score, flagged: score >= 128, reasons: REASON.drain, details }
}

function caseId(n: number): string {
  return toHex(holdId(fromHex(n.toString(16).padStart(64, '0')), 0))
}

function holdOf(n: number, change: Partial<Hold> = {}): Hold {
  return {
    id: fromHex(caseId(n)),
    kind: 'quarantine',
    txId: fromHex(n.toString(16).padStart(64, '0')),
    action: 0,
    payer: fromHex(ALICE),
    payee: fromHex(BOB),
    amount: 50n,
    createdMs: Date.now(),
    expiresMs: Date.now() + DAY_MS,
    onExpiry: 'return',
    flaggers: [{ signer: 1, score: 200, reasons: REASON.burst }],
    guardian: null,
    reviews: [],
    end: null,
    ...change,
  } as Hold
}

function blockWith(
  began: readonly Hold[],
  ended: readonly Hold[],
): Pick<BlockExecution, 'receipts' | 'endedHolds'> {
  const receipts = [{ holds: began.map(({ id }) => ({ holdId: id })) }]
  return { receipts: receipts as unknown as BlockExecution['receipts'], endedHolds: ended }
}

function bodiesIn(file: string): ReviewBody[] {
  return parseReviewLog(readFileSync(file, 'utf8'), 'all').events.map(({ body }) => body)
}

test('a new log begins with its key, in a folder and file of their own for the owner only', async (t) => {
  const { open, directory, file } = harness(t)
  await (await open()).close()
  assert.deepEqual(bodiesIn(file), [
    { type: 'log.started', genesisHash: toHex(GENESIS_HASH), publicKey: toHex(KEY.publicKey) },
  ])
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('an alert opens a case without a flag, a flag one with; below nothing is written', async (t) => {
  const { open, file } = harness(t)
  const desk = await open()
  const [quiet, alert, flag] = [1, 2, 3].map((n, i) =>
    desk.judge(facts(n), scored(facts(n), [95, 96, 128][i] ?? 0)),
  )
  assert.deepEqual([quiet?.flagged, alert?.flagged, flag?.flagged], [false, false, true])
  await desk.settled()
  const opened = bodiesIn(file).filter((body) => body.type === 'case.opened')
  assert.deepEqual(
    opened.map(({ case: id, cause, amount, reasons }) => [id, cause, amount, reasons]),
    [
      [caseId(2), 'alert', '50', ['drain']],
      [caseId(3), 'flag', '50', ['drain']],
    ],
  )
})

test('a transfer that lies in two batches is one case', async (t) => {
  const { open } = harness(t)
  const desk = await open()
  for (let again = 0; again < 3; again++) {
    desk.judge(facts(1), scored(facts(1), 200))
    if (again === 1) await desk.settled()
  }
  await desk.settled()
  assert.equal(desk.state.openCases, 1)
  assert.equal(desk.state.events, 2)
})

test('everything is there again after a restart', async (t) => {
  const { open } = harness(t)
  const desk = await open()
  desk.judge(facts(1), scored(facts(1), 200))
  await desk.settled()
  await desk.note('ann', caseId(1), 'hm')
  await desk.addEntry('ann', {
    kind: 'allow',
    subject: { account: BOB },
    expiresMs: Date.now() + DAY_MS,
    why: 'x',
  })
  const before = desk.state.queue()
  await desk.close()
  const again = await open()
  assert.deepEqual(again.state.queue(), before)
  assert.equal(again.judge(facts(2), scored(facts(2), 200)).flagged, false)
})

test('holds begin and end with blocks, also those that this node did not flag', async (t) => {
  const { open, holds } = harness(t)
  const desk = await open()
  desk.judge(facts(1), scored(facts(1), 200))
  for (const n of [1, 2]) holds.set(caseId(n), holdOf(n))
  desk.executed(blockWith([...holds.values()], []))
  await desk.settled()
  assert.deepEqual(
    desk.state.queue().map(({ id, cause, hold }) => [id, cause, hold?.end]),
    [
      [caseId(1), 'flag', null],
      [caseId(2), 'hold', null],
    ],
  )
  desk.executed(blockWith([], [holdOf(2, { end: { how: 'released', atMs: 7, height: 1 } })]))
  await desk.settled()
  assert.deepEqual(desk.state.case(caseId(2))?.hold?.end, { how: 'released', atMs: 7 })
})

test('what happened while the node was down is made up for', async (t) => {
  const { open, holds } = harness(t)
  holds.set(caseId(1), holdOf(1))
  await (await open()).close()
  holds.set(caseId(1), holdOf(1, { end: { how: 'returned', atMs: 9, height: 2 } }))
  holds.set(caseId(2), holdOf(2))
  holds.set(caseId(3), holdOf(3, { expiresMs: 1 })) // of a chain that is being caught up with
  const desk = await open()
  assert.deepEqual(desk.state.case(caseId(1))?.hold?.end?.how, 'returned')
  assert.equal(desk.state.case(caseId(2))?.hold?.end, null)
  assert.equal(desk.state.case(caseId(3)), null)
  const { events } = desk.state
  await desk.close()
  assert.equal((await open()).state.events, events)
})

test('two people at once: the second sees what the first did', async (t) => {
  const { open } = harness(t)
  const desk = await open()
  desk.judge({ ...facts(1), amount: 101n }, scored(facts(1), 200))
  await desk.settled()
  const close = (actor: string): Promise<unknown> => desk.closeCase(actor, caseId(1), 'inconclusive')
  const [first, second] = await Promise.allSettled([close('ann'), close('ben')])
  assert.equal(first.status, 'fulfilled')
  assert.equal(second.status === 'rejected' && (second.reason as { code: string }).code, 'review-refused')
  const confirmed = await desk.confirmCase('ben', caseId(1))
  assert.deepEqual([confirmed.status, confirmed.reviewers], ['closed', ['ann', 'ben']])
})

test('a case is told when its outcome stands: at once, or when it is confirmed', async (t) => {
  const { open } = harness(t)
  const told: (readonly [string, string | null])[] = []
  const desk = await open({ onClosed: ({ id, outcome }) => void told.push([id, outcome]) })
  desk.judge(facts(1), scored(facts(1), 200))
  desk.judge({ ...facts(2), amount: 101n }, scored(facts(2), 200))
  await desk.settled()
  await desk.closeCase('ann', caseId(2), 'confirmed-fraud')
  await desk.closeCase('ann', caseId(1), 'false-positive')
  assert.deepEqual(told, [[caseId(1), 'false-positive']])
  await desk.confirmCase('ben', caseId(2))
  assert.deepEqual(told.slice(1), [[caseId(2), 'confirmed-fraud']])
})

test('a torn last line is cut off with a warning, and the log goes on', async (t) => {
  const { open, file, warnings } = harness(t)
  const desk = await open()
  desk.judge(facts(1), scored(facts(1), 200))
  await desk.close()
  appendFileSync(file, '{"actor":"ann","bo')
  const again = await open()
  assert.deepEqual(warnings, ['the last line of the review log was torn by a crash and is cut off'])
  await again.note('ann', caseId(1), 'still here')
  await again.close()
  assert.equal(bodiesIn(file).at(-1)?.type, 'case.noted')
})

test('a changed log, and one of another node or chain, is refused with a way out', async (t) => {
  const { open, file } = harness(t)
  const desk = await open()
  desk.judge(facts(1), scored(facts(1), 200))
  await desk.close()
  const good = readFileSync(file, 'utf8')
  const wayOut = /begins a new log/
  const other = { key: keyPairFromSeed(new Uint8Array(32).fill(6)) }
  await assert.rejects(open(other), { code: 'review-invalid', message: /signed by another node/ })
  await assert.rejects(open({ genesisHash: new Uint8Array(32) }), {
    code: 'review-invalid',
    message: /another chain/,
  })
  writeFileSync(file, good.replace('"amount":"50"', '"amount":"51"'))
  await assert.rejects(open(), { code: 'review-invalid', message: wayOut })
  writeFileSync(file, good)
  assert.equal((await open()).state.openCases, 1)
})

test('alerts fill their places and no more, are warned of once, and what is held still finds one', async (t) => {
  const { open, holds, warnings } = harness(t)
  const desk = await open()
  for (let n = 1; n <= REVIEW_LIMITS.openAlerts + 2; n++) {
    desk.judge(facts(n), scored(facts(n), 100))
    if (n > REVIEW_LIMITS.openAlerts) await desk.settled()
  }
  assert.equal(desk.state.openCases, REVIEW_LIMITS.openAlerts)
  assert.equal(warnings.length, 1)
  holds.set(caseId(99_999), holdOf(99_999))
  desk.executed(blockWith([...holds.values()], []))
  await desk.settled()
  assert.equal(desk.state.case(caseId(99_999))?.cause, 'hold')
})

test('lines come out as they are stored, a page at a time', async (t) => {
  const { open, file } = harness(t)
  const desk = await open()
  for (let n = 1; n <= 5; n++) desk.judge(facts(n), scored(facts(n), 200))
  await desk.settled()
  await desk.note('ann', caseId(1), '😀'.repeat(REVIEW_LIMITS.textCharacters))
  const stored = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const pages = [
    await desk.lines(0, 3),
    await desk.lines(3, 3),
    await desk.lines(6, 3),
    await desk.lines(7, 3),
  ]
  assert.deepEqual(pages.flat(), stored)
  assert.deepEqual(
    pages.map(({ length }) => length),
    [3, 3, 1, 0],
  )
  assert.deepEqual(await desk.lines(1_000, 3), [])
})

test('an allowed transfer is not flagged, and what the model said is told once', async (t) => {
  const { open, file } = harness(t)
  const desk = await open()
  const subject = { payer: ALICE, payee: BOB }
  const { seq } = await desk.addEntry('ann', {
    kind: 'allow',
    subject,
    expiresMs: Date.now() + DAY_MS,
    why: 'rent',
  })
  for (let again = 0; again < 2; again++)
    assert.equal(desk.judge(facts(1), scored(facts(1), 200)).flagged, false)
  await desk.settled()
  const muted = bodiesIn(file).filter((body) => body.type === 'alert.muted')
  assert.deepEqual(
    muted.map(({ entry, score }) => [entry, score]),
    [[seq, 200]],
  )
  await desk.removeEntry('ann', seq)
  assert.equal(desk.judge(facts(2), scored(facts(2), 200)).flagged, true)
})

test('a dry run leaves no trace', async (t) => {
  const { open } = harness(t)
  const desk = await open()
  assert.equal(desk.consider(facts(1), scored(facts(1), 200)).flagged, true)
  await desk.settled()
  assert.equal(desk.state.events, 1)
})
