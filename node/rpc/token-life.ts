/** A WebSocket lives as long as the token it was opened with: that may be revoked, or expire, while its page is open. */
import type { WebSocket } from '@fastify/websocket'
import { CordonError } from '../../config/errors.ts'
import type { Token } from '../../config/tokens.ts'
import { refusal, type Answerer } from './json-rpc.ts'
import type { RpcContext } from './websocket.ts'

/** Close code of RFC 6455, 7.4.1. */
const POLICY_VIOLATION = 1008

/** How often is looked after the token of one who only listens. */
const LOOK_MS = 500

/** @param token of now. @throws CordonError `unauthorized` once there is none. */
type CurrentToken = () => Token

/** What answers as long as there is a token, and then refuses and closes. */
export function whileValid(
  rpc: Answerer<RpcContext & { readonly token: Token }>,
  socket: WebSocket,
  token: CurrentToken,
): Answerer<RpcContext> {
  return {
    answer: async (text, context) => {
      try {
        return await rpc.answer(text, { ...context, token: token() })
      } catch (error) {
        if (!(error instanceof CordonError)) throw error
        setImmediate(() => {
          close(socket)
        })
        return refusal(error)
      }
    },
  }
}

/** Closes the socket within a second of the end of its token, also if nothing is asked over it. */
export function endWithToken(socket: WebSocket, token: CurrentToken): void {
  const look = setInterval(() => {
    try {
      token()
    } catch (error) {
      if (!(error instanceof CordonError)) throw error
      clearInterval(look)
      close(socket)
    }
  }, LOOK_MS)
  socket.once('close', () => {
    clearInterval(look)
  })
}

function close(socket: WebSocket): void {
  socket.close(POLICY_VIOLATION, 'the token is not valid any more')
}
