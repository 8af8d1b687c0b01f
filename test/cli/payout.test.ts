/** `wallet payout` against a scripted node: files, what is kept, runs after runs, and what is told of each row. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { suite, test } from 'node:test'
import { parseCsv } from '../../cli/csv.ts'
import type { Terminal } from '../../cli/input.ts'
import type { CommandResult } from '../../cli/output.ts'
import { parsePlanPart } from '../../cli/payout/plan.ts'
import { run, status, type RunOptions } from '../../cli/payout/run.ts'
import { LIMITS } from '../../config/limits.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { key } from '../client/receipt-chain.ts'
import { failure } from './failure.ts'
import { Person } from './person.ts'
import { HOLD_ID, Wallet, WalletNode, type Fate } from './wallet-node.ts'

const CAROL = encodeAddress('dcdn', key('carol').publicKey)
const HEADER = 'payee,amount,reference\n'
const PER_TX = LIMITS.payoutRowsPerTx

interface Data {
  readonly states: Readonly<Record<string, number>>
  readonly total: string
  readonly payments: readonly {
    readonly line: number
    readonly state: string
    readonly txId: string | null
    readonly holdId: string | null
    readonly error: string | null
  }[]
}

/** A wallet with a payout file, and a node that knows what becomes of payments. */
class Payday implements AsyncDisposable {
  readonly wallet: Wallet
  readonly node: WalletNode

  private constructor(wallet: Wallet, node: WalletNode) {
    this.wallet = wallet
    this.node = node
  }

  static async start(fates: (tx: string) => Fate, csv: string): Promise<Payday> {
    const payday = new Payday(await Wallet.create(), await WalletNode.start(fates))
    payday.write(csv)
    return payday
  }

  get csv(): string {
    return join(this.wallet.directory, 'pay.csv')
  }

  get folder(): string {
    return join(this.wallet.directory, 'pay.payout')
  }

  get results(): string {
    return join(this.wallet.directory, 'pay.results.csv')
  }

  write(csv: string): void {
    writeFileSync(this.csv, csv)
  }

  run(extra: Partial<RunOptions> = {}, terminal?: Terminal): Promise<CommandResult> {
    const { keystore } = this.wallet
    return run({ from: 'alice', timeout: 5_000, rpc: this.node.rpc, keystore, ...extra }, this.csv, terminal)
  }

  status(): Promise<CommandResult> {
    return status({ rpc: this.node.rpc }, this.csv)
  }

  /** Different transactions that reached the node. */
  get sent(): ReadonlySet<string> {
    return new Set(this.node.submitted)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]()
    this.wallet[Symbol.dispose]()
  }
}

/** So many rows, each with an amount of its own. */
function rows(count: number): string {
  return Array.from({ length: count }, (_, index) => `bob,${index + 1}uCRD,invoice ${index + 1}\n`).join('')
}

function dataOf({ data }: CommandResult): Data {
  return data as Data
}

function statesOf(result: CommandResult): Record<string, number> {
  return Object.fromEntries(Object.entries(dataOf(result).states).filter(([, count]) => count > 0))
}

/** Amounts in uCRD of all transfers in some transactions. */
function amountsIn(transactions: Iterable<string>): number[] {
  const amounts = [...transactions].flatMap((tx) =>
    decodeTransaction(fromHex(tx)).transaction.actions.map((action) =>
      action.type === 'transfer' ? Number(action.amount) : assert.fail('no transfer'),
    ),
  )
  return amounts.sort((a, b) => a - b)
}

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

