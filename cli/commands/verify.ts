/** `cordon verify FILE --genesis FILE` */
import type { Command } from 'commander'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'
import { jsonOption, type JsonOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

interface VerifyOptions extends JsonOptions {
  readonly genesis: string
}

export function build(command: Command): Command {
  command
    .argument('<file>', 'receipt file, as wallet receipt writes it')
    .requiredOption('--genesis <file>', 'genesis file of the chain: what you trust')
    .addOption(jsonOption())
  explain(command, {
    about: [
      'Exit codes: 0 the receipt proves what it says, 2 it cannot be read, 5 it does not prove it, 78 the genesis file cannot be used.',
    ],
    examples: ['cordon verify receipt.json --genesis genesis.json'],
  })
  return action(command, verify)
}

async function verify(options: VerifyOptions, path: string): Promise<CommandResult> {
  const { readGenesisFile } = await import('../../config/genesis-file.ts')
  const { LIMITS } = await import('../../config/limits.ts')
  const { verifyPortableReceipt } = await import('../../client/receipt.ts')
  const { readTextFile } = await import('../files.ts')
  const genesis = readGenesisFile(options.genesis)
  const verified = verifyPortableReceipt(readTextFile(path, LIMITS.receiptFileBytes), genesis)
  return describe(verified, genesis.network)
}

async function describe(
  {
    txId,
    transaction,
    receipt,
    finalizedHeight,
    signers,
    signedWeight,
    totalWeight,
  }: import('../../client/receipt.ts').VerifiedReceipt,
  network: import('../../config/parameters.ts').NetworkName,
): Promise<CommandResult> {
  const { ADDRESS_PREFIX } = await import('../../config/networks.ts')
  const { encodeAddress } = await import('../../crypto/address.ts')
  const { toHex } = await import('../../crypto/bytes.ts')
  const { amountBoth, facts, percent, time } = await import('../format.ts')
  const address = (id: Uint8Array): string => encodeAddress(ADDRESS_PREFIX[network], id)
  const transfers = transaction.actions
    .filter((action) => action.type === 'transfer')
    .map(({ to, amount, memo }) => ({
      to: address(to),
      amount: String(amount),
      memo: Buffer.from(memo).toString('utf8'),
    }))
  const signedBps = Number((signedWeight * 10_000n) / totalWeight)
  const sender = address(transaction.sender)
  const data = {
    txId: toHex(txId),
    status: receipt.outcome,
    height: receipt.height,
    timeMs: receipt.timeMs,
    fee: String(receipt.fee),
    failure: receipt.failure,
    holds: receipt.holds.map(({ holdId }) => toHex(holdId)),
    sender,
    transfers,
    finalizedHeight,
    signers,
    signedBps,
  }
  const text = facts([
    ['the receipt is valid', `${receipt.outcome} at height ${receipt.height}, ${time(receipt.timeMs)}`],
    ['transaction', data.txId],
    ['from', sender],
    ...transfers.map(({ to, amount }) => ['pays', `${amountBoth(amount)} to ${to}`] as const),
    [
      'final by',
      `block ${finalizedHeight}, signed by ${signers.join(', ')}: ${percent(signedBps)} of the stake`,
    ],
  ])
  return { data, text }
}
