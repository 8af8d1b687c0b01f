/** One devnet, as a developer meets it: payments, history, receipts, holds of both kinds of attack, full node. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { McpClient } from '../cli/mcp-client.ts'
import { Devnet, assertAgreement, cordon, eventually, killed, rpc } from './harness.ts'

let devnet: Devnet

interface TracedNode {
  readonly stages: readonly { readonly stage: string; readonly atMs: number }[]
}

before(async () => {
  devnet = await Devnet.start(['--full-nodes', '1', '--load-accounts', '100'])
})

after(async () => {
  await devnet[Symbol.asyncDispose]()
})

test('ready names validators with pid, rpc, dir and stake, and funded accounts', () => {
  assert.equal(devnet.ready.validators.length, 4)
  for (const validator of devnet.ready.validators) {
    assert.match(validator.name, /^v[1-4]$/)
    assert.match(validator.rpc, /^http:\/\/127\.0\.0\.1:\d+/)
    process.kill(validator.pid, 0)
  }
  assert.deepEqual(
    devnet.ready.accounts.slice(0, 4).map((account) => account.name),
    ['alice', 'bob', 'carol', 'dave'],
  )
})

test('a payment settles, is in the history of both, and its bytes sent again give the same receipt', async () => {
  const before = await devnet.run(0, 'wallet', 'balance', 'bob')
  const sent = await devnet.run(
    0,
    'wallet',
    'send',
    '--from',
    'alice',
    '--to',
    'bob',
    '--amount',
    '12.50CRD',
    '--memo',
    'lunch',
  )
  assert.equal(sent.status, 'settled')
  assert.deepEqual(sent.holds, [])
  assert.equal(typeof sent.latencyMs, 'number')
  assert.match(String(sent.fee), /^\d+$/)
  const after = await devnet.run(0, 'wallet', 'balance', 'bob')
  assert.equal(BigInt(String(after.balance)) - BigInt(String(before.balance)), 12_500_000n)
  const info = await devnet.run(0, 'tx', 'get', String(sent.txId))
  assert.equal(info.status, 'settled')
  const history = await devnet.run(0, 'wallet', 'history', 'bob')
  assert.ok(JSON.stringify(history).includes(String(sent.txId)))
})

test('the stages of a payment are told by every node, in their order', async () => {
  const { txId } = await devnet.run(0, 'wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
  let nodes: readonly TracedNode[] = []
  await eventually('all nodes have executed it', 10_000, async () => {
    const traced = (await devnet.run(0, 'tx', 'trace', String(txId))) as { readonly nodes: TracedNode[] }
    nodes = traced.nodes.filter(({ stages }) => stages.at(-1)?.stage === 'executed')
    return nodes.length === 5
  })
  const names = nodes.map(({ stages }) => stages.map(({ stage }) => stage))
  const votes = ['proposed', 'notarized', 'finalized']
  assert.equal(names.filter(([first]) => first === 'submitted').length, 1)
  assert.equal(names.filter((each) => votes.every((vote) => each.includes(vote))).length, 4)
  for (const { stages } of nodes) {
    assert.deepEqual(
      stages.slice(-2).map(({ stage }) => stage),
      ['final', 'executed'],
    )
    const [first, last] = [stages[0], stages.at(-1)]
    assert.ok(first !== undefined && last !== undefined && first.atMs < last.atMs)
  }
  const unknown = await devnet.cli('tx', 'trace', 'ab'.repeat(32))
  assert.equal(unknown.code, 5)
})

test('--key makes a repeat resume the same payment', async () => {
  const pay = (): Promise<Record<string, unknown>> =>
    devnet.run(
      0,
      'wallet',
      'send',
      '--from',
      'alice',
      '--to',
      'carol',
      '--amount',
      '1CRD',
      '--key',
      'invoice-7',
    )
  const first = await pay()
  const second = await pay()
  assert.equal(second.txId, first.txId)
  assert.equal(second.height, first.height)
})

test('a dry run shows fee, balance and decision, and moves nothing', async () => {
  const before = await devnet.run(0, 'wallet', 'balance', 'alice')
  const dry = await devnet.run(
    0,
    'wallet',
    'send',
    '--from',
    'alice',
    '--to',
    'bob',
    '--amount',
    '3CRD',
    '--dry-run',
  )
  assert.equal(dry.wouldHold, false)
  const after = await devnet.run(0, 'wallet', 'balance', 'alice')
  assert.equal(after.balance, before.balance)
})

test('a payment signed elsewhere settles once, however often its bytes are sent', async () => {
  const file = (name: string): string => join(devnet.dir, name)
  const payees = ['--to', 'bob', '--amount', '1CRD', '--to', 'carol', '--amount', '2CRD']
  const ordered = ['--sequence', 'next', '--valid-for', '1d', '--out', file('unsigned')]
  const built = await devnet.run(0, 'tx', 'build', '--from', 'dave', ...payees, ...ordered)
  await devnet.run(0, 'tx', 'sign', file('unsigned'), '--out', file('signed'))
  const decoded = await devnet.run(0, 'tx', 'decode', file('signed'))
  assert.deepEqual([decoded.problem, decoded.isOfChain], [null, true])
  const first = await devnet.run(0, 'tx', 'send', file('signed'))
  const second = await devnet.run(0, 'tx', 'send', file('signed'))
  assert.deepEqual([first.status, first.txId, first.fee], ['settled', built.txId, '2000'])
  assert.deepEqual([second.txId, second.height], [first.txId, first.height])
})

test('an underfunded payment, a wrong address and a missing unit are refused with their own codes', async () => {
  const poor = await devnet.cli(
    'wallet',
    'send',
    '--from',
    'alice',
    '--to',
    'bob',
    '--amount',
    '999999999999CRD',
  )
  assert.equal(poor.code, 5, poor.stdout)
  assert.equal(poor.json?.error?.code, 'tx-insufficient-funds')
  const wrong = await devnet.cli('wallet', 'send', '--from', 'alice', '--to', 'cdn1qqqq', '--amount', '1CRD')
  assert.equal(wrong.code, 2, wrong.stdout)
  assert.equal(wrong.json?.error?.code, 'address-invalid')
  const unitless = await devnet.cli('wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1')
  assert.equal(unitless.code, 2, unitless.stdout)
  assert.equal(unitless.json?.error?.code, 'amount-invalid')
})

test('a full node takes a payment and follows the chain', async () => {
  const list = JSON.parse(readFileSync(join(devnet.dir, 'devnet.json'), 'utf8')) as {
    nodes: { name: string; rpc: string }[]
  }
  const full = list.nodes.find((node) => node.name === 'f1')
  assert.ok(full)
  const sent = await cordon([
    'wallet',
    'send',
    '--from',
    'dave',
    '--to',
    'bob',
    '--amount',
    '2CRD',
    '--rpc',
    full.rpc,
    '--dir',
    devnet.dir,
    '--json',
  ])
  assert.equal(sent.code, 0, sent.stdout + sent.stderr)
  await assertAgreement([full.rpc, ...devnet.ready.validators.map((validator) => validator.rpc)])
})

test('a receipt verifies offline, and a changed byte does not', async () => {
  const sent = await devnet.run(0, 'wallet', 'send', '--from', 'bob', '--to', 'dave', '--amount', '4CRD')
  const file = join(devnet.dir, 'receipt.json')
  await devnet.run(0, 'wallet', 'receipt', String(sent.txId), '--out', file)
  const verify = (path: string): ReturnType<typeof cordon> =>
    cordon(['verify', path, '--genesis', join(devnet.dir, 'genesis.json'), '--json'])
  const good = await verify(file)
  assert.equal(good.code, 0, good.stdout + good.stderr)
  const bytes = readFileSync(file)
  const changed = join(devnet.dir, 'changed.json')
  for (const position of [0, bytes.length >> 2, bytes.length >> 1, bytes.length - 1]) {
    const copy = Buffer.from(bytes)
    copy[position] = (copy[position] as number) ^ 1
    writeFileSync(changed, copy)
    const bad = await verify(changed)
    assert.equal(bad.code, 5, `byte ${position}: ${bad.stdout}`)
    assert.equal(bad.json?.error?.code, 'receipt-invalid')
  }
})

test('an assistant asks, a person approves, it settles; approving again pays nothing', async () => {
  const policy = join(devnet.dir, 'policy.toml')
  const limits = 'max_payment = "5CRD"\nmax_day = "5CRD"\nmax_total = "5CRD"\nexpiry = "1h"\nmax_open = 1'
  writeFileSync(policy, `version = 1\npayer = "carol"\npayees = ["dave"]\n${limits}\n`)
  await using mcp = new McpClient(['--dir', devnet.dir, '--policy', policy], devnet.dir)
  await mcp.initialize()
  assert.match((await mcp.call('chain_health')).text, /^The devnet settles payments/)
  const asked = await mcp.call('request_payment', { to: 'dave', amount: '5CRD', why: 'tickets' })
  const request = String(asked.data.request)
  const before = await devnet.run(0, 'wallet', 'balance', 'dave')

  const approve = ['mcp', 'approve', request, '--policy', policy, '--yes']
  const first = await devnet.run(0, ...approve)
  const second = await devnet.run(0, ...approve)
  assert.deepEqual([first.status, second.txId, second.height], ['settled', first.txId, first.height])
  const after = await devnet.run(0, 'wallet', 'balance', 'dave')
  assert.equal(BigInt(String(after.balance)) - BigInt(String(before.balance)), 5_000_000n)

  const { data } = await mcp.call('payment_status', { request })
  assert.deepEqual([data.state, (data.payment as { txId: string }).txId], ['approved', first.txId])
  const explained = await mcp.call('explain_transaction', { txId: first.txId })
  assert.match(explained.text, /is final: the payee has the money\.\ncarol .* pays 5\.00CRD .* to dave/)
  const more = await mcp.call('request_payment', { to: 'dave', amount: '1uCRD', why: 'more' })
  assert.match(more.text, /policy-refused/)
})

/** A payout file in a folder of its own, with references `word 0`, `word 1` and so on. */
function writePayout(word: string, count: number): { readonly csv: string; readonly references: string[] } {
  const references = Array.from({ length: count }, (_, index) => `${word} ${index}`)
  const rows = references.map((reference, index) => {
    const { name } = devnet.ready.accounts[1 + (index % 3)] ?? { name: '' }
    return `${name},0.0${1 + (index % 9)}CRD,${reference}\n`
  })
  const folder = join(devnet.dir, `${word} day`)
  mkdirSync(folder)
  const csv = join(folder, 'pay.csv')
  writeFileSync(csv, `payee,amount,reference\n${rows.join('')}`)
  return { csv, references }
}

