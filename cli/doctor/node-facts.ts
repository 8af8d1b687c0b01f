/** What a node says of itself, over RPC and HTTP. */
import type { ChainProgress, ChainStatus, Problem } from '../../client/api.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { LIMITS } from '../../config/limits.ts'

export interface NodeFacts {
  readonly status: ChainStatus
  readonly progress: ChainProgress
  /** What `/readyz` has; null: what answered there is no node, such as a proxy that passes on RPC only. */
  readonly obstacles: readonly Problem[] | null
  /** Value of each metric without labels; none if `/metrics` is not passed on. */
  readonly metrics: ReadonlyMap<string, number>
}

/** @throws CordonError `connection-lost`, `cannot-connect`. */
export async function askNode(client: RpcClient): Promise<NodeFacts> {
  const { url } = client
  const [status, progress, ready, metrics] = await Promise.all([
    client.call('chain_status', {}),
    client.call('chain_progress', {}),
    textOf(url, '/readyz'),
    textOf(url, '/metrics'),
  ])
  return { status, progress, obstacles: obstaclesOf(ready), metrics: valuesOf(metrics) }
}

/** Empty: there is no answer. */
async function textOf(url: string, path: string): Promise<string> {
  try {
    const target = new URL(path, url.replace(/^ws/, 'http'))
    const response = await fetch(target, { signal: AbortSignal.timeout(LIMITS.rpcAnswerMs) })
    return await response.text()
  } catch {
    return ''
  }
}

function obstaclesOf(ready: string): readonly Problem[] | null {
  try {
    const { problems } = JSON.parse(ready) as { readonly problems?: readonly Problem[] }
    return Array.isArray(problems) ? problems : null
  } catch {
    return null
  }
}

/** Of the text that Prometheus reads, samples without labels. */
function valuesOf(metrics: string): ReadonlyMap<string, number> {
  return new Map(
    [...metrics.matchAll(/^(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)] as const),
  )
}
