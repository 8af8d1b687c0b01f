/** `wallet guardian …`: who may confirm held payments of an account. */
import { CordonError } from '../../config/errors.ts'
import type { GuardianInfo } from '../../client/api.ts'
import { submitAndWait } from '../../client/payment.ts'
import { connectNode, keystorePaths, withNode } from '../context.ts'
import { amountBoth, facts, milliseconds, time } from '../format.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions, PasswordOptions } from '../options.ts'
import { exitOf, failureOf, rounded } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { readChain, signActions } from '../../client/signing.ts'
import { requireNetwork, unlock } from '../signing.ts'

interface SetOptions extends PasswordOptions {
  readonly from: string
  readonly timeout: number
}

export async function show(options: KeystoreOptions, account: string): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const address = names.resolve(account)
  const { guardian } = await withNode(options, (client) => client.call('account_get', { address }))
  return {
    data: { address, guardian },
    text: facts([['account', names.label(address)], ...guardianRows(guardian, names)]),
  }
}

/** `account`: name or address of the guardian, or null: none. */
export async function set(options: SetOptions, account: string | null): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const names = new Names(paths)
  const key = names.keyFrom(options.from, paths)
  const to = account === null ? null : names.resolve(account)
  if (to === key.address)
    throw new CordonError('usage', `${account ?? ''} is the account itself; name another one as its guardian`)
  const client = await connectNode(options)
  try {
    const open = await unlock(options, paths, key)
    const chain = await readChain(client)
    requireNetwork(key, chain)
    const guardian = to === null ? null : names.accountId(to, chain.info.addressPrefix)
    const { id, bytes } = signActions(chain, open, [{ type: 'account.guardian', guardian }])
    const { info, latencyMs } = await submitAndWait(client, { txId: id, bytes }, options.timeout)
    const error = failureOf(info)
    const after = await client.call('account_get', { address: key.address })
    return {
      data: {
        address: key.address,
        txId: info.txId,
        status: info.status,
        height: info.height,
        latencyMs: rounded(latencyMs),
        fee: info.fee,
        guardian: after.guardian,
      },
      text: facts([
        ['account', names.label(key.address)],
        ...guardianRows(after.guardian, names),
        ['fee', info.fee === null ? '-' : amountBoth(info.fee)],
        ['final after', milliseconds(latencyMs)],
        ['transaction', info.txId],
      ]),
      exit: exitOf(info),
      ...(error === null ? {} : { error }),
    }
  } finally {
    client.close()
  }
}

function guardianRows({ current, change }: GuardianInfo, names: Names): (readonly [string, string])[] {
  const label = (address: string | null): string => (address === null ? 'none' : names.label(address))
  return [
    ['guardian', label(current)],
    ...(change === null ? [] : [[`from ${time(change.fromMs)}`, label(change.to)] as const]),
  ]
}