/** Nothing becomes final while `during` runs: two of four validators stand still. */
async function withoutQuorum(during: () => Promise<void>): Promise<void> {
  const paused = ['v3', 'v4']
  try {
    for (const name of paused) await devnet.run(0, 'devnet', 'pause', name)
    await during()
  } finally {
    for (const name of paused) await devnet.run(0, 'devnet', 'resume', name)
  }
}

test('a payout that is killed and run again pays every row once', async () => {
  const count = 90
  const { csv, references } = writePayout('payout', count)
  const args = ['wallet', 'payout', 'run', csv, '--from', 'alice']
  // Otherwise it could be over before it is seen to have begun.
  await withoutQuorum(() =>
    killed([...args, '--dir', devnet.dir], join(dirname(csv), 'pay.payout', '2.1.tx')),
  )
  const again = await devnet.cli(...args)
  assert.ok([0, 6].includes(again.code), again.stdout + again.stderr)
  const { states } = again.json?.data as { states: Record<string, number> }
  assert.equal((states.settled ?? 0) + (states.held ?? 0), count)
  const history = await devnet.run(0, 'wallet', 'history', 'alice', '--limit', '1000')
  const paid = (history.items as { direction: string; memo: string }[])
    .filter(({ direction, memo }) => direction === 'out' && memo.startsWith('payout '))
    .map(({ memo }) => memo)
  assert.deepEqual(paid.sort(), references.sort())
  const status = await devnet.cli('wallet', 'payout', 'status', csv)
  assert.equal(status.code, again.code)
  assert.deepEqual((status.json?.data as { states: unknown }).states, states)
})

