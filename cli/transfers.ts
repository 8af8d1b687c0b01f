/** Transfers as words of a command line: who is paid, how much, and a text for them. */
import { parseAmount } from '../config/amount.ts'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { decodeAddress, parseAddress } from '../crypto/address.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { Transfer } from '../ledger/actions/index.ts'
import type { Names } from './names.ts'

/** As they stand behind `--to`, `--amount` and `--memo`, or in a row of a payout. */
export interface TransferWords {
  readonly to: string
  readonly amount: string
  readonly memo: string
}

/** What they mean. */
export interface TransferTerms {
  /** Address. */
  readonly to: string
  /** In uCRD. */
  readonly amount: string
  readonly memo: string
}

/**
 * @param payer its address: the payee has to be another account of the same network.
 * @throws CordonError `amount-invalid`, `address-invalid`, or `usage`.
 */
export function transferTerms(
  { to, amount, memo }: TransferWords,
  payer: string,
  names: Names,
): TransferTerms {
  const units = parseAmount(amount)
  if (units === 0n) throw new CordonError('amount-invalid', 'the amount must be more than 0', { amount })
  const memoBytes = utf8(memo).length
  if (memoBytes > LIMITS.memoBytes)
    throw new CordonError('usage', `expected a memo of at most ${LIMITS.memoBytes} bytes, got ${memoBytes}`)
  const payee = names.resolve(to)
  if (payee === payer) throw new CordonError('usage', `${to} is the payer itself; choose another payee`)
  decodeAddress(parseAddress(payer).prefix, payee)
  return { to: payee, amount: String(units), memo }
}

/** The action. @throws CordonError `address-invalid` if the payee is not of the network with this prefix. */
export function transferAction({ to, amount, memo }: TransferTerms, prefix: string): Transfer {
  return { type: 'transfer', to: decodeAddress(prefix, to), amount: BigInt(amount), memo: utf8(memo) }
}
