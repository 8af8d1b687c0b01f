/** Whether a node that does not run could listen where it is told to. */
import { createServer } from 'node:net'
import type { NodeConfig } from '../../config/node-config.ts'
import type { Check } from './checks.ts'

interface Place {
  readonly use: string
  readonly host: string
  readonly port: number
}

export async function checkPorts(config: NodeConfig): Promise<Check[]> {
  const places: Place[] = [
    { use: 'RPC', host: config.rpcHost, port: config.rpcPort },
    { use: 'operators', host: config.operatorHost, port: config.operatorPort },
    ...config.listen.flatMap(peerPlace),
  ]
  // Any free port will do where 0 is asked for.
  return Promise.all(places.filter(({ port }) => port !== 0).map(checkPlace))
}

function peerPlace(multiaddr: string): Place[] {
  const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(multiaddr) ?? []
  return host === undefined ? [] : [{ use: 'peers', host, port: Number(port) }]
}

function checkPlace({ use, host, port }: Place): Promise<Check> {
  const what = `port ${port}`
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const hint =
        code === 'EADDRINUSE'
          ? 'another program has it: choose another in config/cordon.toml, or stop that one'
          : 'check host and port in config/cordon.toml'
      settle({ what, state: 'bad', detail: `${use}: ${message}`, hint })
    })
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => settle({ what, state: 'ok', detail: `free for ${use} on ${host}`, hint: null }))
    })
  })
}
