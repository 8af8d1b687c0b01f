/**
 * Asks before the first payment to somebody: an address that was mistyped, or put in place of another, is a new one.
 * Only on a terminal; a script is never asked.
 */
import type { HistoryItem } from '../../client/api.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { LIMITS } from '../../config/limits.ts'
import type { KeystorePaths } from '../context.ts'
import { amountBoth } from '../format.ts'
import { needsInput, type Terminal } from '../input.ts'
import type { Names } from '../names.ts'
import { listOutbox, type PaymentTerms } from '../outbox.ts'

export interface IntendedPayment {
  readonly terms: PaymentTerms
  readonly names: Names
  readonly paths: Pick<KeystorePaths, 'outbox'>
}

/** @throws CordonError `needs-input` if the payment is not confirmed. */
export async function confirmFirstPayment(
  { terms, names, paths }: IntendedPayment,
  client: RpcClient,
  terminal: Terminal,
): Promise<void> {
  if (!terminal.canAsk) return
  const [payee] = await newPayees({ from: terms.from, payees: [terms.to], names, paths }, client)
  if (payee === undefined) return
  const question = `First payment to ${payee}, ${amountBoth(terms.amount)}; go on?`
  if (!(await terminal.confirm(question)))
    throw needsInput('the payment was not confirmed: nothing was signed or sent')
}

interface IntendedPayees extends Omit<IntendedPayment, 'terms'> {
  /** Address that pays. */
  readonly from: string
  /** Addresses. */
  readonly payees: readonly string[]
}

/** Of some payees, those without a name whom this key has not paid before. */
export async function newPayees(
  { from, payees, names, paths }: IntendedPayees,
  client: RpcClient,
): Promise<string[]> {
  const nameless = [...new Set(payees)].filter((payee) => names.nameOf(payee) === null)
  const signed = paidInOutbox(paths.outbox, from)
  const unsigned = nameless.filter((payee) => !signed.has(payee))
  if (unsigned.length === 0) return []
  const paid = await paidInHistory(client, from)
  return unsigned.filter((payee) => !paid.has(payee))
}

/** Whom the payer has signed a payment to that may have been taken. */
function paidInOutbox(directory: string, from: string): ReadonlySet<string> {
  const entries = listOutbox(directory).entries.filter(
    ({ terms, refused }) => !refused && terms.from === from,
  )
  return new Set(entries.map(({ terms }) => terms.to))
}

/** How a payment that the payee has, or may yet get, stands in a history. */
const PAID: readonly HistoryItem['status'][] = ['settled', 'held', 'released']

/** Looks at the newest page; whoever was paid before that is asked for once more. */
async function paidInHistory(client: RpcClient, from: string): Promise<ReadonlySet<string | null>> {
  const page = await client.call('account_history', { address: from, limit: LIMITS.rpcPageItems })
  const paid = page.items.filter(({ direction, status }) => direction === 'out' && PAID.includes(status))
  return new Set(paid.map(({ counterparty }) => counterparty))
}
