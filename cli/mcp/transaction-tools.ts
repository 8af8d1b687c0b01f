/** Tools about payments that were sent: what became of one, and why one is held. */
import type { TxInfo } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { amountBoth, time } from '../format.ts'
import type { Names } from '../names.ts'
import { readHolds } from '../outcome.ts'
import { account, foreign, money, quoted, untrusted, utc } from './answer.ts'
import { holdData, holdLines } from './hold-words.ts'
import { idArgument, namesOf, UNTRUSTED_NOTE, type Tool } from './tool.ts'

const MEANINGS: Readonly<Record<Exclude<TxInfo['status'], 'unknown'>, string>> = {
  pending: 'is on its way and not final; it may still settle, be held, fail or expire',
  settled: 'is final: the payee has the money',
  held: 'is final and held for review; explain_hold says why and what can be done',
  failed: 'is final and failed: nothing moved but its fee',
  expired: 'was in no block before its validity ended: it can never happen any more, and nothing was taken',
}

/** Codes of the ledger in words; others are told as they are. */
const FAILURES: Readonly<Record<string, string>> = {
  'insufficient-funds': 'when its turn came, the balance did not cover the amount',
  'fee-not-covered': 'when its turn came, the balance did not cover the fee',
  'hold-ended': 'the hold it was about had ended before',
  'hold-due': 'the hold it was about had reached its deadline',
  'hold-not-yours': 'only the payer of a hold can recall it',
  'hold-unknown': 'there is no such hold',
  'not-the-guardian': 'only the guardian of the payer can confirm a hold',
}

export const explainTransaction: Tool<{ readonly txId: string }> = {
  name: 'explain_transaction',
  title: 'What a transaction is and what became of it',
  description: `Who pays whom how much, how it stands, when, its fee, and why it failed or expired. ${UNTRUSTED_NOTE}`,
  args: { txId: idArgument('id of the transaction') },
  run: async (context, { txId }) => {
    const names = namesOf(context)
    const info = await context.withNode((client) => readTransaction(client, txId))
    return { data: transactionData(info, names), lines: transactionLines(info, names) }
  },
}

type Caller = Parameters<typeof readHolds>[0]

async function readTransaction(client: Caller, txId: string): Promise<TxInfo> {
  const info = await client.call('tx_get', { txId })
  if (info.status === 'unknown')
    throw new CordonError('tx-unknown', `the node knows no transaction ${txId}`, { txId })
  return info
}

export function transactionData(info: TxInfo, names: Names): Record<string, unknown> {
  return {
    txId: info.txId,
    status: info.status,
    height: info.height,
    time: utc(info.timeMs),
    from: info.sender === null ? null : account(names, info.sender),
    transfers: info.transfers.map(({ to, amount, memo }) => ({
      to: account(names, to),
      ...money(amount),
      memo: untrusted(memo),
    })),
    fee: info.fee === null ? null : money(info.fee),
    failure: info.failure === null ? null : foreign(info.failure),
    validUntil: utc(info.validUntilMs),
    holds: info.holds,
  }
}

export function transactionLines(info: TxInfo, names: Names): readonly string[] {
  const { txId, status, sender, transfers, height, timeMs, fee, failure, validUntilMs } = info
  const payer = sender === null ? 'an unknown account' : names.label(sender)
  return [
    `Transaction ${txId} ${status === 'unknown' ? 'is not known' : MEANINGS[status]}.`,
    ...transfers.map(
      ({ to, amount, memo }) =>
        `${payer} pays ${amountBoth(amount)} to ${names.label(to)}${memo === '' ? '' : `, memo ${quoted(memo)}`}.`,
    ),
    ...(transfers.length === 0 && sender !== null ? [`It was sent by ${payer} and pays nobody.`] : []),
    ...(height === null ? [] : [`It is in block ${height}, at ${time(timeMs)}.`]),
    ...(fee === null ? [] : [`Its fee was ${amountBoth(fee)}.`]),
    ...(failure === null ? [] : [`Why it failed: ${FAILURES[failure] ?? foreign(failure)}.`]),
    ...(status === 'pending' || status === 'expired' ? [`It was valid until ${time(validUntilMs)}.`] : []),
  ]
}

export const explainHold: Tool<{ readonly id: string }> = {
  name: 'explain_hold',
  title: 'Why a payment is held',
  description:
    'Why a payment is held for review, in plain words, until when, and what the payer can do: wait, recall it, or have the guardian confirm it.',
  args: { id: idArgument('id of the transaction, or of the hold') },
  run: async (context, { id }) => {
    const names = namesOf(context)
    const holds = await context.withNode(async (client) => {
      const { holds: ids } = await client.call('tx_get', { txId: id })
      return ids.length > 0 ? readHolds(client, ids) : [await client.call('quarantine_get', { id })]
    })
    return {
      data: { holds: holds.map((hold) => holdData(hold, names)) },
      lines: holds.flatMap((hold) => holdLines(hold, names)),
    }
  },
}