suite('the file of a payout', () => {
  test('every line that is wrong is told with what was expected, and no node is asked', async () => {
    await using payday = await Payday.start(
      () => 'settled',
      `${HEADER}bob,12.50CRD,ok\nnobody,1CRD,\nbob,12,\nbob,1CRD\n\nbob,1CRD,a,b\nalice,1CRD,\ncdn1qqqq,1CRD,\nbob,0CRD,\nbob,1CRD,${'x'.repeat(129)}\n`,
    )
    const error = await failure(payday.run())
    assert.equal(error.code, 'payout-invalid')
    const problems = error.payload.problems as { line: number; problem: string }[]
    assert.deepEqual(
      problems.map(({ line }) => line),
      [3, 4, 5, 7, 8, 9, 10, 11],
    )
    for (const [index, expected] of [/no name/, /no unit/, /3 fields/, /3 fields .*, got 4/].entries())
      assert.match(problems[index]?.problem ?? '', expected)
    assert.match(error.message, /line 4: amount "12" has no unit/)
    assert.deepEqual(payday.node.node.requests, [])
    assert.ok(!existsSync(payday.folder))
  })

  test('the header, the quotes, the size and the encoding have to be right', async () => {
    await using payday = await Payday.start(() => 'settled', '')
    for (const [csv, expected] of [
      ['', /header payee,amount,reference/],
      ['to,amount\nbob,1CRD\n', /got "to,amount"/],
      ['payee,payee,amount\nbob,bob,1CRD\n', /header/],
      ['payee\nbob\n', /header/],
      [HEADER, /1 to 10000 rows/],
      [`${HEADER}${rows(LIMITS.payoutRows + 1)}`, /got 10001/],
      [`${HEADER}bob,"1CRD,\n`, /line 2: .*never closed/],
      [`${HEADER}bob,1CRD,\uFFFD\n`, /line 2: expected UTF-8/],
    ] as const) {
      payday.write(csv)
      const error = await failure(payday.run())
      assert.equal(error.code, 'payout-invalid', csv.slice(0, 40))
      assert.match(error.message, expected)
    }
    payday.write(' '.repeat(LIMITS.payoutFileBytes + 1))
    assert.equal((await failure(payday.run())).code, 'usage')
  })

  test('columns may stand in another order, and the reference may be left out', async () => {
    await using payday = await Payday.start(() => 'settled', `amount,payee\r\n5uCRD,${CAROL}\r\n`)
    assert.deepEqual(statesOf(await payday.run()), { settled: 1 })
    assert.deepEqual(amountsIn(payday.sent), [5])
  })
})

