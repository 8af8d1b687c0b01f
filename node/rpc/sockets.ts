/** The WebSockets of a server: how many there may be, who is woken by a block, and how all connections end. */
import type { Socket } from 'node:net'
import websocket, { type WebSocket } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { originOf } from '../source.ts'
import type { Answerer } from './json-rpc.ts'
import type { BlockEvents, RpcLog } from './service.ts'
import { RpcSocket, type RpcContext } from './websocket.ts'

/** What a browser names beside the token that it cannot put into a header of its own; the server names it back. */
export const SUBPROTOCOL = 'cordon'

/** Connections get this long to end before they are cut. */
const GOODBYE_MS = 300

export interface SocketsOptions {
  /** Of the server. */
  readonly port: 'rpc' | 'operator'
  readonly max: number
  readonly events: BlockEvents
  readonly log: RpcLog
  /** An answer has left the process. */
  readonly onAnswered: () => void
}

export class Sockets {
  readonly #options: SocketsOptions
  readonly #open = new Set<RpcSocket>()
  /** All of them, upgraded or not: the HTTP server forgets those that were upgraded. */
  readonly #connections = new Set<Socket>()
  readonly #stopEvents: () => void

  constructor(app: FastifyInstance, options: SocketsOptions) {
    this.#options = options
    app.server.on('connection', (connection) => {
      this.#connections.add(connection)
      connection.once('close', () => this.#connections.delete(connection))
    })
    this.#stopEvents = options.events.onExecuted(() => {
      for (const socket of this.#open) socket.wake()
    })
  }

  /** Before an upgrade, where there still is an HTTP answer to give. @throws CordonError `busy`. */
  requirePlace(): void {
    if (this.#open.size < this.#options.max) return
    throw new CordonError(
      'busy',
      `the node has ${this.#open.size} connections, as many as it takes; try another node`,
    )
  }

  /** @param address of the other end. */
  take(socket: WebSocket, address: string, rpc: Answerer<RpcContext>): void {
    const { port, events, log, onAnswered } = this.#options
    const connection = new RpcSocket(socket, originOf(port, address), rpc, events, log, onAnswered)
    this.#open.add(connection)
    socket.on('close', () => this.#open.delete(connection))
  }

  /** Lets waiting calls go and closes everything within a second. */
  async close(app: FastifyInstance): Promise<void> {
    this.#stopEvents()
    for (const socket of this.#open) socket.close()
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy()
    }, GOODBYE_MS)
    await app.close()
    clearTimeout(cut)
  }
}

/** Its hook marks upgrades, so that the socket of a refused one is ended. */
export async function addWebSocket(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: {
      // Somewhat too long a message still gets an answer; a very long one ends the connection.
      maxPayload: 2 * LIMITS.rpcBodyBytes,
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: (offered: Set<string>) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
    },
    preClose: (done) => {
      done()
    },
    errorHandler: (_error, socket) => {
      socket.terminate()
    },
  })
}
