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
  if (!terminal.canAsk || names.nameOf(terms.to) !== null) return
  if (isInOutbox(paths.outbox, terms) || (await isInHistory(client, terms))) return
  const question = `First payment to ${terms.to}, ${amountBoth(terms.amount)}; go on?`
  if (!(await terminal.confirm(question)))
    throw needsInput('the payment was not confirmed: nothing was signed or sent')
}

/** Whether the payer has signed a payment to this payee that may have been taken. */
function isInOutbox(directory: string, { from, to }: PaymentTerms): boolean {
  return listOutbox(directory).entries.some(
    ({ terms, refused }) => !refused && terms.from === from && terms.to === to,
  )
}

/** How a payment that the payee has, or may yet get, stands in a history. */
const PAID: readonly HistoryItem['status'][] = ['settled', 'held', 'released']

/** Looks at the newest page; whoever was paid before that is asked for once more. */
async function isInHistory(client: RpcClient, { from, to }: PaymentTerms): Promise<boolean> {
  const page = await client.call('account_history', { address: from, limit: LIMITS.rpcPageItems })
  return page.items.some(
    ({ direction, counterparty, status }) =>
      direction === 'out' && counterparty === to && PAID.includes(status),
  )
}
