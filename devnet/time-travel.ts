/** `devnet warp`: moves the time of a running devnet on, its chain included, so that what falls due does so. */
import type { RpcClient } from '../client/rpc-client.ts'
import { CordonError } from '../config/errors.ts'
import type { WarpResult } from './supervisor.ts'

/** An idle devnet makes a block every second or two. */
const BLOCK_TIMEOUT_MS = 30_000

export interface Warped extends WarpResult {
  /** Of the first block after the jump; what fell due until then has ended. */
  readonly blockTimeMs: number
}

/**
 * @param warp tells the supervisor.
 * @throws CordonError `usage` for a time that does not go forward; `outcome-unknown` if no block follows.
 */
export async function warpChain(client: RpcClient, warp: () => Promise<WarpResult>): Promise<Warped> {
  const fromHeight = (await client.call('chain_status', {})).height + 1
  const { aheadMs } = await warp()
  const targetMs = Date.now() + aheadMs
  const signal = AbortSignal.timeout(BLOCK_TIMEOUT_MS)
  for await (const block of client.blocks({ fromHeight, signal }))
    if (block.timeMs >= targetMs) return { aheadMs, blockTimeMs: block.timeMs }
  throw new CordonError(
    'outcome-unknown',
    `the clocks of the nodes are ${aheadMs} ms ahead now, but no block has followed; see: cordon doctor stall`,
    { aheadMs },
  )
}
