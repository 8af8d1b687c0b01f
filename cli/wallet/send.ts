/** `wallet send`: one payment, from words on a command line to its end. */
import { parseAmount } from '../../config/amount.ts'
import { CordonError, EXIT } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { parseAddress } from '../../crypto/address.ts'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import type { KeyInfo, OpenKey } from '../../crypto/keystore.ts'
import type { TxInfo } from '../../client/api.ts'
import { submit, type PaymentEnd } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import type { Transfer } from '../../ledger/actions/index.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { connectNode, keystorePaths, type KeystorePaths } from '../context.ts'
import { amount, amountBoth, facts, milliseconds } from '../format.ts'
import { Names } from '../names.ts'
import type { PasswordOptions } from '../options.ts'
import { explainHold, exitOf, failureOf, readHolds, rounded } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { Outbox, type PaymentTerms, type StoredEntry } from '../outbox.ts'
import {
  readChain,
  requireNetwork,
  signActions,
  transactionContent,
  unlock,
  unsignedBytes,
  type Chain,
} from '../signing.ts'
import { payOnce, requireSameTerms } from './pay-once.ts'

interface SendOptions extends PasswordOptions {
  readonly from: string
  readonly to: string
  readonly amount: string
  readonly memo: string
  readonly wait: 'none' | 'accepted' | 'final'
  readonly timeout: number
  readonly key?: string
  readonly dryRun?: boolean
}

/** Everything that is known before a node is asked. */
interface Plan {
  readonly options: SendOptions
  readonly paths: KeystorePaths
  readonly names: Names
  readonly payer: KeyInfo
  readonly terms: PaymentTerms
}

export async function send(options: SendOptions): Promise<CommandResult> {
  const plan = makePlan(options)
  // Connecting and opening the key take their time side by side. With --key it may turn out that nothing is to be signed.
  const connecting = connectNode(options)
  connecting.catch(() => undefined) // awaited below, if opening the key does not fail first
  let opened: OpenKey | null = null
  try {
    if (options.key === undefined && options.dryRun !== true)
      opened = await unlock(options, plan.paths, plan.payer)
  } catch (error) {
    connecting.then((client) => client.close()).catch(() => undefined)
    throw error
  }
  const client = await connecting
  try {
    const chain = await readChain(client)
    requireNetwork(plan.payer, chain)
    if (options.dryRun === true) return await dryRun(plan, client, chain)
    const outbox = new Outbox(plan.paths.outbox, chain.info.chainId)
    const open = async (): Promise<OpenKey> => opened ?? unlock(options, plan.paths, plan.payer)
    const sign = async (attempt: number): Promise<StoredEntry> => {
      // A prompt may have taken minutes, so the time is read after it.
      const key = await open()
      const { id, bytes, transaction } = signActions(opened === null ? await readChain(client) : chain, key, [
        transferOf(plan, chain),
      ])
      const entry = { txId: id, bytes, validUntilMs: transaction.validUntilMs, terms: plan.terms }
      return outbox.add(entry, options.key ?? null, attempt)
    }
    if (options.wait === 'none') return await sendAndLeave(plan, client, outbox, sign)
    if (options.wait === 'accepted') return await sendUntilAccepted(plan, client, outbox, sign)
    const end = await payOnce({
      client,
      outbox,
      sign,
      key: options.key ?? null,
      terms: plan.terms,
      timeoutMs: options.timeout,
    })
    return await describeEnd(plan, client, end)
  } finally {
    client.close()
  }
}

function makePlan(options: SendOptions): Plan {
  const units = parseAmount(options.amount)
  if (units === 0n)
    throw new CordonError('amount-invalid', 'the amount must be more than 0', { amount: options.amount })
  const memoBytes = utf8(options.memo).length
  if (memoBytes > LIMITS.memoBytes)
    throw new CordonError('usage', `--memo: expected at most ${LIMITS.memoBytes} bytes, got ${memoBytes}`)
  const paths = keystorePaths(options)
  const names = new Names(paths)
  const payer = names.keyFrom(options.from, paths)
  const to = names.resolve(options.to)
  if (to === payer.address)
    throw new CordonError('usage', `--to: ${options.to} is the payer itself; choose another payee`)
  const prefix = parseAddress(payer.address).prefix
  names.accountId(to, prefix)
  return {
    options,
    paths,
    names,
    payer,
    terms: { from: payer.address, to, amount: String(units), memo: options.memo },
  }
}

function transferOf({ names, terms }: Plan, chain: Chain): Transfer {
  return {
    type: 'transfer',
    to: names.accountId(terms.to, chain.info.addressPrefix),
    amount: BigInt(terms.amount),
    memo: utf8(terms.memo),
  }
}