suite('a payout', () => {
  test('rows go out together, their references as memos, and each has a line in the result file', async () => {
    await using payday = await Payday.start(() => 'settled', HEADER + rows(2 * PER_TX + 1))
    const result = await payday.run()
    assert.equal(result.exit, 0)
    assert.equal(payday.sent.size, 3)
    assert.deepEqual(amountsIn(payday.sent), oneTo(2 * PER_TX + 1))
    const [head, first] = parseCsv(readFileSync(payday.results, 'utf8'))
    assert.deepEqual(head?.fields, [
      'line',
      'payee',
      'amount',
      'reference',
      'state',
      'transaction',
      'hold',
      'error',
    ])
    const txId = dataOf(result).payments[0]?.txId
    assert.deepEqual(first?.fields, ['2', 'bob', '0.000001CRD', 'invoice 1', 'settled', txId, '', ''])
    assert.equal(statSync(payday.results).mode & 0o777, 0o600)
    assert.equal(statSync(payday.folder).mode & 0o777, 0o700)
  })

  test('paid again it sends nothing and needs no password', async () => {
    await using payday = await Payday.start(() => 'settled', HEADER + rows(3))
    const first = await payday.run()
    const again = await payday.run({ passwordFile: '/nonexistent' })
    assert.deepEqual(again, first)
    assert.equal(payday.node.submitted.length, 1)
  })

  test('a suspicious row is held alone, and how its hold ends is told later', async () => {
    await using payday = await Payday.start(() => 'held', HEADER + rows(3))
    const held = await payday.run()
    assert.deepEqual([held.exit, statesOf(held)], [6, { settled: 2, held: 1 }])
    assert.deepEqual(dataOf(held).payments[0], {
      ...dataOf(held).payments[0],
      state: 'held',
      holdId: HOLD_ID,
      error: 'a new payee',
    })
    payday.node.holdStatus = 'released'
    assert.deepEqual(statesOf(await payday.status()), { settled: 3 })
    payday.node.holdStatus = 'returned'
    const back = await payday.status()
    assert.deepEqual([back.exit, statesOf(back)], [7, { settled: 2, returned: 1 }])
    assert.deepEqual(statesOf(await payday.run()), { settled: 2, returned: 1 })
    assert.equal(payday.sent.size, 1, 'what came back is not paid again')
  })

  test('after an outcome that is unknown the same bytes go out again, and nobody is paid twice', async () => {
    let answers = false
    await using payday = await Payday.start(
      () => (answers ? 'settled' : 'silence'),
      HEADER + rows(10 * PER_TX),
    )
    const unknown = await payday.run({ timeout: 30 })
    assert.equal(unknown.exit, 4)
    assert.equal(unknown.error?.code, 'outcome-unknown')
    assert.equal(payday.sent.size, LIMITS.payoutTxsInFlight, 'no further transaction is begun')
    assert.deepEqual(statesOf(await payday.status()), { pending: 10 * PER_TX })
    answers = true
    assert.equal((await payday.run()).exit, 0)
    assert.deepEqual(amountsIn(payday.sent), oneTo(10 * PER_TX))
  })

  test('what another process signed is sent, and not signed again', async () => {
    await using payday = await Payday.start(() => 'settled', HEADER + rows(2 * PER_TX))
    const results = await Promise.all([payday.run(), payday.run(), payday.run()])
    assert.deepEqual(
      results.map(({ exit }) => exit),
      [0, 0, 0],
    )
    assert.deepEqual(amountsIn(payday.sent), oneTo(2 * PER_TX))
  })

  test('rows are signed anew once blocks past their validity are executed, and not before', async () => {
    let fate: Fate = 'silence'
    await using payday = await Payday.start(
      (tx) => (tx === payday.node.submitted[0] ? 'silence' : fate),
      HEADER + rows(2),
    )
    await payday.run({ timeout: 30 })
    const { validUntilMs } = decodeTransaction(fromHex(payday.node.submitted[0]!)).transaction
    payday.node.executedTimeMs = validUntilMs
    assert.equal((await payday.run({ timeout: 30 })).exit, 4)
    assert.equal(payday.sent.size, 1)
    payday.node.executedTimeMs = validUntilMs + 1
    const expired = await payday.status()
    assert.deepEqual([expired.exit, statesOf(expired)], [5, { expired: 2 }])
    fate = 'settled'
    assert.deepEqual(statesOf(await payday.run()), { settled: 2 })
    assert.equal(payday.sent.size, 2)
  })

  test('rows of a transaction that failed for good are paid by the next run', async () => {
    let failed = ''
    await using payday = await Payday.start(
      (tx) => {
        if (failed === '' && amountsIn([tx]).includes(1)) failed = tx
        return tx === failed ? 'failed' : 'settled'
      },
      HEADER + rows(PER_TX + 1),
    )
    const partly = await payday.run()
    assert.deepEqual(
      [partly.exit, partly.error?.code, statesOf(partly)],
      [7, 'tx-failed', { settled: 1, failed: PER_TX }],
    )
    assert.match(dataOf(partly).payments[0]?.error ?? '', /insufficient-funds/)
    assert.equal((await payday.run()).exit, 0)
    assert.equal(payday.sent.size, 3)
  })

  test('a refusal is told with its code, and the same bytes are tried again', async () => {
    let fate: Fate = { refuse: 'tx-fee-too-low' }
    await using payday = await Payday.start(() => fate, HEADER + rows(2))
    for (let times = 0; times < 2; times++) {
      const refused = await payday.run()
      assert.deepEqual([refused.exit, statesOf(refused)], [5, { failed: 2 }])
      assert.match(dataOf(refused).payments[0]?.error ?? '', /^tx-fee-too-low/)
    }
    assert.deepEqual(statesOf(await payday.status()), { failed: 2 })
    fate = 'settled'
    assert.equal((await payday.run()).exit, 0)
    assert.equal(payday.sent.size, 1)
  })
})

