/**
 * A payment request as text: `cordon:ADDRESS?amount=12.50CRD&message=lunch`, after BIP-21. The network is in the prefix
 * of the address, the amount has its unit, the message is what the payment carries as its memo. A parameter that begins
 * with `req-` must be understood by whoever pays; others that are not known are left alone, so that there can be more
 * of them later.
 */
import { formatAmount, parseAmount } from '../config/amount.ts'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { parseAddress } from '../crypto/address.ts'
import { utf8 } from '../crypto/bytes.ts'

const SCHEME = 'cordon:'
const REQUIRED = 'req-'

export interface PaymentRequest {
  /** Who is to be paid; lower case. */
  readonly address: string
  /** In uCRD, more than 0; null: the payer says how much. */
  readonly amount: bigint | null
  /** Empty: none. At most 128 bytes. */
  readonly message: string
}

interface ParsedPaymentUri extends PaymentRequest {
  /** Names of parameters that mean nothing here. */
  readonly ignored: readonly string[]
}

/** @throws CordonError `address-invalid`, or `payment-uri-invalid` for an amount or message that is out of range. */
export function formatPaymentUri({ address, amount, message }: PaymentRequest): string {
  parseAddress(address)
  if (amount !== null) requirePositive(amount)
  requireShort(message)
  const parameters = [
    ...(amount === null ? [] : [`amount=${formatAmount(amount)}`]),
    ...(message === '' ? [] : [`message=${encodeURIComponent(message)}`]),
  ]
  return `${SCHEME}${address.toLowerCase()}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`
}

/**
 * What a text asks for.
 * @throws CordonError `payment-uri-invalid`, `address-invalid`, `amount-invalid`.
 */
export function parsePaymentUri(text: string): ParsedPaymentUri {
  if (text.length > LIMITS.paymentUriCharacters)
    throw invalid(`expected at most ${LIMITS.paymentUriCharacters} characters, got ${text.length}`)
  if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME)
    throw invalid(`expected it to begin with ${SCHEME}, got ${JSON.stringify(text.slice(0, 40))}`)
  const [address = '', query, ...rest] = text.slice(SCHEME.length).split('?')
  if (rest.length > 0 || query === '') throw invalid('expected parameters behind one "?"')
  parseAddress(address)
  const parameters = parametersOf(query)
  const amountText = parameters.get('amount')
  const message = parameters.get('message') ?? ''
  const amount = amountText === undefined ? null : parseAmount(amountText)
  if (amount !== null) requirePositive(amount)
  requireShort(message)
  const unknown = [...parameters.keys()].filter((name) => name !== 'amount' && name !== 'message')
  const [required] = unknown.filter((name) => name.startsWith(REQUIRED))
  if (required !== undefined)
    throw invalid(
      `it requires ${JSON.stringify(required)}, which this version does not know; pay with a version that does, or ask for another request`,
    )
  return { address: address.toLowerCase(), amount, message, ignored: unknown }
}

function parametersOf(query: string | undefined): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of query?.split('&') ?? []) {
    const [, name, value] = /^([a-z][a-z0-9-]*)=([^=#]*)$/.exec(pair) ?? []
    if (name === undefined || value === undefined)
      throw invalid(`expected parameters such as amount=12.50CRD, got ${JSON.stringify(pair.slice(0, 40))}`)
    if (parameters.has(name)) throw invalid(`${name} is there twice; expected it once`)
    parameters.set(name, decoded(name, value))
  }
  return parameters
}

function decoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    throw invalid(`${name}: expected UTF-8 with % and two hex digits for what is no letter or digit`)
  }
}

function requirePositive(amount: bigint): void {
  if (amount <= 0n) throw invalid('expected an amount of more than 0')
}

function requireShort(message: string): void {
  const bytes = utf8(message).length
  if (bytes > LIMITS.memoBytes)
    throw invalid(`expected a message of at most ${LIMITS.memoBytes} bytes, got ${bytes}`)
}

function invalid(problem: string): CordonError {
  return new CordonError('payment-uri-invalid', `payment request: ${problem}`)
}
