/** `mcp approve`: a person looks at a payment request, and signs it or does not. The only place that pays for requests. */
import type { DryRun } from '../../client/api.ts'
import type { PaymentEnd } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { readChain, signActions } from '../../client/signing.ts'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { OpenKey } from '../../crypto/keystore.ts'
import { keystorePaths, withNode, type KeystorePaths } from '../context.ts'
import { dryRun, dryRunRows } from '../dry-run.ts'
import { amountBoth, distance, facts, printable, time } from '../format.ts'
import { needsInput, TERMINAL, type Terminal } from '../input.ts'
import { Names } from '../names.ts'
import type { PasswordOptions } from '../options.ts'
import { describeEnd, termRows, type Rows } from '../outcome.ts'
import { note, type CommandResult } from '../output.ts'
import { Outbox, type PaymentTerms, type StoredEntry } from '../outbox.ts'
import { requireNetwork, unlock } from '../signing.ts'
import { transferAction } from '../transfers.ts'
import { newPayees } from '../wallet/first-payment.ts'
import { keyedAttempts } from '../wallet/keyed-payment.ts'
import { payOnce } from '../wallet/pay-once.ts'
import { outboxKeyOf, requestFolder, spendingLog } from './desk.ts'
import { readPolicy, type Policy } from './policy.ts'
import type { StoredRequest } from './request-folder.ts'
import { requireApprovable, requireWithin } from './rules.ts'
import type { Spent } from './spending.ts'

export interface ApproveOptions extends PasswordOptions {
  readonly policy: string
  readonly timeout: number
  /** Do not ask. */
  readonly yes?: boolean
}

/** What a person approves: both files as they were when they were shown. */
interface Shown {
  readonly options: ApproveOptions
  readonly paths: KeystorePaths
  readonly request: StoredRequest
  readonly terms: PaymentTerms
}

export async function approve(
  options: ApproveOptions,
  id: string,
  terminal: Terminal = TERMINAL,
): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const request = requestFolder(paths).get(id)
  const shown = { options, paths, request, terms: termsOf(request) }
  return withNode(options, async (client) => {
    const { info } = await readChain(client)
    const outbox = new Outbox(paths.outbox, info.chainId)
    const isSigned = request.decision === 'approved' && outbox.newest(outboxKeyOf(id)) !== null
    if (isSigned)
      note(
        `request ${id} was approved before; its payment is followed, and made again only if it has expired`,
      )
    else await show(shown, client, terminal)
    const end = await pay(shown, client, outbox, terminal)
    return describeEnd(client, end, termRows(shown.terms, new Names(paths)), options.json === true)
  })
}

/** Shows everything, and asks. @throws CordonError `policy-refused`; `needs-input` without a yes. */
async function show(shown: Shown, client: RpcClient, terminal: Terminal): Promise<void> {
  const { options, request } = shown
  const policy = requireStanding(shown)
  const spent = spendingLog(shown.paths, policy.payer).spent(Date.now())
  // What was approved before and not signed is counted already.
  if (request.decision === null) requireWithin(policy, request, spent)
  const dry = await dryRun(client, await readChain(client), shown.terms)
  const isFirst = await isFirstPayment(shown, client)
  note(`payment request ${request.id}\n${facts(rowsOf(shown, policy, spent, dry, isFirst))}`)
  await ask(
    options,
    terminal,
    `Pay ${amountBoth(shown.terms.amount)} to ${labelOf(shown, shown.terms.to)}?`,
    `not approved: nothing was signed; to turn it down for good: cordon mcp decline ${request.id}`,
  )
}

/** The payment was signed before and expired: whoever said yes to it did not say yes to another one. */
async function showExpired(shown: Shown, { txId }: StoredEntry, terminal: Terminal): Promise<void> {
  const { options, request, terms } = shown
  requireStanding(shown) // nobody is asked about what may not be signed any more
  note(
    `the payment signed for request ${request.id} before, ${toHex(txId)}, has expired: it paid nothing and cannot any more`,
  )
  await ask(
    options,
    terminal,
    `Sign another one: pay ${amountBoth(terms.amount)} to ${labelOf(shown, terms.to)}?`,
    'not signed again: nothing was paid',
  )
}

