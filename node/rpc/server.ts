/**
 * The node's public port: JSON-RPC over POST `/` and WebSocket `/`, `GET /healthz`, `/readyz`, `/metrics` and the dashboard.
 */
import { CordonError } from '../../config/errors.ts'
import { urlHost } from '../../config/hosts.ts'
import { LIMITS } from '../../config/limits.ts'
import { addDashboard } from '../dashboard/routes.ts'
import { answerPost, httpRate, listen, makeApp, sendHealth, sendWhere } from './http.ts'
import { JsonRpc } from './json-rpc.ts'
import { publicHandlers } from './public-handlers.ts'
import { PUBLIC_TABLE } from './schemas.ts'
import type { BlockEvents, HealthSource, RpcLog, RpcService } from './service.ts'
import { addWebSocket, Sockets } from './sockets.ts'

export type { BlockEvents, CallContext, HealthSource, RpcLog, RpcService } from './service.ts'

export interface RpcServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly service: RpcService
  readonly status: HealthSource
  /** Prometheus text. */
  metrics(): Promise<string>
  readonly events: BlockEvents
  readonly log: RpcLog
  /** Per address. Default `LIMITS.rpcHttpRequestsPerSecond`. */
  readonly httpRequestsPerSecond?: number
  /** URL of the operator port, for people on this machine; null: there is none to tell. */
  readonly operatorUrl?: () => string | null
  /** An answer has left the process. */
  readonly onAnswered?: () => void
}

export interface RpcServer {
  /** `http://HOST:PORT`. */
  readonly url: string
  readonly port: number
  /** Lets waiting calls go and closes all connections within a second. */
  close(): Promise<void>
}

/**
 * Starts listening.
 * @throws CordonError `port-in-use`, or `config-invalid` if the address cannot be listened on.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { host, events, log, onAnswered = () => undefined } = options
  const rpc = new JsonRpc(PUBLIC_TABLE, publicHandlers(options.service), log)
  const app = await makeApp(host, log, addWebSocket)
  const sockets = new Sockets(app, { port: 'rpc', max: LIMITS.rpcConnections, events, log, onAnswered })
  app.get('/healthz', (_request, reply) => sendHealth(reply, options.status.problems()))
  app.get('/readyz', (request, reply) =>
    sendHealth(reply, options.status.obstacles(readyQuery(request.query))),
  )
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metrics()),
  )
  addDashboard(app, { operatorUrl: options.operatorUrl ?? (() => null) })
  app.post(
    '/',
    {
      config: { rateLimit: httpRate(options.httpRequestsPerSecond ?? LIMITS.rpcHttpRequestsPerSecond) },
      onResponse: async () => onAnswered(),
    },
    (request, reply) =>
      answerPost(request, reply, 'rpc', (text, context) =>
        rpc.answer(text, { ...context, subscriptions: null }),
      ),
  )
  app.route({
    method: 'GET',
    url: '/',
    onRequest: async () => {
      sockets.requirePlace()
    },
    handler: sendWhere('JSON-RPC: POST / or WebSocket /. GET /healthz, /readyz, /metrics, /dashboard/.'),
    wsHandler: (socket, request) => {
      sockets.take(socket, request.ip, rpc)
    },
  })
  const port = await listen(app, { table: 'rpc', host, port: options.port }).catch(async (error: unknown) => {
    await sockets.close(app)
    throw error
  })
  return { url: `http://${urlHost(host)}:${port}`, port, close: () => sockets.close(app) }
}

function readyQuery(query: unknown): { minPeers?: number; maxBlocksBehind?: number } {
  const ready: { minPeers?: number; maxBlocksBehind?: number } = {}
  for (const [name, text] of Object.entries(query as Record<string, unknown>)) {
    if (name !== 'minPeers' && name !== 'maxBlocksBehind') {
      throw new CordonError(
        'rpc-invalid',
        `expected minPeers or maxBlocksBehind, got ${JSON.stringify(name.slice(0, 80))}`,
      )
    }
    if (typeof text !== 'string' || !/^\d{1,9}$/.test(text))
      throw new CordonError('rpc-invalid', `${name}: expected a whole number, got ${JSON.stringify(text)}`)
    ready[name] = Number(text)
  }
  return ready
}