async function dryRun(plan: Plan, client: RpcClient, chain: Chain): Promise<CommandResult> {
  const content = transactionContent(chain, parseAddress(plan.payer.address).id, [transferOf(plan, chain)])
  const { fee, balanceAfter, wouldHold, classes } = await client.call('tx_dryRun', {
    tx: toHex(unsignedBytes(content)),
  })
  const rows: (readonly [string, string])[] = [
    ...termRows(plan),
    ['fee', amountBoth(fee)],
    ['balance after', amountBoth(balanceAfter)],
    [
      'decision',
      wouldHold
        ? 'this node would flag it; if enough others do, it is held for review'
        : 'this node would let it settle',
    ],
    ...classes.map(({ text }) => ['because', text] as const),
  ]
  return {
    data: { dryRun: true, fee, balanceAfter, wouldHold, classes },
    text: `dry run, nothing is sent\n${facts(rows)}`,
  }
}

function termRows({ names, terms }: Plan): (readonly [string, string])[] {
  return [
    ['amount', amountBoth(terms.amount)],
    ['from', names.label(terms.from)],
    ['to', names.label(terms.to)],
  ]
}

type Sign = (attempt: number) => Promise<StoredEntry>

/** With --key an earlier attempt counts as this one. */
async function entryFor({ options, terms }: Plan, outbox: Outbox, sign: Sign): Promise<StoredEntry> {
  const earlier = options.key === undefined ? null : outbox.newest(options.key)
  const entry = earlier ?? (await sign(1))
  if (options.key !== undefined) requireSameTerms(options.key, entry, terms)
  return entry
}

async function sendAndLeave(
  plan: Plan,
  client: RpcClient,
  outbox: Outbox,
  sign: Sign,
): Promise<CommandResult> {
  const entry = await entryFor(plan, outbox, sign)
  client.call('tx_submit', { tx: toHex(entry.bytes) }, { retry: false }).catch(() => undefined) // nobody waits for the answer
  await client[Symbol.asyncDispose]()
  return unfinished(plan, entry, 'sent', null)
}

async function sendUntilAccepted(
  plan: Plan,
  client: RpcClient,
  outbox: Outbox,
  sign: Sign,
): Promise<CommandResult> {
  const entry = await entryFor(plan, outbox, sign)
  const startMs = performance.now()
  try {
    await submit(client, entry, plan.options.timeout)
  } catch (error) {
    if (plan.options.key === undefined && !isUnknown(error)) outbox.remove(entry)
    throw error
  }
  const latencyMs = performance.now() - startMs
  if (plan.options.key === undefined) outbox.remove(entry) // the node has it on its disk now
  return unfinished(plan, entry, 'accepted', latencyMs)
}

function isUnknown(error: unknown): boolean {
  return error instanceof CordonError && error.code === 'outcome-unknown'
}

function unfinished(
  plan: Plan,
  entry: StoredEntry,
  status: 'sent' | 'accepted',
  latencyMs: number | null,
): CommandResult {
  const txId = toHex(entry.txId)
  const rows = [
    ...termRows(plan),
    ['transaction', txId] as const,
    ['see how it ends', `cordon tx wait ${txId}`] as const,
  ]
  const after = latencyMs === null ? '' : ` after ${milliseconds(latencyMs)}`
  return {
    data: {
      txId,
      status,
      height: null,
      latencyMs: latencyMs === null ? null : rounded(latencyMs),
      holds: [],
      fee: String(decodeTransaction(entry.bytes).transaction.fee),
    },
    text: `${status}${after}\n${facts(rows)}`,
    exit: EXIT.done,
  }
}

async function describeEnd(
  plan: Plan,
  client: RpcClient,
  { info, latencyMs }: PaymentEnd,
): Promise<CommandResult> {
  const data = {
    txId: info.txId,
    status: info.status,
    height: info.height,
    latencyMs: rounded(latencyMs),
    holds: info.holds,
    fee: info.fee,
  }
  const error = failureOf(info)
  const rows = [
    ...termRows(plan),
    ['fee', info.fee === null ? '-' : amount(info.fee)] as const,
    ['transaction', info.txId] as const,
  ]
  const holds =
    plan.options.json === true || info.holds.length === 0 ? [] : await readHolds(client, info.holds)
  const text = [headline(info, latencyMs), facts(rows), ...holds.map(explainHold)].join('\n')
  return { data, text, exit: exitOf(info), ...(error === null ? {} : { error }) }
}

function headline(info: TxInfo, latencyMs: number): string {
  const how = info.status === 'held' ? 'held for review' : info.status
  const where = info.height === null ? '' : ` at height ${info.height}`
  return `${how}${where}, final after ${milliseconds(latencyMs)}`
}
