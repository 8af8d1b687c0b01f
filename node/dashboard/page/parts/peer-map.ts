/** This node in the middle, its peers around it at the distance of their round trips. The table beside it says the same. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { PeerReport } from '../../../../client/operator-api.ts'
import { short } from '../format.ts'
import {
  DRAWN_PEERS,
  MAP_HEIGHT,
  MAP_WIDTH,
  paceOf,
  placePeers,
  RINGS,
  roundTrip,
  type PlacedPeer,
} from '../peer-layout.ts'

const DOT = 7
/** From a dot to its name. */
const NAME_GAP = 12

export function PeerMap({
  peers,
  self,
}: {
  readonly peers: readonly PeerReport[]
  readonly self: string
}): VNode {
  const label = `Map of ${peers.length} peers by round-trip time; the table has the same`
  return html`<figure class="map">
    <svg
      viewBox=${`${-MAP_WIDTH / 2} ${-MAP_HEIGHT / 2} ${MAP_WIDTH} ${MAP_HEIGHT}`}
      role="img"
      aria-label=${label}
    >
      ${RINGS.map(
        ({ name, radius }) =>
          html`<g key=${name}>
            <circle class="map-ring" r=${radius} />
            <text class="map-ring-name" y=${-radius - 3} text-anchor="middle">${name}</text>
          </g>`,
      )}
      ${placePeers(peers).map((placed) => html`<${MapPeer} key=${placed.peer.id} placed=${placed} />`)}
      <circle class="map-self" r="17" />
      <text class="map-self-name" y="4" text-anchor="middle">${self}</text>
    </svg>
    <figcaption>
      Round trips in steps of ten: ${legend('good', 'below 100 ms')}, ${legend('held', 'below 400 ms')},
      ${' '}${legend('bad', 'longer')}.
      ${peers.length > DRAWN_PEERS ? `The first ${DRAWN_PEERS} of ${peers.length} are drawn.` : ''}
    </figcaption>
  </figure>`
}

function legend(pace: string, text: string): VNode {
  return html`<span class="map-legend"><i class=${`dot dot-pace-${pace}`}></i>${text}</span>`
}

function MapPeer({ placed: { peer, x, y } }: { readonly placed: PlacedPeer }): VNode {
  const pace = paceOf(peer.roundTripMs)
  const isRight = x >= 0
  return html`<g class=${`map-peer map-${pace}`}>
    <title>${`${nameOf(peer)}: ${roundTrip(peer.roundTripMs)}`}</title>
    <line x2=${x} y2=${y} />
    <circle cx=${x} cy=${y} r=${peer.validator === null ? DOT - 2 : DOT} />
    <text x=${x + (isRight ? NAME_GAP : -NAME_GAP)} y=${y + 4} text-anchor=${isRight ? 'start' : 'end'}>
      ${peer.validator ?? ''}
    </text>
  </g>`
}

/** What people call it. */
export function nameOf({ validator, id }: PeerReport): string {
  return validator ?? short(id)
}
