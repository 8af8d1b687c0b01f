/**
 * The node that tools ask. It is looked for when it is needed and again after it was lost, so that the server outlives
 * nodes that stop, start and move.
 */
import { isUnreachable } from '../../client/reachable.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { CordonError } from '../../config/errors.ts'
import { connectNode } from '../context.ts'
import type { NodeOptions } from '../options.ts'

export class NodeLink {
  readonly #options: NodeOptions
  #client: Promise<RpcClient> | null = null

  constructor(options: NodeOptions) {
    this.#options = options
  }

  async use<Result>(use: (client: RpcClient) => Promise<Result>): Promise<Result> {
    const connecting = (this.#client ??= connectNode(this.#options))
    try {
      return await use(await connecting)
    } catch (error) {
      if (isAway(error)) this.#drop(connecting)
      throw error
    }
  }

  close(): void {
    if (this.#client !== null) this.#drop(this.#client)
  }

  #drop(client: Promise<RpcClient>): void {
    if (this.#client === client) this.#client = null
    client.then((opened) => opened.close()).catch(() => undefined)
  }
}

/** Whatever kept the node from answering: a devnet that is not there may be there later. */
function isAway(error: unknown): boolean {
  return isUnreachable(error) || (error instanceof CordonError && error.code === 'devnet-missing')
}