for (const pattern of ['drain', 'burst']) {
  test(`most of a ${pattern} is held, with reasons`, async () => {
    const played = await devnet.run(0, 'devnet', 'attack', pattern)
    assert.equal(played.pattern, pattern)
    const fraudulent = Number(played.fraudulent)
    assert.equal(Number(played.held) + Number(played.settled) + Number(played.failed), fraudulent)
    assert.ok(Number(played.held) > fraudulent / 2, JSON.stringify(played))
    const list = await devnet.run(0, 'quarantine', 'list')
    const holds = list.holds as { id: string; reasons: string[]; flaggedBps: number }[]
    assert.ok(holds.length >= Number(played.held))
    for (const hold of holds) {
      assert.ok(hold.reasons.length > 0)
      assert.ok(hold.flaggedBps > 2500)
    }
  })
}

async function executedHeight(url: string): Promise<number> {
  return (await rpc<{ executedHeight: number }>(url, 'chain_status')).executedHeight
}

/** Pays so many rows of a payout file, and waits until every validator has executed them. @returns their references. */
async function payRows(word: string, count: number, urls: readonly string[]): Promise<string[]> {
  const { csv, references } = writePayout(word, count)
  const paid = await devnet.cli('wallet', 'payout', 'run', csv, '--from', 'alice')
  assert.ok([0, 6].includes(paid.code), paid.stdout + paid.stderr)
  const height = Math.max(...(await Promise.all(urls.map(executedHeight))))
  await eventually('all nodes executed the payout', 10_000, async () =>
    (await Promise.all(urls.map(executedHeight))).every((executed) => executed >= height),
  )
  return references
}

