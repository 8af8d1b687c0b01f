/** `wallet payout run` and `wallet payout status`. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import type { KeyInfo } from '../../crypto/keystore.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { keystorePaths, withNode, type KeystorePaths } from '../context.ts'
import { dryRun } from '../dry-run.ts'
import { amount, amountBoth, facts } from '../format.ts'
import { needsInput, TERMINAL, type Terminal } from '../input.ts'
import { Interruption } from '../interruption.ts'
import { Names } from '../names.ts'
import type { NodeOptions, PasswordOptions } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import { ProgressBar } from '../progress.ts'
import { readChain, type Chain } from '../../client/signing.ts'
import { requireNetwork, unlock } from '../signing.ts'
import { newPayees } from '../wallet/first-payment.ts'
import { defaultResultsFile, payoutFolder } from './files.ts'
import { Payout, type Bill } from './payout.ts'
import { readPlan, withAppended, writePlan, type Plan } from './plan.ts'
import { describeReport, writeResults, type PayoutReport } from './results.ts'
import { readPayout, totalOf, twinsOf, type PayoutRow } from './rows.ts'

export interface RunOptions extends PasswordOptions {
  readonly from: string
  /** In uCRD. */
  readonly maxTotal?: bigint
  readonly results?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly timeout: number
}

interface StatusOptions extends NodeOptions {
  readonly results?: string
}

/** Everything that is known before the node is asked how the rows stand. */
interface Run {
  readonly options: RunOptions
  readonly csv: string
  readonly paths: KeystorePaths
  readonly names: Names
  readonly payer: KeyInfo
  readonly client: RpcClient
  readonly chain: Chain
  readonly plan: Plan
  readonly payout: Payout
}

export async function run(
  options: RunOptions,
  csv: string,
  terminal: Terminal = TERMINAL,
): Promise<CommandResult> {
  requireOwnResults(csv, options.results)
  const paths = keystorePaths(options)
  const names = new Names(paths)
  const payer = names.keyFrom(options.from, paths)
  const rows = readPayout(csv, payer.address, names)
  requireTotal(options, rows)
  for (const lines of twinsOf(rows))
    note(`lines ${lines.join(', ')} pay the same to the same payee; each of them is a payment`)
  return withNode(options, async (client) => {
    const chain = await readChain(client)
    requireNetwork(payer, chain)
    const origin = { chain: chain.info.chainId, from: payer.address }
    const folder = payoutFolder(csv)
    const plan = withAppended(readPlan(folder), origin, rows, csv)
    const payout = new Payout(folder, origin, plan, client)
    await payout.ask()
    const prepared: Run = { options, csv, paths, names, payer, client, chain, plan, payout }
    return options.dryRun === true ? tryOut(prepared) : pay(prepared, terminal)
  })
}

export async function status(options: StatusOptions, csv: string): Promise<CommandResult> {
  requireOwnResults(csv, options.results)
  const folder = payoutFolder(csv)
  const plan = readPlan(folder)
  const [first] = plan
  if (first === undefined)
    throw new CordonError(
      'not-found',
      `no run has begun to pay ${csv}: there is no ${folder}; begin with: cordon wallet payout run ${csv} --from KEY`,
      { path: folder },
    )
  return withNode(options, async (client) => {
    const { info } = await readChain(client)
    requireChain(first.chain, info.chainId, csv)
    const payout = new Payout(folder, first, plan, client)
    await payout.ask()
    const report = reportOf(payout, csv, first.from, options.results)
    writeResults(report)
    return describeReport(report)
  })
}

/** That the results have a file of their own: they would take the place of the rows. @throws CordonError `usage`. */
function requireOwnResults(csv: string, results: string = defaultResultsFile(csv)): void {
  if (realPathOf(results) !== realPathOf(csv)) return
  throw new CordonError(
    'usage',
    `--results: expected another file than the payout itself, got ${results}, which is ${csv}; nothing was read or written`,
    { path: csv },
  )
}

