/**
 * The node's public port: JSON-RPC over POST `/` and WebSocket `/`, `GET /healthz`, `/readyz`, `/metrics` and the dashboard.
 */
import type { Socket } from 'node:net'
import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { RpcMethod, Problem } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { addDashboard, DASHBOARD_PATH } from '../dashboard/routes.ts'
import { answerPost, httpRate, listen, makeApp, urlHost } from './http.ts'
import { JsonRpc, type Handlers } from './json-rpc.ts'
import { openRpcDocument } from './openrpc.ts'
import { PUBLIC_TABLE } from './schemas.ts'
import type { BlockEvents, HealthSource, RpcLog, RpcService } from './service.ts'
import type { Subscriptions } from './subscriptions.ts'
import { RpcSocket, type RpcContext } from './websocket.ts'

export type { BlockEvents, CallContext, HealthSource, RpcLog, RpcService } from './service.ts'

/** Connections get this long to end before they are cut. */
const GOODBYE_MS = 300

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
  const sockets = new Set<RpcSocket>()
  /** All of them, upgraded or not: the HTTP server forgets those that were upgraded. */
  const connections = new Set<Socket>()
  const rpc = new JsonRpc(PUBLIC_TABLE, handlersOf(options.service), log)
  const app = await makeApp(host, log, addWebSocket)
  app.server.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  app.get('/healthz', (_request, reply) => sendHealth(reply, options.status.problems()))
  app.get('/readyz', (request, reply) =>
    sendHealth(reply, options.status.obstacles(readyQuery(request.query))),
  )
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metrics()),
  )
  addDashboard(app)
  app.post(
    '/',
    {
      config: { rateLimit: httpRate(options.httpRequestsPerSecond ?? LIMITS.rpcHttpRequestsPerSecond) },
      onResponse: async () => onAnswered(),
    },
    (request, reply) =>
      answerPost(request, reply, (text, signal) => rpc.answer(text, { signal, subscriptions: null })),
  )
  app.route({
    method: 'GET',
    url: '/',
    // Refused before the upgrade, where there still is an HTTP answer to give.
    onRequest: async () => {
      if (sockets.size >= LIMITS.rpcConnections)
        throw new CordonError(
          'busy',
          `the node has ${sockets.size} connections, as many as it takes; try another node`,
        )
    },
    handler: (request, reply) =>
      request.headers.accept?.includes('text/html') === true
        ? reply.redirect(DASHBOARD_PATH)
        : reply
            .code(426)
            .header('upgrade', 'websocket')
            .send('JSON-RPC: POST / or WebSocket /. GET /healthz, /readyz, /metrics, /dashboard/.\n'),
    wsHandler: (socket) => {
      const connection = new RpcSocket(socket, rpc, events, log, onAnswered)
      sockets.add(connection)
      socket.on('close', () => sockets.delete(connection))
    },
  })
  const stopEvents = events.onExecuted(() => {
    for (const socket of sockets) socket.wake()
  })
  const port = await listen(app, { table: 'rpc', host, port: options.port }).catch(async (error: unknown) => {
    stopEvents()
    await app.close()
    throw error
  })
  return {
    url: `http://${urlHost(host)}:${port}`,
    port,
    close: async () => {
      stopEvents()
      await closeAll(app, sockets, connections)
    },
  }
}

/** Its hook marks upgrades, so that the socket of a refused one is ended. */
async function addWebSocket(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: {
      // Somewhat too long a message still gets an answer; a very long one ends the connection.
      maxPayload: 2 * LIMITS.rpcBodyBytes,
      perMessageDeflate: false,
      clientTracking: false,
    },
    preClose: (done) => {
      done()
    },
    errorHandler: (_error, socket) => {
      socket.terminate()
    },
  })
}

function handlersOf(service: RpcService): Handlers<RpcMethod, RpcContext> {
  const document = openRpcDocument()
  return {
    ...service,
    'rpc.discover': () => Promise.resolve(document),
    blocks_subscribe: async (params: { fromHeight?: number }, context) =>
      subscriptionsOf(context).subscribe(params.fromHeight),
    blocks_unsubscribe: async (params: { subscription: string }, context) =>
      subscriptionsOf(context).unsubscribe(params.subscription),
  }
}

function subscriptionsOf(context: RpcContext): Subscriptions {
  if (context.subscriptions === null) {
    throw new CordonError(
      'rpc-method',
      'subscriptions need a WebSocket; connect to the same address with ws:// instead of POST',
    )
  }
  return context.subscriptions
}

function sendHealth(reply: FastifyReply, problems: readonly Problem[]): FastifyReply {
  return reply.code(problems.length === 0 ? 200 : 503).send({ ok: problems.length === 0, problems })
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

async function closeAll(
  app: FastifyInstance,
  sockets: ReadonlySet<RpcSocket>,
  connections: ReadonlySet<Socket>,
): Promise<void> {
  for (const socket of sockets) socket.close()
  const cut = setTimeout(() => {
    for (const connection of connections) connection.destroy()
  }, GOODBYE_MS)
  await app.close()
  clearTimeout(cut)
}
