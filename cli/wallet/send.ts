/** `wallet send`: one payment, from words on a command line to its end. */
import { parseAddress } from '../../crypto/address.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { KeyInfo, OpenKey } from '../../crypto/keystore.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { connectNode, keystorePaths, type KeystorePaths } from '../context.ts'
import { amountBoth, facts } from '../format.ts'
import { TERMINAL, type Terminal } from '../input.ts'
import { Names } from '../names.ts'
import type { PasswordOptions, WaitUntil } from '../options.ts'
import { describeEnd, describeUnfinished, type Rows } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { Outbox, type PaymentTerms, type StoredEntry } from '../outbox.ts'
import {
  readChain,
  signActions,
  transactionContent,
  unsignedBytes,
  type Chain,
} from '../../client/signing.ts'
import { requireNetwork, unlock } from '../signing.ts'
import { transferAction, transferTerms } from '../transfers.ts'
import { confirmFirstPayment } from './first-payment.ts'
import { confirmRequest, wordsOf, type RequestedOptions } from './request.ts'
import { keyedAttempts, onlyAttempt } from './keyed-payment.ts'
import { acceptOnce, leaveOnce, payOnce } from './pay-once.ts'

interface SendOptions extends PasswordOptions, RequestedOptions {
  readonly from: string
  readonly wait: WaitUntil
  readonly timeout: number
  readonly key?: string
  readonly dryRun?: boolean
  /** Do not ask. */
  readonly yes?: boolean
}

/** Everything that is known before a node is asked. */
interface Plan {
  readonly options: SendOptions
  readonly paths: KeystorePaths
  readonly names: Names
  readonly payer: KeyInfo
  readonly terms: PaymentTerms
}

export async function send(options: SendOptions, terminal: Terminal = TERMINAL): Promise<CommandResult> {
  const plan = makePlan(options)
  // Connecting and opening the key take their time side by side. With --key it may turn out that nothing is to be signed.
  const connecting = connectNode(options)
  connecting.catch(() => undefined) // awaited below, if opening the key does not fail first
  let opened: OpenKey | null = null
  try {
    if (options.key === undefined && options.dryRun !== true)
      opened = await unlock(options, plan.paths, plan.payer, terminal)
  } catch (error) {
    connecting.then((client) => client.close()).catch(() => undefined)
    throw error
  }
  const client = await connecting
  try {
    if (options.dryRun !== true && options.yes !== true) await confirm(plan, client, terminal)
    const chain = await readChain(client)
    requireNetwork(plan.payer, chain)
    if (options.dryRun === true) return await dryRun(plan, client, chain)
    const outbox = new Outbox(plan.paths.outbox, chain.info.chainId)
    const open = async (): Promise<OpenKey> => opened ?? unlock(options, plan.paths, plan.payer, terminal)
    const sign = async (attempt: number): Promise<StoredEntry> => {
      // A prompt may have taken minutes, so the time is read after it.
      const key = await open()
      const { id, bytes, transaction } = signActions(opened === null ? await readChain(client) : chain, key, [
        transferAction(plan.terms, chain.info.addressPrefix),
      ])
      const entry = { txId: id, bytes, validUntilMs: transaction.validUntilMs, terms: plan.terms }
      return outbox.add(entry, options.key ?? null, attempt)
    }
    return await payUntil(plan, client, outbox, sign)
  } finally {
    client.close()
  }
}

function confirm(plan: Plan, client: RpcClient, terminal: Terminal): Promise<void> {
  const ask = plan.options.uri === undefined ? confirmFirstPayment : confirmRequest
  return ask(plan, client, terminal)
}

function makePlan(options: SendOptions): Plan {
  const words = wordsOf(options)
  const paths = keystorePaths(options)
  const names = new Names(paths)
  const payer = names.keyFrom(options.from, paths)
  const terms = { from: payer.address, ...transferTerms(words, payer.address, names) }
  return { options, paths, names, payer, terms }
}

async function dryRun(plan: Plan, client: RpcClient, chain: Chain): Promise<CommandResult> {
  const content = transactionContent(chain, parseAddress(plan.payer.address).id, [
    transferAction(plan.terms, chain.info.addressPrefix),
  ])
  const { fee, balanceAfter, wouldHold, classes } = await client.call('tx_dryRun', {
    tx: toHex(unsignedBytes(content)),
  })
  const rows: Rows = [
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

function termRows({ names, terms }: Plan): Rows {
  return [
    ['amount', amountBoth(terms.amount)],
    ['from', names.label(terms.from)],
    ['to', names.label(terms.to)],
  ]
}

/** Pays, and waits as long as it was told to. Without --key an attempt is forgotten once a node has it or its end was seen. */
async function payUntil(
  plan: Plan,
  client: RpcClient,
  outbox: Outbox,
  sign: (attempt: number) => Promise<StoredEntry>,
): Promise<CommandResult> {
  const { key, wait, timeout: timeoutMs, json } = plan.options
  const attempts =
    key === undefined ? onlyAttempt(outbox, sign) : keyedAttempts(key, plan.terms, outbox, sign)
  if (wait === 'none') return unfinished(plan, await leaveOnce({ client, attempts }), 'sent', null)
  if (wait === 'accepted') {
    const { attempt, latencyMs } = await acceptOnce({ client, attempts, timeoutMs })
    if (key === undefined) outbox.remove(attempt)
    return unfinished(plan, attempt, 'accepted', latencyMs)
  }
  const end = await payOnce({ client, attempts, timeoutMs })
  if (key === undefined) Outbox.forget(plan.paths.outbox, end.info.txId)
  return describeEnd(client, end, termRows(plan), json === true)
}

function unfinished(
  plan: Plan,
  entry: StoredEntry,
  status: 'sent' | 'accepted',
  latencyMs: number | null,
): CommandResult {
  const { fee } = decodeTransaction(entry.bytes).transaction
  return describeUnfinished({ txId: toHex(entry.txId), status, fee, latencyMs }, termRows(plan))
}
