/** Where the map puts peers: around this node, the farther the longer their round trip, in steps of ten. */
import type { PeerReport } from '../../../client/operator-api.ts'

/** Of the drawing, from its middle. */
export const MAP_WIDTH = 380
export const MAP_HEIGHT = 300
const INNER = 42
const OUTER = 132
/** From the first ring to the last. */
const RINGS_MS = [1, 10, 100, 1_000] as const
/** More would cover each other; the table has all of them. */
export const DRAWN_PEERS = 36

export interface PlacedPeer {
  readonly peer: PeerReport
  readonly x: number
  readonly y: number
}

export interface Ring {
  readonly name: string
  readonly radius: number
}

export const RINGS: readonly Ring[] = RINGS_MS.map((ms) => ({
  name: ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`,
  radius: radiusOf(ms),
}))

/** Distance from the middle; who has not answered yet is beyond the last ring. */
export function radiusOf(roundTripMs: number | null): number {
  if (roundTripMs === null) return OUTER + 8
  const [first, last] = [RINGS_MS[0], RINGS_MS[3]].map(Math.log10) as [number, number]
  const part = (Math.log10(Math.max(RINGS_MS[0], roundTripMs)) - first) / (last - first)
  return INNER + Math.min(1, part) * (OUTER - INNER)
}

/** The first ones, evenly around the middle. */
export function placePeers(peers: readonly PeerReport[]): readonly PlacedPeer[] {
  const drawn = peers.slice(0, DRAWN_PEERS)
  return drawn.map((peer, i) => {
    // The first one at the upper right: straight up would cover the rings' own numbers.
    const angle = (2 * Math.PI * (i + 0.5)) / drawn.length - Math.PI / 2
    const radius = radiusOf(peer.roundTripMs)
    return { peer, x: radius * Math.cos(angle), y: radius * Math.sin(angle) }
  })
}

export type Pace = 'good' | 'held' | 'bad' | 'quiet'

/** A vote that travels longer than this makes itself felt in the time to finality; longer than the second, much. */
const FELT_MS = 100
const SLOW_MS = 400

export function paceOf(roundTripMs: number | null): Pace {
  if (roundTripMs === null) return 'quiet'
  if (roundTripMs < FELT_MS) return 'good'
  return roundTripMs < SLOW_MS ? 'held' : 'bad'
}

/** Whole milliseconds are all that is known. */
export function roundTrip(roundTripMs: number | null): string {
  if (roundTripMs === null) return 'not measured yet'
  return roundTripMs < 1 ? 'below 1 ms' : `${Math.round(roundTripMs)} ms`
}