test('watches at different nodes print the same, and one in parts, from node to node, misses and repeats nothing', async () => {
  const urls = devnet.ready.validators.map((validator) => validator.rpc)
  const count = 120
  const references = await payRows('watched', count, urls)
  const watch = async (rpcUrl: string, ...more: readonly string[]): Promise<string> => {
    const args = [
      'watch',
      '--dir',
      devnet.dir,
      '--account',
      'alice',
      '--until-idle',
      '--rpc',
      rpcUrl,
      ...more,
    ]
    const { code, stdout, stderr } = await cordon(args)
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }
  const [whole, other] = await Promise.all(urls.slice(0, 2).map((url) => watch(url, '--from', '1.0')))
  assert.equal(other, whole)
  const events = (whole ?? '').trimEnd().split('\n')
  const memos = events.map((line) => (JSON.parse(line) as { memo: string | null }).memo)
  assert.deepEqual(memos.filter((memo) => memo?.startsWith('watched ')).sort(), references.sort())
  const part = ['--from', '1.0', '--cursor-file', join(devnet.dir, 'alice.cursor')]
  const pieces: string[] = []
  for (const url of urls.slice(0, 3)) pieces.push(await watch(url, ...part, '--count', String(count / 3)))
  assert.equal(pieces.join(''), `${events.slice(0, count).join('\n')}\n`)
})

test('every node agrees, and no value came or went', async () => {
  const urls = devnet.ready.validators.map((validator) => validator.rpc)
  await eventually('all nodes executed the same', 10_000, async () => {
    const heights = await Promise.all(urls.map(executedHeight))
    return Math.max(...heights) - Math.min(...heights) <= 1
  })
  await assertAgreement(urls)
})
