/**
 * The token of whoever is signed in. It lives in this tab alone: no address, cookie or other tab has it, and it is gone when
 * the tab is closed.
 */
import type { OperatorIdentity } from '../../../client/operator-api.ts'
import { RpcError, type Answer } from './rpc.ts'

const STORED_AS = 'cordon-token'
const IN_ADDRESS = /^#token=([\w-]+)$/
const UNREACHABLE = 'The node does not answer.'

export interface Session {
  readonly token: string
  readonly identity: OperatorIdentity
}

/** The token of this tab; null: nobody is signed in. */
export function keptToken(): string | null {
  return sessionStorage.getItem(STORED_AS)
}

/** Whether the address has a token in the place of a view. */
export function bringsToken(): boolean {
  return IN_ADDRESS.test(location.hash)
}

/** The token that a link brought, taken out of the address before anything else happens; null: it brought none. */
export function broughtToken(): string | null {
  const brought = IN_ADDRESS.exec(location.hash)?.[1] ?? null
  if (brought !== null) history.replaceState(null, '', '#/')
  return brought
}

/**
 * Asks the node whose token it is, and keeps it if it is one.
 * @throws RpcError in words for the person who brought it.
 */
export async function signIn(token: string): Promise<Session> {
  const identity = await whoIs(token)
  sessionStorage.setItem(STORED_AS, token)
  return { token, identity }
}

/** Asks the node whose token it is. @throws RpcError as `signIn` does. */
export async function whoIs(token: string): Promise<OperatorIdentity> {
  // A header takes no others; what has any is no token.
  if (!/^[\w-]+$/.test(token))
    throw new RpcError('That is no token: expected cordon-token-… with letters, digits, - and _.', 'usage')
  const { result, error } = await ask(token)
  if (error !== undefined) throw new RpcError(error.message, error.data?.code ?? 'unexpected')
  return result as OperatorIdentity
}

export function signOut(): void {
  sessionStorage.removeItem(STORED_AS)
}

async function ask(token: string): Promise<Answer> {
  try {
    const response = await fetch('/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'operator_whoami', params: {} }),
    })
    return (await response.json()) as Answer
  } catch {
    throw new RpcError(UNREACHABLE, 'cannot-connect')
  }
}
