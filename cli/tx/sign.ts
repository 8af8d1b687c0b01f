/** `tx sign`: adds the signature of a key in the keystore; no node is asked, so the key may lie on a machine without a network. */
import { CordonError } from '../../config/errors.ts'
import { encodeAddress } from '../../crypto/address.ts'
import type { KeyInfo } from '../../crypto/keystore.ts'
import { checkStructure } from '../../ledger/rules.ts'
import { signTransaction, type Transaction } from '../../ledger/transaction.ts'
import { keystorePaths, type KeystorePaths } from '../context.ts'
import { facts as columns } from '../format.ts'
import { TERMINAL, type Terminal } from '../input.ts'
import { Names } from '../names.ts'
import type { LocalPasswordOptions } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import { zeroSignature } from '../../client/signing.ts'
import { unlock } from '../signing.ts'
import { offlineFacts, type ChainFacts } from './chain.ts'
import { describeTransaction, signatureRows, termRows } from './description.ts'
import { isStandardInput, readTransaction, transactionResult } from './text.ts'

export interface SignOptions extends LocalPasswordOptions {
  /** Not given: the payer's key. */
  readonly from?: string
  readonly genesis?: string
  readonly out?: string
}

export async function sign(
  options: SignOptions,
  file: string | undefined,
  terminal: Terminal = TERMINAL,
): Promise<CommandResult> {
  if (options.passwordStdin === true && isStandardInput(file))
    throw new CordonError(
      'usage',
      'standard input cannot give the transaction and the password; name a file with the transaction, or use --password-file',
    )
  const facts = offlineFacts(options)
  const paths = keystorePaths(options)
  const names = new Names(paths)
  const unsigned = await readTransaction(file)
  requireSignable(unsigned.transaction, facts)
  const key = keyFor(options, unsigned.transaction, facts, names, paths)

  const terms = columns(termRows(describeTransaction(unsigned, facts.addressPrefix), names, facts.timeMs))
  if (terminal.canAsk) note(`key ${key.name} is to sign:\n${terms}`)
  if (unsigned.transaction.validUntilMs < facts.timeMs)
    note("by this machine's clock the transaction is past its validity; a node will refuse it")
  const signed = signTransaction(unsigned.transaction, [await unlock(options, paths, key, terminal)])

  const described = describeTransaction(signed, facts.addressPrefix)
  const summary = [terms, columns(signatureRows(described, names))].join('\n')
  return transactionResult(signed, { data: described, summary, out: options.out })
}

/** Of the chain, without a signature yet, and nothing that nodes would refuse. @throws CordonError `tx-…`. */
function requireSignable(transaction: Transaction, facts: ChainFacts): void {
  const { auth, sender } = transaction
  if (auth.length > 0)
    throw new CordonError(
      'tx-signature',
      `expected a transaction without signatures, got one with ${auth.length}: it is signed already; look at it with cordon tx decode, send it with cordon tx send`,
    )
  checkStructure({ ...transaction, auth: [zeroSignature(sender)] }, facts)
}

/** @throws CordonError `key-unknown` if the keystore has no key of the payer, `tx-signature` for a key of another account. */
function keyFor(
  { from }: SignOptions,
  { sender }: Transaction,
  { addressPrefix }: ChainFacts,
  names: Names,
  paths: KeystorePaths,
): KeyInfo {
  const payer = encodeAddress(addressPrefix, sender)
  const key = from === undefined ? names.keyOf(payer) : names.keyFrom(from, paths)
  if (key === null)
    throw new CordonError(
      'key-unknown',
      `no key in ${paths.keystore} has the payer's address ${payer}; choose the keystore that has it with --keystore`,
      { address: payer },
    )
  if (key.address !== payer)
    throw new CordonError(
      'tx-signature',
      `expected the key of the payer ${names.label(payer)}, got ${names.label(key.address)}; leave out --from`,
      { address: payer },
    )
  return key
}
