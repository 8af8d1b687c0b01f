/**
 * The node's one port: JSON-RPC over POST `/` and WebSocket `/`, `GET /healthz`, `/readyz` and `/metrics`.
 */
import type { Socket } from 'node:net'
import rateLimit, { type RateLimitOptions } from '@fastify/rate-limit'
import websocket from '@fastify/websocket'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import type { Problem } from '../status.ts'
import { JsonRpc, refusal } from './json-rpc.ts'
import { openRpcDocument } from './openrpc.ts'
import { checkOrigin } from './origin.ts'
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
  const rpc = new JsonRpc<RpcContext>(handlersOf(options.service), log)
  const app = await makeApp(host, log)
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
  app.post(
    '/',
    {
      config: { rateLimit: httpRate(options.httpRequestsPerSecond ?? LIMITS.rpcHttpRequestsPerSecond) },
      onResponse: async () => onAnswered(),
    },
    (request, reply) => answerPost(rpc, request, reply),
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
    handler: (_request, reply) =>
      reply
        .code(426)
        .header('upgrade', 'websocket')
        .send('JSON-RPC: POST / or WebSocket /. GET /healthz, /readyz, /metrics.\n'),
    wsHandler: (socket) => {
      const connection = new RpcSocket(socket, rpc, events, log, onAnswered)
      sockets.add(connection)
      socket.on('close', () => sockets.delete(connection))
    },
  })
  const stopEvents = events.onExecuted(() => {
    for (const socket of sockets) socket.wake()
  })
  const port = await listen(app, host, options.port).catch(async (error: unknown) => {
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

function httpRate(max: number): RateLimitOptions {
  return {
    max,
    timeWindow: 1_000,
    errorResponseBuilder: (_request, { ttl }) =>
      new CordonError('busy', `more than ${max} requests per second; use a WebSocket or slow down`, {
        retryAfterMs: ttl,
      }),
  }
}

const HTTP_STATUS: Readonly<Record<string, number>> = {
  busy: 429,
  'rpc-origin': 403,
  'rpc-too-large': 413,
  'rpc-media-type': 415,
  'rpc-method': 404,
  'rpc-invalid': 400,
  unexpected: 500,
}

async function makeApp(host: string, log: RpcLog): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: LIMITS.rpcBodyBytes,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    // Keep-alive probes end connections whose other side is gone without a word.
    http: { keepAlive: true, keepAliveInitialDelay: 30_000 },
  })
  app.server.maxConnections = 2 * LIMITS.rpcConnections
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body)
  })
  app.setErrorHandler((thrown, request, reply) => {
    const error = thrown instanceof CordonError ? thrown : httpError(thrown)
    if (error.code === 'unexpected')
      log.error({ err: thrown, url: request.url }, 'an HTTP request failed unexpectedly')
    return sendError(reply, error)
  })
  app.setNotFoundHandler((request, reply) =>
    sendError(
      reply,
      new CordonError(
        'rpc-method',
        `there is no ${request.method} ${request.url.slice(0, 80)}; JSON-RPC is at POST / and WebSocket /`,
      ),
    ),
  )
  await app.register(rateLimit, { global: false })
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
  // After the plugin's own hook, which marks upgrades: it ends the socket of a refused one.
  app.addHook('onRequest', async (request) => {
    checkOrigin(host, request.headers)
  })
  return app
}

function handlersOf(service: RpcService): ConstructorParameters<typeof JsonRpc<RpcContext>>[0] {
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

async function answerPost(
  rpc: JsonRpc<RpcContext>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const abort = new AbortController()
  // Of the response, not of the socket: that one serves many requests.
  reply.raw.once('close', () => {
    abort.abort()
  })
  const text = typeof request.body === 'string' ? request.body : ''
  const answer = await rpc.answer(text, { signal: abort.signal, subscriptions: null })
  if (answer === null) return reply.code(204).send()
  return reply.type('application/json; charset=utf-8').send(answer)
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

/** Errors outside of JSON-RPC calls: an HTTP status, and the same body that JSON-RPC would give. */
function sendError(reply: FastifyReply, error: CordonError): FastifyReply {
  const { retryAfterMs } = error.payload
  if (typeof retryAfterMs === 'number') reply.header('retry-after', Math.ceil(retryAfterMs / 1_000))
  return reply
    .code(HTTP_STATUS[error.code] ?? 500)
    .type('application/json; charset=utf-8')
    .send(refusal(error))
}

/** What fastify found wrong with a request before anything of ours saw it. */
function httpError(thrown: unknown): CordonError {
  const { statusCode, message } = thrown as { readonly statusCode?: number; readonly message?: string }
  if (statusCode === 413)
    return new CordonError('rpc-too-large', `expected a request of at most ${LIMITS.rpcBodyBytes} bytes`)
  if (statusCode === 415) return new CordonError('rpc-media-type', 'expected content-type: application/json')
  if (statusCode !== undefined && statusCode < 500)
    return new CordonError('rpc-invalid', message ?? 'invalid request')
  return new CordonError('unexpected', 'the node failed unexpectedly; its log says more')
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenError(host, port, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

function listenError(host: string, port: number, code: string): CordonError {
  if (code === 'EADDRINUSE') {
    return new CordonError(
      'port-in-use',
      `port ${port} of ${host} is in use by another process; stop that process, or choose another port: rpc.port in config/cordon.toml or CORDON_RPC_PORT`,
      { host, port },
    )
  }
  return new CordonError(
    'config-invalid',
    `cannot listen on port ${port} of ${host} (${code}); check rpc.host and rpc.port in config/cordon.toml`,
    { host, port },
  )
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
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
