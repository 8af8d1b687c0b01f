/** The three ports of a node. */
import { InvalidArgumentError } from 'commander'
import { CordonError } from '../../config/errors.ts'
import { DEFAULT_SETTINGS } from '../../config/node-settings.ts'

export const MAX_PORT = 65_535

export type PortName = 'p2pPort' | 'rpcPort' | 'operatorPort'

export type NodePorts = Readonly<Record<PortName, number>>

export const DEFAULT_PORTS: NodePorts = {
  p2pPort: Number(DEFAULT_SETTINGS.listen.join().replace(/^.*\//, '')),
  rpcPort: DEFAULT_SETTINGS.rpcPort,
  operatorPort: DEFAULT_SETTINGS.operatorPort,
}

/** @throws CordonError `usage`. */
export function requireDifferent(ports: Readonly<Partial<NodePorts>>): void {
  const all = Object.values(ports)
  if (new Set(all).size === all.length) return
  throw new CordonError(
    'usage',
    `expected three different ports for --p2p-port, --rpc-port and --operator-port, got ${all.join(', ')}`,
  )
}

/** @throws InvalidArgumentError of commander. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > MAX_PORT)
    throw new InvalidArgumentError(`expected a port from 1 to ${MAX_PORT}, got ${JSON.stringify(text)}.`)
  return port
}
