/** RPC clients for a running devnet: one per node, each of which falls back on the others. */
import { connect, type RpcClient } from '../client/rpc-client.ts'
import { CordonError } from '../config/errors.ts'
import { readDevnetFile, validatorUrls } from './layout.ts'

/**
 * One client per validator that answers.
 * @throws CordonError `devnet-missing` if none does.
 */
export async function connectValidators(dir: string): Promise<RpcClient[]> {
  const urls = validatorUrls(readDevnetFile(dir))
  const attempts = await Promise.allSettled(
    urls.map((url, index) => connect([url, ...urls.slice(index + 1), ...urls.slice(0, index)])),
  )
  const clients = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  if (clients.length > 0) return clients
  throw new CordonError(
    'devnet-missing',
    `no validator of the devnet in ${dir} answers; see cordon devnet status --dir ${dir}`,
    { dir },
  )
}
