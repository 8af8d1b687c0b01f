/** Where submitted transactions come from, so that what is scarce is shared among those who bring them (adr 18). */
import { networkOf } from '../config/hosts.ts'

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

/** The origin of those who ask a port of this node from an address. */
export function originOf(port: 'rpc' | 'operator', address: string): string {
  return `${port} ${networkOf(address)}`
}
