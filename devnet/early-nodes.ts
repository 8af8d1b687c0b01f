/**
 * Nodes of a devnet that is still being made: they are started as soon as their folders are there and load their code
 * while keys and genesis are written, which uses the second processor and takes half a second off the start.
 */
import { NodeProcess } from './node-process.ts'
import { nodePaths, type DevnetNode } from './layout.ts'

export class EarlyNodes {
  readonly #processes = new Map<string, Promise<NodeProcess>>()
  readonly #options: { readonly entry?: string }

  /** @param options `entry`: another program than the daemon, for tests. */
  constructor(options: { readonly entry?: string } = {}) {
    this.#options = options
  }

  /** Starts the nodes of the devnet that will be in `dir` and is now in `draft`. */
  start(dir: string, draft: string, nodes: readonly DevnetNode[]): void {
    for (const node of nodes) {
      const paths = nodePaths(dir, node)
      const started = NodeProcess.start({
        name: node.name,
        dir: paths.dir,
        log: paths.log,
        rpc: node.rpc,
        early: { log: nodePaths(draft, node).log },
        ...this.#options,
      })
      started.catch(() => undefined) // `take` tells
      this.#processes.set(node.name, started)
    }
  }

  /** Hands a process over, told to go on; null: there is none. @throws CordonError `devnet-failed`. */
  async take(name: string): Promise<NodeProcess | null> {
    const started = this.#processes.get(name)
    if (started === undefined) return null
    this.#processes.delete(name)
    const running = await started
    running.directoryIsMade()
    return running
  }

  /** Ends those that nobody took. */
  async stop(): Promise<void> {
    const left = await Promise.allSettled(this.#processes.values())
    this.#processes.clear()
    await Promise.all(left.flatMap((result) => (result.status === 'fulfilled' ? [result.value.kill()] : [])))
  }
}
