/** What a client makes of JSON-RPC 2.0 messages and of answers that do not come. */
import { CordonError, ERRORS, type ErrorCode } from '../config/errors.ts'

export interface JsonRpcMessage {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

export function messageOf(text: string): JsonRpcMessage | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/** A node's error answer, as what the node threw. */
export function errorOf(error: unknown): CordonError {
  const { message, data } = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: unknown
    data?: unknown
  }
  const { code, ...payload } = (typeof data === 'object' && data !== null ? data : {}) as {
    code?: unknown
  } & Record<string, unknown>
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'unexpected'
  return new CordonError(
    known,
    typeof message === 'string' ? message : 'the node answered with an error that says nothing',
    payload,
  )
}

export function lost(url: string, reason: string): CordonError {
  return new CordonError('connection-lost', `${url}: ${reason}`, { url })
}

interface PostTarget {
  /** As errors name it. */
  readonly url: string
  readonly endpoint: string
  readonly signal: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * One request over HTTP.
 * @throws CordonError of the node's answer; `connection-lost` if there is none.
 */
export async function postRequest(target: PostTarget, method: string, params: object): Promise<unknown> {
  const { url, endpoint, signal, headers } = target
  let message: JsonRpcMessage | null
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal,
    })
    message = messageOf(await response.text())
  } catch (error) {
    throw lost(url, reasonOf((error as Error).cause ?? error))
  }
  if (message === null) throw lost(url, 'what answers is no Cordon node')
  if (message.error !== undefined) throw errorOf(message.error)
  return message.result
}

/** What went wrong on the way, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'unknown host'
  return message === '' ? (code ?? 'no answer') : message
}