/** Where a path leads; what is not there has no other name. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return resolve(path)
  }
}

function requireTotal({ maxTotal }: RunOptions, rows: readonly PayoutRow[]): void {
  const total = totalOf(rows.map(({ terms }) => terms))
  if (maxTotal === undefined || total <= maxTotal) return
  throw new CordonError(
    'usage',
    `--max-total: the rows add up to ${amountBoth(String(total))}, more than ${amountBoth(String(maxTotal))}; nothing was sent`,
    { total: String(total), maxTotal: String(maxTotal) },
  )
}

function requireChain(planned: string, chain: string, csv: string): void {
  if (planned === chain) return
  throw new CordonError(
    'payout-changed',
    `${csv} was paid on chain ${planned}, and the node is of chain ${chain}; give --rpc of a node of that chain`,
    { path: csv },
  )
}

function reportOf(payout: Payout, csv: string, from: string, results: string | undefined): PayoutReport {
  const { rows, standings } = payout // the latter change as the payout goes on
  return { csv, resultsFile: results ?? defaultResultsFile(csv), from, rows, standings }
}

async function pay(prepared: Run, terminal: Terminal): Promise<CommandResult> {
  const { options, csv, paths, payer, plan, payout } = prepared
  const report = reportOf(payout, csv, payer.address, options.results)
  writeResults(report) // a file that cannot be written is found before anything is paid
  if (payout.hasUnpaid) {
    const bill = payout.bill(Number(prepared.chain.info.minFee))
    await checkBill(prepared, bill)
    if (terminal.canAsk && options.yes !== true) await confirmBill(prepared, bill, terminal)
    const key = await unlock(options, paths, payer, terminal)
    writePlan(payoutFolder(csv), plan, csv)
    using interruption = new Interruption()
    const { signal } = interruption
    const bar = new ProgressBar('transactions')
    try {
      await payout.pay({ key, timeoutMs: options.timeout, signal, onProgress: (share) => bar.show(share) })
    } finally {
      bar.clear()
      writeResults(report)
    }
  }
  return describeReport(report)
}

/**
 * @returns uCRD that the payer has available.
 * @throws CordonError `tx-insufficient-funds` before anything is sent that would fail for lack of money later.
 */
async function checkBill({ client, payer }: Run, { total, fees, rows }: Bill): Promise<string> {
  const { available } = await client.call('account_get', { address: payer.address })
  if (total + fees <= BigInt(available)) return available
  throw new CordonError(
    'tx-insufficient-funds',
    `${rows.length} rows of ${amount(String(total))} and fees of ${amount(String(fees))} are more than the ${amount(available)} that ${payer.name} has available; nothing was sent`,
    { total: String(total), fees: String(fees), available },
  )
}

/** @throws CordonError `needs-input` if the answer is no. */
async function confirmBill(
  { names, paths, payer, client }: Run,
  { rows, total, fees }: Bill,
  terminal: Terminal,
): Promise<void> {
  if (rows.length === 0) return
  const payees = rows.map(({ terms }) => terms.to)
  for (const payee of await newPayees({ from: payer.address, payees, names, paths }, client))
    note(`first payment to ${payee}`)
  const question = `Pay ${rows.length} rows, ${amountBoth(String(total))} and fees of ${amount(String(fees))}, from ${payer.name}?`
  if (!(await terminal.confirm(question)))
    throw needsInput('the payout was not confirmed: nothing was signed or sent')
}

/** Each row is asked about alone: what the others before it would change is not in the answer. */
async function tryOut(prepared: Run): Promise<CommandResult> {
  const { client, chain, payer, payout, csv } = prepared
  const bill = payout.bill(Number(chain.info.minFee))
  const available = await checkBill(prepared, bill)
  const answers = await Promise.all(
    bill.rows.map(async ({ line, payee, terms }) => {
      const { wouldHold, classes } = await dryRun(client, chain, { from: payer.address, ...terms })
      return { line, payee, wouldHold, classes }
    }),
  )
  const flagged = answers.filter(({ wouldHold }) => wouldHold)
  const balanceAfter = BigInt(available) - bill.total - bill.fees
  const text = facts([
    ['rows to pay', `${bill.rows.length} of ${payout.rows.length}`],
    ['total', amountBoth(String(bill.total))],
    ['fees', amountBoth(String(bill.fees))],
    ['available', amountBoth(available)],
    ['available after', amountBoth(String(balanceAfter))],
    ...flagged.map(({ line, payee, classes }) => [
      `line ${line}`,
      `this node would flag the payment to ${payee}: ${classes.map((each) => each.text).join('; ')}`,
    ]),
  ])
  return {
    data: {
      dryRun: true,
      file: csv,
      rows: bill.rows.length,
      total: String(bill.total),
      fees: String(bill.fees),
      available,
      balanceAfter: String(balanceAfter),
      flagged,
    },
    text: `dry run, nothing is sent\n${text}`,
  }
}
