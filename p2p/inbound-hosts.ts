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
/** ::ffff:0:0/96: how a socket for both families names an IPv4 address. */
const MAPPED_PREFIX = '0:0:0:0:0:ffff'

/** The first 64 bits of an IPv6 address, or the IPv4 address that it stands for. */
function networkOf(address: string): string {
  const hextets = hextetsOf(address)
  if (hextets.slice(0, -2).join(':') !== MAPPED_PREFIX) return hextets.slice(0, NETWORK_HEXTETS).join(':')
  return hextets
    .slice(-2)
    .flatMap((hextet) => [Number.parseInt(hextet, 16) >> 8, Number.parseInt(hextet, 16) & 0xff])
    .join('.')
}

/** All eight, without leading zeros. */
function hextetsOf(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const start = head === '' ? [] : head.split(':')
  const end = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, HEXTETS - start.length - end.length)
  const hextets = [...start, ...Array.from({ length: zeros }, () => '0'), ...end]
  return hextets.map((hextet) => hextet.replace(/^0+(?=.)/, '').toLowerCase())
}
