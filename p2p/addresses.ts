/** Multiaddrs from configuration, and what can be wrong with them. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { CordonError } from '../config/errors.ts'

/** @throws CordonError `config-invalid` if `text` is no multiaddr, or names a peer with something that is no peer id. */
export function parseAddress(text: string): Multiaddr {
  try {
    const address = multiaddr(text)
    if (address.getComponents().length === 0) throw new RangeError('empty')
    peerIdOf(address)
    return address
  } catch (error) {
    throw new CordonError(
      'config-invalid',
      `expected a multiaddr such as /ip4/203.0.113.7/tcp/9000, got ${JSON.stringify(text)}`,
      { address: text },
      { cause: error },
    )
  }
}

/** Peer id at the end of a multiaddr, or null. */
export function peerIdOf(address: Multiaddr): string | null {
  const component = address.getComponents().findLast(({ name }) => name === 'p2p')
  return component?.value === undefined ? null : peerIdFromString(component.value).toString()
}

/** What libp2p failed with when it was to listen on `listen`, for an operator. */
export function listenError(error: unknown, listen: readonly string[]): CordonError {
  const message = error instanceof Error ? error.message : String(error)
  const addresses = listen.join(', ')
  if (message.includes('EADDRINUSE')) {
    return new CordonError(
      'port-in-use',
      `another process listens on ${addresses}: stop it, or give this node another p2p address`,
      { listen },
      { cause: error },
    )
  }
  const cause = message.split('\n').find((line) => /\bE[A-Z]{4,}\b/.test(line)) ?? message
  return new CordonError(
    'config-invalid',
    `cannot listen on ${addresses}: ${cause.trim()}`,
    { listen },
    { cause: error },
  )
}
