/** `kill -9` at the worst moments: one node, a third and more of the stake, all nodes under load. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Devnet, assertAgreement, eventually, rpc } from './harness.ts'

let devnet: Devnet

before(async () => {
  devnet = await Devnet.start(['--load-accounts', '100'])
})

after(async () => {
  await devnet[Symbol.asyncDispose]()
})

interface Status {
  readonly executedHeight: number
  readonly height: number
}

async function heightOf(name: string): Promise<number> {
  return (await rpc<Status>(devnet.rpcOf(name), 'chain_status')).executedHeight
}

async function votesOf(name: string): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', devnet.rpcOf(name)))).text()
  return [...metrics.matchAll(/^cordon_votes_total\{[^}]*\} (\d+)/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  )
}

function send(...extra: readonly string[]): ReturnType<Devnet['cli']> {
  return devnet.cli('wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD', ...extra)
}

/** With v3 and v4 dead: who is missing is named, by the command, by readiness and in the metrics. */
async function assertStallIsExplained(): Promise<void> {
  const ready = async (): Promise<Response> => fetch(new URL('/readyz', devnet.rpcOf('v1')))
  await eventually('v1 says that nothing becomes final', 20_000, async () =>
    (await (await ready()).text()).includes('no finality'),
  )
  assert.equal((await ready()).status, 503)
  const stall = await devnet.run(0, 'doctor', 'stall')
  assert.equal(stall.stalled, true)
  assert.deepEqual(
    (stall.missing as { name: string; connected: boolean }[]).map(({ name, connected }) => [name, connected]),
    [
      ['v3', false],
      ['v4', false],
    ],
  )
  const { kind, validators } = (stall.votes as { kind: string; validators: string[] }[]).find(
    (vote) => vote.kind === 'nullify',
  ) ?? { kind: 'none', validators: [] }
  assert.deepEqual([kind, validators], ['nullify', ['v1', 'v2']])
  assert.match(String(stall.lacking), /nullification of view \d+/)
  assert.match(String(stall.advice), /^start v3, v4, /)
  const metrics = await (await fetch(new URL('/metrics', devnet.rpcOf('v1')))).text()
  assert.match(metrics, /^cordon_stalled 1$/m)
}

test('with one validator dead every payment still settles within 2 s; restarted, it catches up and votes', async () => {
  await devnet.run(0, 'devnet', 'kill', 'v4')
  for (let i = 0; i < 6; i++) {
    const sent = await send()
    assert.equal(sent.code, 0, sent.stdout + sent.stderr)
    const { latencyMs } = sent.json?.data as { latencyMs: number }
    assert.ok(latencyMs <= 2_000, `payment ${i} took ${latencyMs} ms`)
  }
  await devnet.run(0, 'devnet', 'restart', 'v4')
  const target = await heightOf('v1')
  await eventually('v4 catches up', 10_000, async () => (await heightOf('v4')) >= target)
  const votes = await votesOf('v4')
  await eventually('v4 votes again', 10_000, async () => (await votesOf('v4')) > votes)
})

test('without a quorum nothing is final; when one returns, what was waiting settles', async () => {
  await devnet.run(0, 'devnet', 'kill', 'v3')
  await devnet.run(0, 'devnet', 'kill', 'v4')
  const unknown = await send('--timeout', '3s')
  assert.equal(unknown.code, 4, unknown.stdout + unknown.stderr)
  const { txId } = (unknown.json?.error ?? unknown.json?.data) as { txId: string }
  assert.match(txId, /^[0-9a-f]{64}$/)
  await assertStallIsExplained()
  await devnet.run(0, 'devnet', 'restart', 'v3')
  const waited = await devnet.run(0, 'tx', 'wait', txId, '--timeout', '20s')
  assert.equal(waited.status, 'settled')
  await devnet.run(0, 'devnet', 'restart', 'v4')
})

test('all nodes killed under load: no accepted payment is lost, heights go on, nothing forks', async () => {
  const accepted: string[] = []
  for (let i = 0; i < 8; i++) {
    const data = await devnet.run(
      0,
      'wallet',
      'send',
      '--from',
      'carol',
      '--to',
      'dave',
      '--amount',
      '1CRD',
      '--wait',
      'accepted',
    )
    accepted.push(String(data.txId))
  }
  const height = await heightOf('v1')
  const names = devnet.ready.validators.map((validator) => validator.name)
  await Promise.all(names.map((name) => devnet.run(0, 'devnet', 'kill', name)))
  await Promise.all(names.map((name) => devnet.run(0, 'devnet', 'restart', name)))
  for (const txId of accepted) {
    const waited = await devnet.run(0, 'tx', 'wait', txId, '--timeout', '20s')
    assert.equal(waited.status, 'settled')
  }
  await eventually('heights go on', 10_000, async () => (await heightOf('v1')) > height)
  const urls = devnet.ready.validators.map((validator) => validator.rpc)
  await eventually('all executed alike', 10_000, async () => {
    await assertAgreement(urls)
    return true
  })
})

test('Ctrl-C ends every process within 5 s, and the directory goes on from its height', async () => {
  const height = await heightOf('v1')
  const { dir } = devnet
  const stopMs = await devnet.stop()
  assert.ok(stopMs <= 5_000, `stopping took ${stopMs} ms`)
  for (const validator of devnet.ready.validators)
    assert.throws(() => process.kill(validator.pid, 0), /ESRCH/)
  const rpcs = devnet.ready.validators.map((validator) => validator.rpc)
  devnet = await Devnet.start([], dir)
  assert.deepEqual(
    devnet.ready.validators.map((validator) => validator.rpc),
    rpcs,
  )
  assert.ok((await heightOf('v1')) >= height)
  const sent = await send()
  assert.equal(sent.code, 0, sent.stdout + sent.stderr)
})
