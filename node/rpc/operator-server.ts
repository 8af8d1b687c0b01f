/**
 * The node's operator port, for those who have a token: JSON-RPC over POST `/` and WebSocket `/`, and the dashboard, whose
 * files anybody may load and which asks for a token. Beside the operator methods it answers the public ones that read, so
 * that one page of one origin has all that it shows.
 */
import type { FastifyRequest } from 'fastify'
import type { OperatorMethod, OperatorParams, OperatorResult } from '../../client/operator-api.ts'
import { CordonError } from '../../config/errors.ts'
import { urlHost } from '../../config/hosts.ts'
import { LIMITS } from '../../config/limits.ts'
import { covers } from '../../config/scopes.ts'
import type { Token } from '../../config/tokens.ts'
import { addDashboard } from '../dashboard/routes.ts'
import { answerPost, httpRate, listen, makeApp, sendHealth, sendWhere } from './http.ts'
import { JsonRpc, type Handlers } from './json-rpc.ts'
import {
  isOperatorMethod,
  OPERATOR_METHODS,
  OPERATOR_PORT_TABLE,
  type OperatorPortMethod,
} from './operator-schemas.ts'
import { publicHandlers } from './public-handlers.ts'
import { RefusedTokens } from './refused-tokens.ts'
import type { BlockEvents, CallContext, HealthSource, RpcLog, RpcService } from './service.ts'
import { addWebSocket, Sockets, SUBPROTOCOL } from './sockets.ts'
import type { TokenKeeper } from './token-keeper.ts'
import { endWithToken, whileValid } from './token-life.ts'
import type { RpcContext } from './websocket.ts'

export interface OperatorContext extends CallContext {
  /** Whose call it is. */
  readonly token: Token
}

/** The methods. Token, scope and parameters have been checked. */
export type OperatorService = {
  readonly [Method in OperatorMethod]: (
    params: OperatorParams<Method>,
    context: OperatorContext,
  ) => Promise<OperatorResult<Method>>
}

export interface OperatorServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly service: OperatorService
  /** The public methods. */
  readonly reads: RpcService
  readonly status: Pick<HealthSource, 'problems'>
  readonly events: BlockEvents
  readonly tokens: TokenKeeper
  readonly log: RpcLog
}

export interface OperatorServer {
  /** `http://HOST:PORT`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts listening.
 * @throws CordonError `port-in-use`, or `config-invalid` if the address cannot be listened on.
 */
export async function startOperatorServer(options: OperatorServerOptions): Promise<OperatorServer> {
  const { host, port, tokens, events, log } = options
  const refused = new RefusedTokens(log)
  const authenticate = (request: FastifyRequest): Token => {
    try {
      return tokens.authenticate(credentialsOf(request), Date.now())
    } catch (error) {
      refused.note(request.ip, performance.now())
      throw error
    }
  }
  const rpc = new JsonRpc(OPERATOR_PORT_TABLE, handlersOf(options), log, requireScope)
  const app = await makeApp(host, log, addWebSocket)
  const sockets = new Sockets(app, {
    port: 'operator',
    max: LIMITS.operatorConnections,
    events,
    log,
    onAnswered: () => undefined,
  })
  addDashboard(app, 'operator')
  app.get('/healthz', (request, reply) => {
    authenticate(request)
    return sendHealth(reply, options.status.problems())
  })
  app.post(
    '/',
    { config: { rateLimit: httpRate(LIMITS.operatorRequestsPerSecond) } },
    // The body of somebody without a token is read, up to its limit, and not looked at.
    (request, reply) => {
      const token = authenticate(request)
      return answerPost(request, reply, 'operator', (text, context) =>
        rpc.answer(text, { ...context, subscriptions: null, token }),
      )
    },
  )
  app.route({
    method: 'GET',
    url: '/',
    onRequest: async (request) => {
      if (request.ws) authenticate(request)
      sockets.requirePlace()
    },
    handler: sendWhere('JSON-RPC for operators, with a token: POST / or WebSocket /. GET /dashboard/.'),
    wsHandler: (socket, request) => {
      const token = (): Token => tokens.authenticate(credentialsOf(request), Date.now())
      sockets.take(socket, request.ip, whileValid(rpc, socket, token))
      endWithToken(socket, token)
    },
  })
  try {
    const chosen = await listen(app, { table: 'operator', host, port })
    return { url: `http://${urlHost(host)}:${chosen}`, close: () => sockets.close(app) }
  } catch (error) {
    await sockets.close(app)
    throw error
  }
}

type PortContext = RpcContext & OperatorContext

function handlersOf({ service, reads }: OperatorServerOptions): Handlers<OperatorPortMethod, PortContext> {
  return { ...publicHandlers(reads), ...service }
}

/**
 * What a request has for an `Authorization`. A browser cannot set that of a WebSocket, so its token comes as a
 * subprotocol: a header, too, and no part of an address that would be remembered somewhere.
 */
function credentialsOf({ headers }: FastifyRequest): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
  const secret = offered.find((name) => name !== SUBPROTOCOL)
  return secret === undefined ? undefined : `Bearer ${secret}`
}

/** @throws CordonError `forbidden`; whoever has a token may call the public methods. */
function requireScope(method: OperatorPortMethod, { token }: OperatorContext): void {
  if (!isOperatorMethod(method)) return
  const { scope } = OPERATOR_METHODS[method]
  if (covers(token.scope, scope)) return
  throw new CordonError(
    'forbidden',
    `${method} needs a token with scope ${scope}; ${token.name} has ${token.scope}`,
    { token: token.name, scope: token.scope, needed: scope },
  )
}
