/** `wallet request`: a payment request as URI and QR code, and what is asked before one is paid. */
import { parseAmount } from '../../config/amount.ts'
import { formatPaymentUri, parsePaymentUri } from '../../client/payment-uri.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { CordonError } from '../../config/errors.ts'
import { keystorePaths } from '../context.ts'
import { amountBoth, printable } from '../format.ts'
import { needsInput, type Terminal } from '../input.ts'
import { Names } from '../names.ts'
import type { LocalOptions } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import type { TransferWords } from '../transfers.ts'
import { newPayees, type IntendedPayment } from './first-payment.ts'

interface RequestOptions extends LocalOptions {
  readonly to: string
  /** With its unit. */
  readonly amount?: string
  readonly message: string
  readonly qr?: boolean
}

/** @param isTerminal whether people look at the result: then there is a QR code without `--qr`. */
export async function request(
  options: RequestOptions,
  isTerminal: boolean = process.stdout.isTTY,
): Promise<CommandResult> {
  const address = new Names(keystorePaths(options)).resolve(options.to)
  const { message } = options
  const amount = options.amount === undefined ? null : parseAmount(options.amount)
  const uri = formatPaymentUri({ address, amount, message })
  const data = { uri, address, amount: amount === null ? null : String(amount), message }
  if (!isTerminal && options.qr !== true) return { data, text: uri }
  const { drawQr } = await import('../qr.ts')
  return { data, text: `${uri}\n${drawQr(uri, isTerminal)}` }
}

/** Where `wallet send` takes its payment from. */
export interface RequestedOptions {
  readonly uri?: string
  readonly to?: string
  readonly amount?: string
  readonly memo: string
}

/**
 * The words of a payment: those of `--to`, `--amount` and `--memo`, or of `--uri`, whose amount `--amount` may only fill in.
 * @throws CordonError `usage`, and whatever is wrong with the URI.
 */
export function wordsOf({ uri, to, amount, memo }: RequestedOptions): TransferWords {
  if (uri === undefined) {
    if (to !== undefined && amount !== undefined) return { to, amount, memo }
    throw new CordonError('usage', 'say who is paid and how much: give --to and --amount, or --uri')
  }
  if (to !== undefined || memo !== '')
    throw new CordonError('usage', '--uri says who is paid and with which memo; leave out --to and --memo')
  const asked = parsePaymentUri(uri)
  if (asked.ignored.length > 0)
    note(`the request has parameters without a meaning here: ${asked.ignored.join(', ')}`)
  if ((asked.amount === null) === (amount === undefined))
    throw new CordonError(
      'usage',
      asked.amount === null
        ? 'the request leaves the amount to you; give it with --amount'
        : `the request asks for ${amountBoth(String(asked.amount))}; leave out --amount`,
    )
  return { to: asked.address, amount: amount ?? `${String(asked.amount)}uCRD`, memo: asked.message }
}

/** Shows what a request asks for, and asks somebody at a terminal. @throws CordonError `needs-input` after a no. */
export async function confirmRequest(
  { terms, names, paths }: IntendedPayment,
  client: RpcClient,
  terminal: Terminal,
): Promise<void> {
  const memo = terms.memo === '' ? '' : `, message ${JSON.stringify(printable(terms.memo))}`
  const asks = `the request asks for ${amountBoth(terms.amount)} to ${names.label(terms.to)}${memo}`
  if (!terminal.canAsk) {
    note(asks)
    return
  }
  const isNew = (await newPayees({ from: terms.from, payees: [terms.to], names, paths }, client)).length > 0
  if (!(await terminal.confirm(`${asks}${isNew ? ', whom this key has not paid before' : ''}; pay it?`)))
    throw needsInput('the payment was not confirmed: nothing was signed or sent')
}