/** @param refusal what is said after a no. @throws CordonError `needs-input` without a yes. */
async function ask(
  { yes }: ApproveOptions,
  terminal: Terminal,
  question: string,
  refusal: string,
): Promise<void> {
  if (yes === true) return
  if (!terminal.canAsk)
    throw needsInput('a person has to approve this on a terminal, and there is none; a script needs --yes')
  if (!(await terminal.confirm(question))) throw needsInput(refusal)
}

async function isFirstPayment({ paths, terms: { from, to } }: Shown, client: RpcClient): Promise<boolean> {
  const names = new Names(paths)
  return (await newPayees({ from, payees: [to], names, paths }, client)).length > 0
}

/**
 * The policy, held against the request: both as they lie on the disk now.
 * @throws CordonError `policy-refused`, `policy-invalid`.
 */
function requireStanding({ options, paths, request: { id } }: Shown): Policy {
  const folder = requestFolder(paths)
  const policy = readPolicy(options.policy, paths)
  requireApprovable(policy, folder.get(id), folder.list().requests, Date.now())
  return policy
}

async function pay(shown: Shown, client: RpcClient, outbox: Outbox, terminal: Terminal): Promise<PaymentEnd> {
  const { options, request, terms } = shown
  const key = outboxKeyOf(request.id)
  const sign = async (attempt: number): Promise<StoredEntry> => {
    const expired = outbox.newest(key)
    // Another process may have made this very attempt in the meantime: then there is none to sign.
    if (expired !== null && expired.attempt < attempt) await showExpired(shown, expired, terminal)
    const opened = await open(shown, terminal)
    // A question and a password may have taken minutes: time, policy and request are looked at once more.
    const chain = await readChain(client)
    requireNetwork(opened, chain)
    commit(shown)
    const { id, bytes, transaction } = signActions(chain, opened, [
      transferAction(terms, chain.info.addressPrefix),
    ])
    return outbox.add({ txId: id, bytes, validUntilMs: transaction.validUntilMs, terms }, key, attempt)
  }
  return payOnce({ client, attempts: keyedAttempts(key, terms, outbox, sign), timeoutMs: options.timeout })
}

async function open({ options, paths, request }: Shown, terminal: Terminal): Promise<OpenKey> {
  return unlock(options, paths, new Names(paths).keyFrom(request.payer, paths), terminal)
}

/**
 * Counts the payment and takes the decision, both durable before anything is signed.
 * @throws CordonError `policy-refused` if policy or request are no longer what was shown, or somebody declined.
 */
function commit(shown: Shown): void {
  const { paths, request } = shown
  const policy = requireStanding(shown)
  const spending = { id: request.id, amountUnits: request.amountUnits, timeMs: Date.now() }
  spendingLog(paths, policy.payer).reserve(spending, (spent) => requireWithin(policy, request, spent))
  if (requestFolder(paths).decide(request.id, 'approved') !== 'approved')
    throw new CordonError(
      'policy-refused',
      `request ${request.id} was declined in the meantime. Nothing was signed`,
      { id: request.id },
    )
}

function termsOf({ payer, payee, amountUnits }: StoredRequest): PaymentTerms {
  return { from: payer, to: payee, amount: String(amountUnits), memo: '' }
}

function labelOf({ paths }: Shown, address: string): string {
  return new Names(paths).label(address)
}

function rowsOf(shown: Shown, policy: Policy, spent: Spent, dry: DryRun, isFirst: boolean): Rows {
  const { request } = shown
  const newUnits = request.decision === null ? request.amountUnits : 0n
  const after = (units: bigint, maxUnits: bigint): string =>
    `${amountBoth(String(units + newUnits))} of ${amountBoth(String(maxUnits))}`
  return [
    ...termRows(shown.terms, new Names(shown.paths)),
    ...(isFirst ? [['first payment', 'this key has not paid this address before'] as const] : []),
    ['why, as it was asked', printable(request.why)],
    ['asked', `${time(request.createdMs)} (${distance(request.createdMs, Date.now())})`],
    ['expires', `${time(request.expiresMs)} (${distance(request.expiresMs, Date.now())})`],
    ['24 hours, with it', after(spent.dayUnits, policy.maxDayUnits)],
    ['in sum, with it', after(spent.totalUnits, policy.maxTotalUnits)],
    ...dryRunRows(dry),
  ]
}
