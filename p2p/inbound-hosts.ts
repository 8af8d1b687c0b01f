/**
 * Who dials us from where: a bound on the connections of one address, counted from the first byte to the last, so that
 * no address can take all places. An IPv6 network of 64 bits, which is what one customer gets, counts as one address.
 */
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
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
  return component.name === 'ip6' ? networkOf(component.value) : component.value
}

const HEXTETS = 8
const NETWORK_HEXTETS = 4

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::')
  const start = head === '' ? [] : head.split(':')
  const end = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, HEXTETS - start.length - end.length)
  const hextets = [...start, ...Array.from({ length: zeros }, () => '0'), ...end]
  return hextets
    .slice(0, NETWORK_HEXTETS)
    .map((hextet) => hextet.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')
}
