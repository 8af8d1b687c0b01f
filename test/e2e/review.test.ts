/** The review desk of a real validator, by the CLI: cases of a drain, two reviewers, an allowed pair, export and audit. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cordon, Devnet, eventually } from './harness.ts'

const CASE_TIMEOUT_MS = 10_000
const DATA_INCONSISTENT = 82

interface Case {
  readonly id: string
  readonly status: string
  readonly cause: string
  readonly payer: string
  readonly payee: string
  readonly amount: string
  readonly score: number
  readonly outcome: string | null
  readonly reviewers: readonly string[]
  readonly notes: readonly { readonly actor: string; readonly text: string }[]
  readonly hold: { readonly end: { readonly how: string } | null } | null
}

/** A devnet whose first validator wants a second reviewer for every amount. */
async function start(): Promise<{ devnet: Devnet; v1: string }> {
  const devnet = await Devnet.start(['--load-accounts', '100'])
  const v1 = join(devnet.dir, 'v1')
  const config = join(v1, 'config', 'cordon.toml')
  const settings = readFileSync(config, 'utf8')
  writeFileSync(
    config,
    settings.replace(/^# second_reviewer_above = .*$/m, 'second_reviewer_above = "1uCRD"'),
  )
  await devnet.run(0, 'devnet', 'restart', 'v1')
  return { devnet, v1 }
}

async function caseOf(devnet: Devnet, id: string): Promise<Case> {
  return (await devnet.run(0, 'quarantine', 'case', 'show', id)) as unknown as Case
}

/** Of the first validator. */
async function metricOf(devnet: Devnet, name: string): Promise<number> {
  const text = await (await fetch(`${devnet.rpcOf('v1')}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return Number(line?.slice(name.length))
}

test('a held payment is a case: looked at, closed by two, and the log proves it', async () => {
  const { devnet, v1 } = await start()
  await using _ = devnet
  const bob = join(devnet.dir, 'bob')
  const made = await cordon(['token', 'create', 'bob', '--scope', 'review', '--dir', v1, '--out', bob])
  assert.equal(made.code, 0, made.stderr)
  const asBob = ['--node-dir', v1, '--token-file', bob]

  // Every held payment of the drain is a case, with what the model said.
  const { holds } = (await devnet.run(0, 'devnet', 'attack', 'drain')) as { holds: readonly string[] }
  const [first, second] = holds
  assert.ok(first !== undefined && second !== undefined)
  const { cases } = (await devnet.run(0, 'quarantine', 'cases')) as { cases: readonly Case[] }
  for (const id of holds)
    assert.ok(
      cases.some((each) => each.id === id),
      `no case of hold ${id}`,
    )
  const shown = await devnet.run(0, 'quarantine', 'show', first)
  assert.ok((shown.details as unknown[]).length > 0)
  assert.equal((shown.case as Case).status, 'open')
  assert.ok((shown.case as Case).score >= 128)

  // The same hold without a token: no numbers of the model.
  const open = await cordon(['quarantine', 'show', first, '--rpc', devnet.rpcOf('v1'), '--json'])
  const seen = open.json?.data as { details: unknown[]; classes: { name: string }[] }
  assert.deepEqual(seen.details, [])
  assert.deepEqual(
    seen.classes.map(({ name }) => name),
    ['takeover', 'unusual'],
  )

  // Note and outcome by one, confirmation by another; the same one cannot do both.
  await devnet.run(0, 'quarantine', 'case', 'note', first, 'called the payer: it was not them')
  const closing = await devnet.run(0, 'quarantine', 'case', 'close', first, '--outcome', 'confirmed-fraud')
  assert.equal(closing.status, 'closing')
  assert.equal((await devnet.cli('quarantine', 'case', 'confirm', first)).code, 5)
  const closed = (await devnet.run(0, 'quarantine', 'case', 'confirm', first, ...asBob)) as unknown as Case
  assert.deepEqual([closed.status, closed.reviewers], ['closed', ['operator', 'bob']])

  // What both say teaches the model of this node, before the ledger says anything.
  assert.equal(await metricOf(devnet, 'cordon_learned_outcomes'), 1)
  assert.equal(await metricOf(devnet, 'cordon_fraud_fallbacks_total{why="no-number"}'), 0)

  // The end of the hold is told by the ledger.
  await devnet.run(0, 'quarantine', 'return', first)
  await eventually(
    'the case shows the end of its hold',
    CASE_TIMEOUT_MS,
    async () => (await caseOf(devnet, first)).hold?.end?.how === 'returned',
  )

  // From now on it stands beside those that are like it; a hold that has not ended is no example.
  const { similar } = (await devnet.run(0, 'quarantine', 'show', second)) as {
    similar: readonly { id: string; common: readonly string[]; end: { how: string }; outcome: string }[]
  }
  assert.deepEqual(
    similar.map(({ id, end, outcome }) => [id, end.how, outcome]),
    [[first, 'returned', 'confirmed-fraud']],
  )
  assert.ok(similar[0]?.common.includes('drain') === true)

  // An allowed pair passes this validator; the others hold it all the same, and the log says what the model said.
  const { payer, payee, amount } = await caseOf(devnet, second)
  const pay = ['wallet', 'send', '--from', payer, '--to', payee, '--amount', `${amount}uCRD`]
  await devnet.run(0, 'quarantine', 'recall', second)
  const before = await devnet.run(0, ...pay, '--dry-run')
  assert.equal(before.wouldHold, true)
  assert.ok((before.classes as unknown[]).length > 0)
  const pair = ['--payer', payer, '--payee', payee, '--for', '1h', '--why', 'rent']
  assert.equal((await devnet.cli('quarantine', 'allow', 'add', ...pair, ...asBob)).code, 5) // scope review
  const entry = await devnet.run(0, 'quarantine', 'allow', 'add', ...pair)
  assert.equal((await devnet.run(0, ...pay, '--dry-run')).wouldHold, false)
  const held = (await devnet.run(6, ...pay)) as { holds: readonly string[] }
  const hold = await devnet.run(0, 'quarantine', 'show', String(held.holds[0]))
  const flaggers = (hold.flaggers as readonly { validator: string }[]).map(({ validator }) => validator)
  assert.ok(!flaggers.includes('v1') && flaggers.length >= 2, flaggers.join())
  assert.equal((hold.case as Case).cause, 'hold')
  await devnet.run(0, 'quarantine', 'allow', 'remove', String(entry.entry))
  assert.deepEqual((await devnet.run(0, 'quarantine', 'allow', 'list')).entries, [])

  // The log can be taken away and checked; a changed character is found, and the node refuses to go on with it.
  const exported = (await devnet.cli('quarantine', 'export')).stdout
  const bodies = exported
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { body: { type: string; entry?: number } }).body)
  assert.equal(bodies[0]?.type, 'log.started')
  assert.ok(bodies.some(({ type, entry: by }) => type === 'alert.muted' && by === entry.entry))
  const file = join(devnet.dir, 'export.jsonl')
  writeFileSync(file, exported)
  assert.equal((await devnet.run(0, 'quarantine', 'audit', 'verify', file)).events, bodies.length)
  assert.equal(Number((await devnet.run(0, 'quarantine', 'audit', 'verify')).events) >= bodies.length, true)
  writeFileSync(file, exported.replace('it was not them', 'it was them'))
  assert.equal((await devnet.cli('quarantine', 'audit', 'verify', file)).code, DATA_INCONSISTENT)

  await devnet.run(0, 'devnet', 'kill', 'v1')
  const log = join(v1, 'review', 'log.jsonl')
  writeFileSync(log, readFileSync(log, 'utf8').replace('it was not them', 'it was them'))
  const refused = await cordon(['start', '--dir', v1])
  assert.equal(refused.code, DATA_INCONSISTENT)
  assert.match(refused.stderr, /review-invalid: line \d+ of the review log .*moving .*review away/)
})
