/** Addresses that servers listen on, as others write them. */

/** The host of a URL that reaches a server listening on `host` from its own machine. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
