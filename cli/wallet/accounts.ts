/** `wallet balance` and `wallet history`: what a node says of accounts. */
import type { AccountInfo, HistoryItem } from '../../client/api.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { keystorePaths, withNode } from '../context.ts'
import { amount, amountBoth, facts, printable, table, time } from '../format.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

interface NamedAccount extends AccountInfo {
  readonly name: string | null
}

export async function balance(options: KeystoreOptions, account: string | undefined): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const address = account === undefined ? null : names.resolve(account)
  return withNode(options, async (client) => {
    if (address !== null) return one(await read(client, names, address))
    const accounts = await Promise.all(names.keys.map((key) => read(client, names, key.address)))
    return { data: { accounts }, text: tableOf(accounts) }
  })
}

async function read(client: RpcClient, names: Names, address: string): Promise<NamedAccount> {
  return { name: names.nameOf(address), ...(await client.call('account_get', { address })) }
}

function one(account: NamedAccount): CommandResult {
  const rows: (readonly [string, string])[] = [
    ['account', account.name === null ? account.address : `${account.name} (${account.address})`],
    ['balance', amountBoth(account.balance)],
    ['available', amountBoth(account.available)],
    ['held for review', amountBoth(account.heldOut)],
  ]
  if (!account.exists) rows.push(['', 'no account yet: it comes into being with the first payment to it'])
  return { data: account, text: facts(rows) }
}

function tableOf(accounts: readonly NamedAccount[]): string {
  if (accounts.length === 0) return 'no keys in the keystore; make one with: cordon wallet create NAME'
  return table(
    [
      { title: 'NAME' },
      { title: 'BALANCE', align: 'right' },
      { title: 'AVAILABLE', align: 'right' },
      { title: 'HELD', align: 'right' },
      { title: 'ADDRESS' },
    ],
    accounts.map(({ name, address, balance, available, heldOut }) => [
      name ?? '',
      amount(balance),
      amount(available),
      amount(heldOut),
      address,
    ]),
  )
}

interface HistoryOptions extends KeystoreOptions {
  readonly limit: number
  readonly cursor?: string
}

export async function history(options: HistoryOptions, account: string): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const address = names.resolve(account)
  const { limit, cursor } = options
  const page = await withNode(options, (client) =>
    client.call('account_history', { address, limit, ...(cursor === undefined ? {} : { cursor }) }),
  )
  const more = page.cursor === null ? [] : [`more: --cursor ${page.cursor}`]
  const text = page.items.length === 0 ? 'no payments' : [historyTable(page.items, names), ...more].join('\n')
  return { data: { address, items: page.items, cursor: page.cursor }, text }
}

const SIGN: Readonly<Record<HistoryItem['direction'], string>> = { in: '+', out: '-', other: '' }

function historyTable(items: readonly HistoryItem[], names: Names): string {
  return table(
    [
      { title: 'TIME' },
      { title: 'HEIGHT', align: 'right' },
      { title: 'STATUS' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'WITH' },
      { title: 'MEMO' },
      { title: 'TRANSACTION' },
    ],
    items.map((item) => [
      time(item.timeMs),
      String(item.height),
      item.status,
      `${SIGN[item.direction]}${amount(item.amount)}`,
      item.counterparty === null ? '' : (names.nameOf(item.counterparty) ?? item.counterparty),
      printable(item.memo),
      item.txId,
    ]),
  )
}
