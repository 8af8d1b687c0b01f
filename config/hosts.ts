/** Addresses of hosts: how URLs write them, and who is behind them. */

/** The host of a URL that reaches a server listening on `host` from its own machine. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

const HEXTETS = 8
const NETWORK_HEXTETS = 4
/** ::ffff:0:0/96: how a socket for both families names an IPv4 address. */
const MAPPED_PREFIX = '0:0:0:0:0:ffff'

/**
 * What of an IP address stands for whoever is behind it: an IPv4 address itself, of an IPv6 one the first 64 bits, which
 * are what one customer gets, or the IPv4 address that it stands for.
 */
export function networkOf(address: string): string {
  const dotted = address.slice(address.lastIndexOf(':') + 1)
  if (dotted.includes('.')) return dotted
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
