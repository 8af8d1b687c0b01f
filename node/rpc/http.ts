/** What the servers of a node share: bodies, errors, rate limits and listening. */
import rateLimit, { type RateLimitOptions } from '@fastify/rate-limit'
import {
  fastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from 'fastify'
import type { Problem } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { DASHBOARD_PATH } from '../dashboard/routes.ts'
import { originOf, sourceOf } from '../source.ts'
import { refusal } from './json-rpc.ts'
import { checkOrigin } from './origin.ts'
import type { CallContext, RpcLog } from './service.ts'

/**
 * A server without routes: bodies are texts of limited length, foreign web pages are refused, and every error is an
 * answer of JSON-RPC.
 * @param addPlugins those whose hooks have to come before the check for foreign web pages.
 */
export async function makeApp(
  host: string,
  log: RpcLog,
  addPlugins: (app: FastifyInstance) => Promise<void> = () => Promise.resolve(),
): Promise<FastifyInstance> {
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
  await addPlugins(app)
  app.addHook('onRequest', async (request) => {
    checkOrigin(host, request.headers)
  })
  return app
}

/** Sends what `answer` makes of a request's body. It is aborted when nobody waits any more. */
export async function answerPost(
  request: FastifyRequest,
  reply: FastifyReply,
  port: 'rpc' | 'operator',
  answer: (text: string, context: CallContext) => Promise<string | null>,
): Promise<FastifyReply> {
  const abort = new AbortController()
  // Of the response, not of the socket: that one serves many requests.
  reply.raw.once('close', () => {
    abort.abort()
  })
  const text = typeof request.body === 'string' ? request.body : ''
  const answered = await answer(text, { signal: abort.signal, source: sourceOf(originOf(port, request.ip)) })
  if (answered === null) return reply.code(204).send()
  return reply.type('application/json; charset=utf-8').send(answered)
}

/** At most so many requests per second from one address. */
export function httpRate(max: number): RateLimitOptions {
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
  unauthorized: 401,
  'rpc-origin': 403,
  'rpc-too-large': 413,
  'rpc-media-type': 415,
  'rpc-method': 404,
  'rpc-invalid': 400,
  unexpected: 500,
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

/** `GET /`: a browser is shown the page, a program is told what the port is for. */
export function sendWhere(what: string): RouteHandlerMethod {
  return (request, reply) =>
    request.headers.accept?.includes('text/html') === true
      ? reply.redirect(DASHBOARD_PATH)
      : reply.code(426).header('upgrade', 'websocket').send(`${what}\n`)
}

/** As `/healthz` and `/readyz` answer. */
export function sendHealth(reply: FastifyReply, problems: readonly Problem[]): FastifyReply {
  return reply.code(problems.length === 0 ? 200 : 503).send({ ok: problems.length === 0, problems })
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

/** Where a server listens, and the table of the configuration that says so. */
export interface ListenOptions {
  readonly table: 'rpc' | 'operator'
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/**
 * Starts listening. @returns the port.
 * @throws CordonError `port-in-use`, or `config-invalid` if the address cannot be listened on.
 */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<number> {
  const { host, port } = options
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenError(options, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

function listenError({ table, host, port }: ListenOptions, code: string): CordonError {
  if (code === 'EADDRINUSE') {
    return new CordonError(
      'port-in-use',
      `port ${port} of ${host} is in use by another process; stop that process, or choose another port: ${table}.port in config/cordon.toml or CORDON_${table.toUpperCase()}_PORT`,
      { host, port },
    )
  }
  return new CordonError(
    'config-invalid',
    `cannot listen on port ${port} of ${host} (${code}); check ${table}.host and ${table}.port in config/cordon.toml`,
    { host, port },
  )
}
