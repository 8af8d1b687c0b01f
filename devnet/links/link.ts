/** What one node dials instead of another: a loopback port that forwards to it through two flows. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { LOOPBACK } from '../layout.ts'
import type { Conditions } from './conditions.ts'
import { Flow } from './flow.ts'

interface LinkEnds {
  /** Name of the node that dials. */
  readonly dialer: string
  /** Name of the node that is reached. */
  readonly listener: string
  /** Where that listens. */
  readonly port: number
}

export class Link {
  readonly #ends: LinkEnds
  readonly #conditions: Conditions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(ends: LinkEnds, conditions: Conditions) {
    this.#ends = ends
    this.#conditions = conditions
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#onConnection(socket)
    })
  }

  static async open(ends: LinkEnds, conditions: Conditions): Promise<Link> {
    const link = new Link(ends, conditions)
    await new Promise<void>((resolve, reject) => {
      link.#server.once('error', reject)
      link.#server.listen({ port: 0, host: LOOPBACK, exclusive: true }, resolve)
    })
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Reaches the other node as soon as nothing between the two is cut: a connection needs both directions. */
  #onConnection(near: Socket): void {
    const { dialer, listener } = this.#ends
    this.#keep(near)
    const tryReach = (): void => {
      const isCut = this.#conditions.of(dialer, listener).isCut || this.#conditions.of(listener, dialer).isCut
      if (isCut) return
      stopWaiting()
      if (!near.destroyed) this.#reach(near)
    }
    const stopWaiting = this.#conditions.onChange(tryReach)
    near.once('close', stopWaiting)
    tryReach()
  }

  #reach(near: Socket): void {
    const { dialer, listener, port } = this.#ends
    const far = connect({ port, host: LOOPBACK, allowHalfOpen: true, noDelay: true })
    this.#keep(far)
    const flows = [
      new Flow(near, far, () => this.#conditions.of(dialer, listener)),
      new Flow(far, near, () => this.#conditions.of(listener, dialer)),
    ]
    const stopReviewing = this.#conditions.onChange(() => {
      for (const flow of flows) flow.review()
      if (near.destroyed || far.destroyed) end()
    })
    const end = (): void => {
      // The loss of one end is news that has to travel: the other end keeps waiting while the link is cut.
      const { isCut } = this.#conditions.of(
        near.destroyed ? dialer : listener,
        near.destroyed ? listener : dialer,
      )
      if (isCut) return
      stopReviewing()
      for (const flow of flows) flow.stop()
      near.destroy()
      far.destroy()
    }
    near.once('close', end)
    far.once('close', end)
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
