/** Where submitted transactions come from, so that what is scarce is shared among those who bring them (adr 18). */

export interface Source {
  /**
   * What counts for all that come from there: what came over HTTP, and what closed connections left. So nobody gets more
   * by connecting again.
   */
  readonly origin: string
  /** A connection of its own that is open, with a share of its own. */
  readonly isOpen: boolean
}

/** One without a connection of its own: a full node, or this node. */
export function sourceOf(origin: string): Source {
  return { origin, isOpen: false }
}

/** Whose share it takes from now. */
export function holderOf(source: Source): Source | string {
  return source.isOpen ? source : source.origin
}

/** The origin of those who ask a port of this node: an IPv4 address, or the network of an IPv6 one, of which each has many. */
export function originOf(port: 'rpc' | 'operator', address: string): string {
  const isOfNetwork = address.includes(':') && !address.startsWith('::ffff:')
  return `${port} ${isOfNetwork ? networkOf(address) : address}`
}

const GROUPS = 8
const NETWORK_GROUPS = 4

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: GROUPS - first.length - last.length }, () => '0')
  return [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS).join(':')
}
