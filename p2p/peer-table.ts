/** The peers that passed their hello, by peer id and by the validator they proved to be. */
import { LIMITS } from '../config/limits.ts'
import { hostOf } from './inbound-hosts.ts'
import type { Peer } from './peer.ts'

export class PeerTable {
  readonly #peers = new Map<string, Peer>()
  readonly #validators = new Map<number, Peer>()

  get size(): number {
    return this.#peers.size
  }

  get(id: string): Peer | undefined {
    return this.#peers.get(id)
  }

  all(): Peer[] {
    return [...this.#peers.values()]
  }

  ofValidator(index: number): Peer | undefined {
    return this.#validators.get(index)
  }

  /**
   * Adds a peer, or takes note of what its newest hello said.
   * @returns another peer that proved to be the same validator, if there is one: the newest proof counts.
   */
  put(peer: Peer): Peer | null {
    this.#forgetValidator(peer)
    this.#peers.set(peer.id, peer)
    const index = peer.hello.validator
    if (index === null) return null
    const other = this.#validators.get(index) ?? null
    this.#validators.set(index, peer)
    return other
  }

  delete(peer: Peer): void {
    this.#peers.delete(peer.id)
    this.#forgetValidator(peer)
  }

  /**
   * Whether a peer that is no validator may dial in from `host`: part of the places is kept for validators, and no
   * address gets all of the others.
   */
  hasPlaceForOther(validators: number, host: string): boolean {
    const places = Math.max(LIMITS.peers - validators, LIMITS.peers >> 2)
    const others = this.all().filter((peer) => peer.hello.validator === null)
    const neighbours = others.filter((peer) =>
      peer.connections.some(({ remoteAddr }) => hostOf(remoteAddr) === host),
    )
    return others.length < places && neighbours.length < LIMITS.strangersPerHost
  }

  #forgetValidator(peer: Peer): void {
    for (const [index, known] of this.#validators) {
      if (known !== peer) continue
      this.#validators.delete(index)
      const other = this.all().find((candidate) => candidate !== peer && candidate.hello.validator === index)
      if (other !== undefined) this.#validators.set(index, other)
    }
  }
}
