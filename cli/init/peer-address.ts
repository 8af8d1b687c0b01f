/** Addresses of nodes as people say them: `192.0.2.1`, `node.example:7311`, or a multiaddr. */
import { isIP } from 'node:net'
import { SETTINGS } from '../../config/node-settings.ts'
import { MAX_PORT } from './ports.ts'

export const PEER_ADDRESS_EXPECTED = 'HOST, HOST:PORT or a multiaddr such as /ip4/192.0.2.1/tcp/7311'

const IN_BRACKETS = /^\[([^\]]*:[^\]]*)\](?::(\d{1,5}))?$/
const WITH_PORT = /^([^:]*)(?::(\d{1,5}))?$/
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

/** The multiaddr that `text` means, with `port` if it names none; null if it is no address. */
export function multiaddrOf(text: string, port: number): string | null {
  if (text.startsWith('/')) return SETTINGS.bootstrap.parse([text])?.[0] ?? null
  if (isIP(text) === 6) return `/ip6/${text}/tcp/${port}`
  const [, host = '', ownPort = String(port)] = IN_BRACKETS.exec(text) ?? WITH_PORT.exec(text) ?? []
  const component = componentOf(host)
  const number = Number(ownPort)
  return component === null || number < 1 || number > MAX_PORT ? null : `${component}/tcp/${number}`
}

/** Whatever ends in a number is meant as an IP address, and must be one. */
function componentOf(host: string): string | null {
  const version = isIP(host)
  if (version !== 0) return `/ip${version}/${host}`
  return HOST_NAME.test(host) && !/(?:^|\.)\d+$/.test(host) ? `/dns4/${host.toLowerCase()}` : null
}
