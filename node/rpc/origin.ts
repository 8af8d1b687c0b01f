/**
 * Keeps web pages out. A browser sends requests of any page to a local port; two header checks stop that: a node that
 * listens on loopback answers only to loopback names (a page that rebinds its own name to 127.0.0.1 sends that name),
 * and a page may only talk to the node that served it.
 */
import { isIP } from 'node:net'
import { CordonError } from '../../config/errors.ts'

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/**
 * @param listenHost What the server listens on.
 * @throws CordonError `rpc-origin` for a request that a foreign web page may have caused.
 */
export function checkOrigin(
  listenHost: string,
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
): void {
  const { host, origin } = headers
  if (isLoopback(listenHost) && (host === undefined || !isLoopback(hostName(host)))) {
    throw new CordonError(
      'rpc-origin',
      `expected a Host header of this machine such as 127.0.0.1, got ${JSON.stringify(host ?? null)}; this node listens on ${listenHost} only`,
    )
  }
  if (origin === undefined) return
  if (!URL.canParse(origin) || new URL(origin).host !== host) {
    throw new CordonError('rpc-origin', `a web page of ${JSON.stringify(origin)} may not use this node`)
  }
}

/** Without the port; IPv6 addresses keep their brackets. */
export function hostName(host: string): string {
  return host.replace(/:\d{1,5}$/, '')
}
