/** Tools about accounts: those of this wallet, a balance, a history. */
import type { AccountInfo, HistoryItem } from '../../client/api.ts'
import { LIMITS } from '../../config/limits.ts'
import { readAddressBook } from '../address-book.ts'
import { amountBoth, time } from '../format.ts'
import type { Names } from '../names.ts'
import { account, money, quoted, untrusted, utc } from './answer.ts'
import { accountArgument, namesOf, UNTRUSTED_NOTE, type Tool } from './tool.ts'

export const listAccounts: Tool<Record<string, never>> = {
  name: 'list_accounts',
  title: 'Accounts and contacts',
  description: 'Names and addresses of the accounts of this wallet, and of its contacts. Asks no node.',
  args: {},
  run: async (context) => {
    const accounts = namesOf(context).keys.map(({ name, address }) => ({ name, address }))
    const contacts = [...readAddressBook(context.paths.addressBook)].map(([name, address]) => ({
      name,
      address,
    }))
    const line = (
      kind: string,
      entries: readonly { readonly name: string; readonly address: string }[],
    ): string =>
      `${kind}: ${entries.length === 0 ? 'none' : entries.map(({ name, address }) => `${name} (${address})`).join(', ')}`
    return { data: { accounts, contacts }, lines: [line('accounts', accounts), line('contacts', contacts)] }
  },
}

export const getAccount: Tool<{ readonly account: string }> = {
  name: 'get_account',
  title: 'Balance of an account',
  description: 'Balance of an account, what of it is available, what is held for review, and its guardian.',
  args: { account: accountArgument('whose balance') },
  run: async (context, args) => {
    const names = namesOf(context)
    const address = names.resolve(args.account)
    const info = await context.withNode((client) => client.call('account_get', { address }))
    const { balance, available, heldOut, exists } = info
    return {
      data: {
        account: account(names, address),
        exists,
        balance: money(balance),
        available: money(available),
        heldForReview: money(heldOut),
        guardian: guardianOf(info, names),
      },
      lines: [
        `${names.label(address)} has ${amountBoth(balance)}; ${amountBoth(available)} of it is available, that is, not in payments on their way.`,
        `${amountBoth(heldOut)} that it paid is held for review and not part of the balance.`,
        ...(exists
          ? []
          : ['There is no such account yet: it comes into being with the first payment to it.']),
      ],
    }
  },
}

function guardianOf({ guardian: { current, change } }: AccountInfo, names: Names): object {
  const named = (address: string | null): object | null => (address === null ? null : account(names, address))
  return {
    current: named(current),
    change: change === null ? null : { to: named(change.to), from: utc(change.fromMs) },
  }
}

export const accountHistory: Tool<{
  readonly account: string
  readonly limit?: number
  readonly cursor?: string
}> = {
  name: 'account_history',
  title: 'Payments of an account',
  description: `Payments of an account, newest first, a page at a time; "cursor" of an answer asks for the next page. ${UNTRUSTED_NOTE}`,
  args: {
    account: accountArgument('whose payments'),
    limit: {
      type: 'integer',
      description: 'items on the page; 20 if it is left out',
      minimum: 1,
      maximum: LIMITS.mcpPageItems,
    },
    cursor: { type: 'string', description: 'cursor of the page before', maxLength: 512 },
  },
  optional: ['limit', 'cursor'],
  run: async (context, { account: text, limit = 20, cursor }) => {
    const names = namesOf(context)
    const address = names.resolve(text)
    const page = await context.withNode((client) =>
      client.call('account_history', { address, limit, ...(cursor === undefined ? {} : { cursor }) }),
    )
    const items = page.items.map((item) => ({
      txId: item.txId,
      time: utc(item.timeMs),
      direction: item.direction,
      status: item.status,
      with: item.counterparty === null ? null : account(names, item.counterparty),
      ...money(item.amount),
      fee: money(item.fee),
      memo: untrusted(item.memo),
    }))
    return {
      data: { account: account(names, address), items, cursor: page.cursor },
      lines: [
        `${names.label(address)}: ${items.length === 0 ? 'no payments' : `${items.length} payments, newest first`}.`,
        ...page.items.map((item) => lineOf(item, names)),
        ...(page.cursor === null ? [] : [`There are more: cursor ${page.cursor}`]),
      ],
    }
  },
}

const DIRECTION: Readonly<Record<HistoryItem['direction'], string>> = { in: 'from', out: 'to', other: 'with' }

function lineOf(item: HistoryItem, names: Names): string {
  const { timeMs, status, amount, direction, counterparty, memo, txId } = item
  const who = counterparty === null ? '' : ` ${DIRECTION[direction]} ${names.label(counterparty)}`
  return `${time(timeMs)}: ${status}, ${amountBoth(amount)}${who}${memo === '' ? '' : `, memo ${quoted(memo)}`}, transaction ${txId}`
}