suite('a payout that was begun', () => {
  test('takes rows that were appended, whatever their lines and the spelling of their payees', async () => {
    await using payday = await Payday.start(() => 'settled', `${HEADER}bob,1uCRD,\nbob,2uCRD,\n`)
    await payday.run()
    const { address } = JSON.parse(readFileSync(join(payday.wallet.keystore, 'bob.json'), 'utf8')) as {
      address: string
    }
    payday.write(`payee,amount\n\n${address},1uCRD\nbob,0.000002CRD\nbob,3uCRD\n`)
    const result = await payday.run()
    assert.deepEqual(statesOf(result), { settled: 3 })
    assert.deepEqual(amountsIn(payday.sent), [1, 2, 3])
    assert.deepEqual(statesOf(await payday.status()), { settled: 3 })
  })

  test('refuses rows that were changed or removed, and says which', async () => {
    await using payday = await Payday.start(() => 'settled', `${HEADER}bob,1CRD,\nbob,2CRD,rent\n`)
    await payday.run()
    for (const [csv, expected] of [
      ['bob,1CRD,\nbob,3CRD,rent\n', /line 3: was 2\.00CRD to dcdn1\w+, reference "rent", is 3\.00CRD/],
      ['bob,1CRD,\nbob,2CRD,food\n', /reference "rent", is .* reference "food"/],
      [`bob,1CRD,\n${CAROL},2CRD,rent\n`, /line 3: was/],
      ['bob,1CRD,\n', /line 3: was 2\.00CRD .* is gone/],
      ['bob,2CRD,rent\nbob,1CRD,\n', /line 2: was 1\.00CRD/],
    ] as const) {
      payday.write(HEADER + csv)
      const error = await failure(payday.run())
      assert.equal(error.code, 'payout-changed')
      assert.match(error.message, expected)
    }
    payday.write(`${HEADER}alice,1CRD,\n${CAROL},2CRD,rent\n`)
    assert.equal((await failure(payday.run({ from: 'bob' }))).code, 'payout-changed')
    assert.equal(payday.sent.size, 1)
  })

  test('does not go on with files that are damaged or of other rows', async () => {
    await using payday = await Payday.start(() => 'settled', HEADER + rows(PER_TX + 1))
    await payday.run()
    const file = (name: string): string => join(payday.folder, name)
    assert.deepEqual(readdirSync(payday.folder).sort(), ['1.1.tx', '2.1.tx', 'plan.1.json'])
    const good = readFileSync(file('1.1.tx'))
    for (const content of ['', 'zz', readFileSync(file('2.1.tx'))]) {
      writeFileSync(file('1.1.tx'), content)
      const error = await failure(payday.run())
      assert.equal(error.code, 'config-invalid')
      assert.match(error.message, /1\.1\.tx is damaged/)
    }
    writeFileSync(file('1.1.tx'), good)
    const plan = readFileSync(file('plan.1.json'), 'utf8')
    for (const text of [
      '{',
      plan.replace('payout/1', 'payout/2'),
      plan.replace('"rowsPerTx": 20', '"rowsPerTx": 0'),
    ]) {
      writeFileSync(file('plan.1.json'), text)
      assert.equal((await failure(payday.status())).code, 'config-invalid')
    }
    assert.equal(parsePlanPart(plan, 'plan').rows.length, PER_TX + 1)
  })

  test('status of one that was not begun is not found', async () => {
    await using payday = await Payday.start(() => 'settled', HEADER + rows(1))
    assert.equal((await failure(payday.status())).code, 'not-found')
  })
})

