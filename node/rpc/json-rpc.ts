/**
 * JSON-RPC 2.0: one text in, one text out. Knows nothing of transports. Strings of answers are put together by hand,
 * since this is the path of every submitted payment.
 */
import { CordonError, type ErrorCode } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import type { MethodTable } from './method-table.ts'
import type { CallContext, RpcLog } from './service.ts'

/** Numbers of JSON-RPC 2.0, and of the range it leaves to servers. */
export const RPC_NUMBERS = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
  internal: -32_603,
  refused: -32_000,
  tooLarge: -32_001,
  busy: -32_005,
} as const

const NUMBER_OF_CODE: Partial<Record<ErrorCode, number>> = {
  'rpc-invalid': RPC_NUMBERS.params,
  'rpc-method': RPC_NUMBERS.method,
  'rpc-too-large': RPC_NUMBERS.tooLarge,
  busy: RPC_NUMBERS.busy,
  unexpected: RPC_NUMBERS.internal,
}

/** When to come back after `busy`, if the error does not say it. */
const RETRY_AFTER_MS = 100

export type Handler<Context extends CallContext> = (params: never, context: Context) => Promise<unknown>
export type Handlers<Method extends string, Context extends CallContext> = Readonly<
  Record<Method, Handler<Context>>
>

type Id = string | number | null

/** What a transport asks: a text in, a text out. */
export interface Answerer<Context extends CallContext> {
  /** The answer to a request or batch, or null if it needs none. Never rejects. */
  answer(text: string, context: Context): Promise<string | null>
}

export class JsonRpc<Method extends string, Context extends CallContext> implements Answerer<Context> {
  readonly #table: MethodTable<Method>
  readonly #handlers: Handlers<Method, Context>
  readonly #log: RpcLog

  readonly #allow: (method: Method, context: Context) => void

  /** @param allow throws a CordonError for a method that this caller may not use. */
  constructor(
    table: MethodTable<Method>,
    handlers: Handlers<Method, Context>,
    log: RpcLog,
    allow: (method: Method, context: Context) => void = () => undefined,
  ) {
    this.#allow = allow
    this.#table = table
    this.#handlers = handlers
    this.#log = log
  }

  async answer(text: string, context: Context): Promise<string | null> {
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch (error) {
      return errorAnswer(
        null,
        RPC_NUMBERS.parse,
        'rpc-invalid',
        `the request is not JSON: ${(error as Error).message}`,
      )
    }
    return Array.isArray(message) ? this.#batch(message, context) : this.#call(message, context)
  }

  async #batch(messages: readonly unknown[], context: Context): Promise<string | null> {
    if (messages.length === 0)
      return errorAnswer(
        null,
        RPC_NUMBERS.request,
        'rpc-invalid',
        'expected at least one request in a batch, got none',
      )
    if (messages.length > LIMITS.rpcBatchRequests) {
      const problem = `expected at most ${LIMITS.rpcBatchRequests} requests in a batch, got ${messages.length}; send several batches`
      return errorAnswer(null, RPC_NUMBERS.tooLarge, 'rpc-too-large', problem)
    }
    const answers = await Promise.all(messages.map((message) => this.#call(message, context)))
    const given = answers.filter((answer) => answer !== null)
    return given.length === 0 ? null : `[${given.join(',')}]`
  }

  async #call(message: unknown, context: Context): Promise<string | null> {
    const problem = problemOf(message)
    if (problem !== null)
      return errorAnswer(idOf(message), RPC_NUMBERS.request, 'rpc-invalid', `invalid request: ${problem}`)
    const { id, method, params = {} } = message as { id?: Id; method: string; params?: unknown }
    try {
      const name = this.#table.nameOf(method)
      this.#allow(name, context)
      this.#table.check(name, params)
      const result = await this.#handlers[name](params as never, context)
      return id === undefined
        ? null
        : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`
    } catch (error) {
      const answer = this.#failure(id ?? null, method, error)
      return id === undefined ? null : answer
    }
  }

  /** Expected errors say all; of others only the log knows more. */
  #failure(id: Id, method: string, error: unknown): string {
    if (!(error instanceof CordonError)) {
      this.#log.error({ err: error, method }, 'an RPC method failed unexpectedly')
      return errorAnswer(
        id,
        RPC_NUMBERS.internal,
        'unexpected',
        'the node failed unexpectedly; its log says more',
      )
    }
    const extra = error.code === 'busy' ? { retryAfterMs: RETRY_AFTER_MS, ...error.payload } : error.payload
    return errorAnswer(
      id,
      NUMBER_OF_CODE[error.code] ?? RPC_NUMBERS.refused,
      error.code,
      error.message,
      extra,
    )
  }
}

/** An error answer for what never reached a method. */
export function refusal(error: CordonError): string {
  return errorAnswer(
    null,
    NUMBER_OF_CODE[error.code] ?? RPC_NUMBERS.refused,
    error.code,
    error.message,
    error.payload,
  )
}

function errorAnswer(
  id: Id,
  number: number,
  code: ErrorCode,
  message: string,
  payload: Readonly<Record<string, unknown>> = {},
): string {
  const error = { code: number, message, data: { ...payload, code } }
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${JSON.stringify(error, plain)}}`
}

/** A payload is JSON by contract; a stray bigint must not turn a clear error into a crash. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** What makes it no request, or null. */
function problemOf(message: unknown): string | null {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return 'expected an object'
  const { jsonrpc, id, method, params } = message as Record<string, unknown>
  if (jsonrpc !== '2.0') return 'expected "jsonrpc": "2.0"'
  if (typeof method !== 'string') return 'expected a method name'
  if (id !== undefined && !isId(id)) return 'expected an id that is a number, a text or null'
  if (params !== undefined && (typeof params !== 'object' || params === null))
    return 'expected params as an object'
  return null
}

function isId(value: unknown): value is Id {
  return (
    value === null ||
    typeof value === 'number' ||
    (typeof value === 'string' && value.length <= LIMITS.rpcIdCharacters)
  )
}

function idOf(message: unknown): Id {
  if (typeof message !== 'object' || message === null) return null
  const { id } = message as { id?: unknown }
  return isId(id) ? id : null
}
