/**
 * Who dials us from where: a bound on the connections of one address, counted from the first byte to the last, so that
 * no address can take all places. An IPv6 network of 64 bits, which is what one customer gets, counts as one address.
 */
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { networkOf } from '../config/hosts.ts'
import { LIMITS } from '../config/limits.ts'

export class InboundHosts {
  readonly #open = new Map<string, number>()

  /** Counts a new connection until it closes. @returns false if there is no room for it. */
  admit(connection: Pick<MultiaddrConnection, 'remoteAddr' | 'addEventListener'>): boolean {
    const host = hostOf(connection.remoteAddr)
    const open = this.#open.get(host) ?? 0
    if (open >= LIMITS.inboundConnectionsPerHost) return false
    this.#open.set(host, open + 1)
    connection.addEventListener('close', () => {
      this.#closed(host)
    })
    return true
  }

  #closed(host: string): void {
    const left = (this.#open.get(host) ?? 1) - 1
    if (left === 0) this.#open.delete(host)
    else this.#open.set(host, left)
  }
}

/** What of an address stands for whoever is behind it. */
export function hostOf(address: Multiaddr): string {
  const component = address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')
  if (component?.value === undefined) return address.toString()
  return networkOf(component.value)
}
