/** The end of a chaos run: every node is asked about what its stream did not tell, and all must say the same. */
import { isProvablyExpired } from '../../client/payment.ts'
import type { TxInfo } from '../../client/api.ts'
import { rpcBatch, rpcCall } from './rpc.ts'
import type { LedgerBook } from './ledger-book.ts'

interface ChainFactsNow {
  readonly executedHeight: number
  readonly executedTimeMs: number
  readonly stateRoot: string
  readonly totalSupply: string
}

/**
 * Fills in what each node says of the payments that its block stream left open.
 * @param urls RPC of each node, in the order of the book's node numbers.
 */
export async function askAboutOpenPayments(book: LedgerBook, urls: readonly string[]): Promise<void> {
  await Promise.all(
    urls.map(async (url, node) => {
      const open = book.payments.filter(({ accepted, outcomes }) => accepted && outcomes[node] === null)
      const infos = await rpcBatch<TxInfo>(
        url,
        open.map(({ txId }) => ({ method: 'tx_get', params: { txId } })),
      )
      for (const [index, { txId, validUntilMs }] of open.entries()) {
        const info = infos[index]
        if (info === undefined) continue
        if (info.status === 'settled' || info.status === 'held' || info.status === 'failed')
          book.outcome(node, txId, info.status)
        else if (isProvablyExpired(info, validUntilMs)) book.outcome(node, txId, 'expired')
      }
    }),
  )
}

/** @returns what is wrong: block hashes or state roots that differ at some height, money that came or went. */
export async function compareNodes(urls: readonly string[], supplyBefore: string): Promise<string[]> {
  const findings: string[] = []
  const statuses = await Promise.all(urls.map((url) => rpcCall<ChainFactsNow>(url, 'chain_status', {})))
  const height = Math.min(...statuses.map(({ executedHeight }) => executedHeight))
  const heights = Array.from({ length: height }, (_, index) => index + 1)
  const chains = await Promise.all(
    urls.map(async (url) =>
      (
        await rpcBatch<{ readonly hash: string; readonly stateRoot: string | null }>(
          url,
          heights.map((at) => ({ method: 'chain_block', params: { height: at } })),
        )
      ).map(({ hash, stateRoot }) => `${hash} ${stateRoot ?? ''}`),
    ),
  )
  for (const [index, at] of heights.entries()) {
    const seen = new Set(chains.map((chain) => chain[index]))
    if (seen.size > 1) findings.push(`height ${at} differs: ${[...seen].join(' | ')}`)
  }
  for (const [node, { totalSupply }] of statuses.entries()) {
    if (totalSupply !== supplyBefore)
      findings.push(`node ${node} has a supply of ${totalSupply} uCRD, before it was ${supplyBefore}`)
  }
  return findings
}
