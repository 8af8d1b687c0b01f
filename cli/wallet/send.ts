/** `wallet send`: one payment, from words on a command line to its end. */
import { toHex } from '../../crypto/bytes.ts'
import type { KeyInfo, OpenKey } from '../../crypto/keystore.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { connectNode, keystorePaths, type KeystorePaths } from '../context.ts'
import { dryRun, dryRunRows } from '../dry-run.ts'
import { facts } from '../format.ts'
import { TERMINAL, type Terminal } from '../input.ts'
import { Names } from '../names.ts'
import type { PasswordOptions, WaitUntil } from '../options.ts'
import { describeEnd, describeUnfinished, termRows } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { Outbox, type PaymentTerms, type StoredEntry } from '../outbox.ts'
import { readChain, signActions, type Chain } from '../../client/signing.ts'
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
    if (options.dryRun === true) return await tryOut(plan, client, chain)
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

async function tryOut({ names, terms }: Plan, client: RpcClient, chain: Chain): Promise<CommandResult> {
  const dry = await dryRun(client, chain, terms)
  const { fee, balanceAfter, wouldHold, classes } = dry
  return {
    data: { dryRun: true, fee, balanceAfter, wouldHold, classes },
    text: `dry run, nothing is sent\n${facts([...termRows(terms, names), ...dryRunRows(dry)])}`,
  }
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
  return describeEnd(client, end, termRows(plan.terms, plan.names), json === true)
}

function unfinished(
  plan: Plan,
  entry: StoredEntry,
  status: 'sent' | 'accepted',
  latencyMs: number | null,
): CommandResult {
  const { fee } = decodeTransaction(entry.bytes).transaction
  return describeUnfinished(
    { txId: toHex(entry.txId), status, fee, latencyMs },
    termRows(plan.terms, plan.names),
  )
}
