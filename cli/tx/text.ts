/** Transactions as text: their canonical bytes in hex, on one line, through standard input, standard output and files. */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { decodeTransaction, type DecodedTransaction } from '../../ledger/transaction.ts'
import { readTextFile, writeNewFile } from '../files.ts'
import { readStandardInput } from '../input.ts'
import type { CommandResult } from '../output.ts'

/** Two digits a byte, and the end of the line. */
const MAX_CHARACTERS = 2 * LIMITS.txBytes + 2

/** In place of a file: standard input. */
const STANDARD_INPUT = '-'

/**
 * The transaction in a file, or on standard input if there is none or it is `-`.
 * @throws CordonError `tx-…` if it is no transaction; `usage`, `needs-input` if there is nothing to read.
 */
export async function readTransaction(file: string | undefined): Promise<DecodedTransaction> {
  const text = isStandardInput(file)
    ? await readStandardInput({ what: 'the transaction', maxCharacters: MAX_CHARACTERS, oneLine: false })
    : readTextFile(file, MAX_CHARACTERS)
  return transactionOf(text, isStandardInput(file) ? 'standard input' : file)
}

export function isStandardInput(file: string | undefined): file is undefined | typeof STANDARD_INPUT {
  return file === undefined || file === STANDARD_INPUT
}

function transactionOf(text: string, source: string): DecodedTransaction {
  const hex = text.trim().toLowerCase()
  if (hex === '') throw new CordonError('tx-malformed', `${source} is empty; expected a transaction in hex`)
  if (text.length > MAX_CHARACTERS || !/^(?:[0-9a-f]{2})+$/.test(hex)) {
    throw new CordonError(
      'tx-malformed',
      `${source}: expected one line with a transaction of at most ${LIMITS.txBytes} bytes in hex, as cordon tx build and sign write it`,
    )
  }
  return decodeTransaction(fromHex(hex))
}

/**
 * The hex as the result, or, with `out`, in a new file and `summary` as the result.
 * @throws CordonError `usage` if the file is there already or cannot be written.
 */
export function transactionResult(
  { bytes }: DecodedTransaction,
  {
    data,
    summary,
    out,
  }: { readonly data: object; readonly summary: string; readonly out: string | undefined },
): CommandResult {
  const tx = toHex(bytes)
  if (out === undefined) return { data: { ...data, tx }, text: tx }
  writeNewFile(out, `${tx}\n`)
  return { data: { ...data, tx, file: out }, text: `wrote ${out}\n${summary}` }
}
