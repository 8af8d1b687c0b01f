/** Ports for the nodes of a devnet: chosen once, then kept in its configuration. */
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { CordonError } from '../config/errors.ts'
import { LOOPBACK } from './layout.ts'

const LOWEST_PORT = 10_000
const HIGHEST_PORT = 65_535
/** Where Linux starts to give out ports to outgoing connections. */
const EPHEMERAL_FROM = 32_768
const ATTEMPTS = 64

/**
 * `count` free ports in a row.
 *
 * They lie below the range the system uses for outgoing connections. A port of that range could be taken by any
 * connection while its node is down, even by a peer that redials it: TCP lets a socket connect to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const end = Math.max(ephemeralFrom(), LOWEST_PORT + 50 * count)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ports = row(randomInt(LOWEST_PORT, end - count), count)
    if ((await takenPort(ports)) === null) return ports
  }
  throw new CordonError(
    'port-in-use',
    `found no ${count} free ports in a row from ${LOWEST_PORT} to ${end}; give --base-port`,
    { count },
  )
}

/**
 * `count` ports from `base` on.
 * @throws CordonError `port-in-use` naming the first that is taken; `usage` if they do not fit.
 */
export async function portsFrom(base: number, count: number): Promise<number[]> {
  if (!Number.isInteger(base) || base < 1 || base + count - 1 > HIGHEST_PORT) {
    throw new CordonError(
      'usage',
      `--base-port must be from 1 to ${HIGHEST_PORT - count + 1}, since ${count} ports are needed; got ${base}`,
      { base },
    )
  }
  const ports = row(base, count)
  const taken = await takenPort(ports)
  if (taken === null) return ports
  throw new CordonError(
    'port-in-use',
    `port ${taken} is taken; this devnet needs ${base} to ${base + count - 1}: free it or give another --base-port`,
    { port: taken },
  )
}

/** The first of the ports that something else listens on, or null. */
async function takenPort(ports: readonly number[]): Promise<number | null> {
  for (const port of ports) if (!(await isFree(port))) return port
  return null
}

function row(base: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => base + index)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function ephemeralFrom(): number {
  try {
    const low = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0])
    return Number.isInteger(low) && low > 0 ? low : EPHEMERAL_FROM
  } catch {
    return EPHEMERAL_FROM // not Linux
  }
}