suite('before anything is sent', () => {
  test('--max-total, the balance and an unwritable result file stop it', async () => {
    await using payday = await Payday.start(() => 'settled', `${HEADER}bob,10CRD,\nbob,5CRD,\n`)
    assert.equal((await failure(payday.run({ maxTotal: 14_999_999n }))).code, 'usage')
    payday.node.available = 15_001_999n // the fee of two rows is 2000
    const poor = await failure(payday.run({ maxTotal: 15_000_000n }))
    assert.equal(poor.code, 'tx-insufficient-funds')
    assert.match(poor.message, /15\.00CRD and fees of 0\.002CRD are more than the 15\.001999CRD/)
    payday.node.available = 15_002_000n
    assert.equal((await failure(payday.run({ results: '/nonexistent/r.csv' }))).code, 'usage')
    assert.deepEqual(payday.node.submitted, [])
    assert.equal((await payday.run()).exit, 0)
  })

  test('results that would replace the payout file itself are refused, whatever the path', async () => {
    await using payday = await Payday.start(() => 'settled', HEADER + rows(1))
    const link = join(payday.wallet.directory, 'link')
    symlinkSync(payday.wallet.directory, link)
    for (const results of [payday.csv, join(link, '..', 'link', 'pay.csv'), relative('.', payday.csv)]) {
      const error = await failure(payday.run({ results, from: 'nobody' }))
      assert.equal(error.code, 'usage', results)
      assert.match(error.message, /^--results: expected another file/)
    }
    symlinkSync(payday.csv, payday.results)
    assert.match((await failure(payday.run())).message, /pay\.results\.csv, which is/)
    await assert.rejects(status({ rpc: payday.node.rpc, results: payday.csv }, payday.csv), { code: 'usage' })
    assert.equal(readFileSync(payday.csv, 'utf8'), HEADER + rows(1))
    assert.deepEqual([payday.node.node.requests, existsSync(payday.folder)], [[], false])
  })

  test('a dry run says what it would cost, and leaves no trace', async () => {
    await using payday = await Payday.start(() => 'settled', `${HEADER}bob,10CRD,\nbob,5CRD,\n`)
    const { data } = await payday.run({ dryRun: true, passwordFile: '/nonexistent' })
    const { rows: count, total, fees, balanceAfter } = data as Record<string, unknown>
    assert.deepEqual(
      [count, total, fees, balanceAfter],
      [2, '15000000', '2000', String(10n ** 12n - 15_002_000n)],
    )
    assert.deepEqual(payday.node.submitted, [])
    assert.deepEqual(readdirSync(payday.wallet.directory).sort(), ['keystore', 'pay.csv'])
  })

  test('somebody at a terminal is asked once, with the total, unless there is --yes', async () => {
    await using payday = await Payday.start(() => 'settled', `${HEADER}bob,10CRD,\n${CAROL},5CRD,\n`)
    const person = new Person([false, true])
    assert.equal((await failure(payday.run({}, person))).code, 'needs-input')
    assert.deepEqual([payday.node.submitted, existsSync(payday.folder)], [[], false])
    assert.equal((await payday.run({}, person)).exit, 0)
    assert.deepEqual(
      person.questions,
      Array(2).fill('Pay 2 rows, 15.00CRD (15000000uCRD) and fees of 0.002CRD, from alice?'),
    )
    rmSync(payday.folder, { recursive: true })
    await payday.run({ yes: true }, person)
    assert.equal(person.questions.length, 2)
  })
})

test('the id in the results is that of the transaction', async () => {
  await using payday = await Payday.start(() => 'settled', HEADER + rows(1))
  const [payment] = dataOf(await payday.run()).payments
  const [tx = ''] = payday.sent
  assert.equal(payment?.txId, toHex(decodeTransaction(fromHex(tx)).id))
})
