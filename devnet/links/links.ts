/**
 * All connections between the nodes of a devnet that was started with `--links`: each node is told to dial a port of
 * ours instead of each other node, so that the network between them can be bent without special rights.
 */
import type { DevnetNode } from '../layout.ts'
import { LOOPBACK } from '../layout.ts'
import { Conditions } from './conditions.ts'
import { Link } from './link.ts'

export class Links {
  readonly conditions: Conditions
  /** Of each node, where it finds the others: multiaddrs with peer ids. */
  readonly #addresses: ReadonlyMap<string, readonly string[]>
  readonly #links: readonly Link[]

  private constructor(
    conditions: Conditions,
    links: readonly Link[],
    addresses: ReadonlyMap<string, readonly string[]>,
  ) {
    this.conditions = conditions
    this.#links = links
    this.#addresses = addresses
  }

  static async open(nodes: readonly DevnetNode[]): Promise<Links> {
    const conditions = new Conditions(nodes.map(({ name }) => name))
    const links: Link[] = []
    const addresses = new Map<string, readonly string[]>()
    for (const dialer of nodes) {
      const found: string[] = []
      for (const listener of nodes) {
        if (listener === dialer) continue
        const { port, peerId } = partsOf(listener.p2p)
        const link = await Link.open({ dialer: dialer.name, listener: listener.name, port }, conditions)
        links.push(link)
        found.push(`/ip4/${LOOPBACK}/tcp/${link.port}/p2p/${peerId}`)
      }
      addresses.set(dialer.name, found)
    }
    return new Links(conditions, links, addresses)
  }

  addressesFor(name: string): readonly string[] {
    return this.#addresses.get(name) ?? []
  }

  close(): void {
    for (const link of this.#links) link.close()
  }
}

function partsOf(p2p: string): { readonly port: number; readonly peerId: string } {
  const [, port = '0', peerId = ''] = /\/tcp\/(\d+)\/p2p\/(.+)$/.exec(p2p) ?? []
  return { port: Number(port), peerId }
}
