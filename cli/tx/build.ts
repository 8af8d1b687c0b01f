/** `tx build`: the bytes of a payment without its signature, for a key that lies elsewhere. */
import { randomBytes } from 'node:crypto'
import { parseAmount } from '../../config/amount.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { decodeAddress } from '../../crypto/address.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { checkStructure, minimumFee } from '../../ledger/rules.ts'
import { encodeTransaction, transactionId, type TransactionContent } from '../../ledger/transaction.ts'
import { keystorePaths, withNode } from '../context.ts'
import { facts as columns } from '../format.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { readChain, zeroSignature } from '../../client/signing.ts'
import { transferAction, transferTerms, type TransferTerms } from '../transfers.ts'
import { factsOfGenesisFile, factsOfNode, type ChainFacts } from './chain.ts'
import { describeTransaction, termRows } from './description.ts'
import { transactionResult } from './text.ts'

/** Validity of an ordered transaction if nothing else is said: time to carry it to a key and back. */
const ORDERED_VALIDITY_MS = 86_400_000

/** The encoding has 48 bits. */
const MAX_TIME_MS = 2 ** 48 - 1

export interface BuildOptions extends KeystoreOptions {
  readonly from: string
  readonly to: readonly string[]
  readonly amount: readonly string[]
  readonly memo?: readonly string[]
  readonly fee?: string
  /** Time from now. */
  readonly validFor?: number
  /** Not given: unordered. `next`: what a node says. */
  readonly sequence?: bigint | 'next'
  readonly genesis?: string
  readonly out?: string
}

export async function build(options: BuildOptions): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const payer = names.resolve(options.from)
  const transfers = transfersOf(options, payer, names)
  requireWithinUnordered(options)
  const { facts, sequence } = await chainOf(options, payer)
  const content = contentOf(options, facts, sequence, payer, transfers)
  requireAcceptable(content, facts)

  const transaction = { ...content, auth: [] }
  const unsigned = { id: transactionId(content), bytes: encodeTransaction(transaction), transaction }
  const described = describeTransaction(unsigned, facts.addressPrefix)
  const summary = columns(termRows(described, names, facts.timeMs))
  return transactionResult(unsigned, { data: described, summary, out: options.out })
}

/** The first `--to` goes with the first `--amount` and the first `--memo`, and so on. */
function transfersOf(
  { to, amount, memo = [] }: BuildOptions,
  payer: string,
  names: Names,
): readonly TransferTerms[] {
  if (amount.length !== to.length)
    throw new CordonError(
      'usage',
      `expected one --amount for each --to, got ${amount.length} amounts for ${to.length} payees`,
    )
  if (memo.length > 0 && memo.length !== to.length)
    throw new CordonError(
      'usage',
      `expected one --memo for each --to or none at all, got ${memo.length} for ${to.length} payees; --memo '' is an empty one`,
    )
  if (to.length > LIMITS.actionsPerTx)
    throw new CordonError(
      'usage',
      `a transaction pays at most ${LIMITS.actionsPerTx} times, got ${to.length} payees; build several`,
    )
  return to.map((payee, index) =>
    transferTerms({ to: payee, amount: amount[index] ?? '', memo: memo[index] ?? '' }, payer, names),
  )
}

/** Said in words of the command line, where the ledger would say it in milliseconds. */
function requireWithinUnordered({ sequence, validFor }: BuildOptions): void {
  if (sequence !== undefined || validFor === undefined || validFor <= LIMITS.unorderedValidityMs) return
  throw new CordonError(
    'tx-validity-too-far',
    `--valid-for: without --sequence a transaction is valid for at most ${LIMITS.unorderedValidityMs / 60_000}m, got ${validFor / 60_000}m; shorten it, or give the payer's next --sequence`,
    { validForMs: validFor, maxMs: LIMITS.unorderedValidityMs },
  )
}

interface KnownChain {
  readonly facts: ChainFacts
  readonly sequence: bigint
}

async function chainOf(options: BuildOptions, payer: string): Promise<KnownChain> {
  const { genesis, sequence = 0n } = options
  if (genesis === undefined) {
    return withNode(options, async (client) => ({
      facts: factsOfNode(await readChain(client)),
      sequence: sequence === 'next' ? await nextSequence(client, payer) : sequence,
    }))
  }
  if (sequence === 'next')
    throw new CordonError(
      'usage',
      '--sequence next asks a node, and with --genesis none is asked; give the number',
    )
  return { facts: factsOfGenesisFile(genesis), sequence }
}

async function nextSequence(client: RpcClient, payer: string): Promise<bigint> {
  const { sequence } = await client.call('account_get', { address: payer })
  return BigInt(sequence) + 1n
}

function contentOf(
  { fee, validFor }: BuildOptions,
  facts: ChainFacts,
  sequence: bigint,
  payer: string,
  transfers: readonly TransferTerms[],
): TransactionContent {
  const standardMs = sequence === 0n ? facts.walletValidityMs : ORDERED_VALIDITY_MS
  const validUntilMs = facts.timeMs + (validFor ?? standardMs)
  if (validUntilMs > MAX_TIME_MS)
    throw new CordonError(
      'usage',
      `--valid-for: a transaction is valid until ${new Date(MAX_TIME_MS).getUTCFullYear()} at most`,
    )
  return {
    chain: facts.chain,
    sender: decodeAddress(facts.addressPrefix, payer),
    sequence,
    validUntilMs,
    salt: randomBytes(8).readBigUInt64BE(),
    fee: fee === undefined ? minimumFee(facts.minFee, transfers.length) : parseAmount(fee),
    actions: transfers.map((terms) => transferAction(terms, facts.addressPrefix)),
  }
}

/** By the ledger's own rules, as if it were signed. @throws CordonError `tx-…`. */
function requireAcceptable(content: TransactionContent, facts: ChainFacts): void {
  checkStructure({ ...content, auth: [zeroSignature(content.sender)] }, facts)
}
