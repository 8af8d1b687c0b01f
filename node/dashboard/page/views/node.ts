/** This node's own numbers and its peers, for whoever is signed in. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { NodeReport, PeerReport } from '../../../../client/operator-api.ts'
import { bytes, count, duration } from '../format.ts'
import { Pending } from '../parts/facts.ts'
import { SourceLink } from '../parts/links.ts'
import { nameOf, PeerMap } from '../parts/peer-map.ts'
import { Tile } from '../parts/tile.ts'
import { useAsked, useLive } from '../parts/use-live.ts'
import { paceOf, roundTrip } from '../peer-layout.ts'

const REPORT_EVERY_MS = 5_000
const PEERS_EVERY_MS = 2_000
/** A vote waits behind a turn of the event loop this long. */
const FELT_DELAY_MS = 50
/** Part of the heap from which a process is near its end. */
const HEAP_FULL = 0.85
/** As `CordonDiskFull` has it. */
const FEW_BYTES = 1e9

export function Node(): VNode {
  const report = useAsked('operator_node', {}, REPORT_EVERY_MS)
  const peers = useAsked('operator_peers', {}, PEERS_EVERY_MS)
  const { session, validators } = useLive()
  const name = session?.identity.validator ?? 'full node'
  return html`<h1 class="page-title">${name === 'full node' ? 'This full node' : `Node of ${name}`}</h1>
    ${report.result === null
      ? html`<section class="card"><${Pending} error=${report.error} what="the numbers" /></section>`
      : html`<${Process} report=${report.result} />`}
    <section class="card" aria-labelledby="peers-title">
      <header>
        <h2 id="peers-title">Peers</h2>
        <${SourceLink} method="operator_peers" />
      </header>
      <p class="lead">
        Who this node has a line to. Round trip: the newest answered ping; one goes out every ten seconds.
        Heard: since any message, gossip or request.
      </p>
      ${peers.result === null
        ? html`<${Pending} error=${peers.error} what="the peers" />`
        : html`<${Peers}
            peers=${peers.result}
            self=${name === 'full node' ? 'here' : name}
            validators=${validators.length - (session?.identity.validator === null ? 0 : 1)}
          />`}
    </section>
    ${report.result === null ? null : html`<${Stores} report=${report.result} />`}`
}

function Process({ report: { memory, loopDelay, disk, uptimeMs } }: { readonly report: NodeReport }): VNode {
  const stored = disk.stores.reduce((sum, store) => sum + store.bytes, 0)
  return html`<div class="tiles">
    <${Tile}
      label="Memory"
      value=${bytes(memory.rssBytes)}
      detail=${`heap ${bytes(memory.heapBytes)}`}
      definition=${`What this process occupies of the machine’s memory; its heap may grow to ${bytes(memory.heapLimitBytes)}.`}
      method="operator_node"
      tone=${memory.heapBytes > HEAP_FULL * memory.heapLimitBytes ? 'bad' : null}
    />
    <${Tile}
      label="Event-loop delay"
      value=${loopDelay === null ? '…' : duration(loopDelay.p99Ms)}
      detail=${loopDelay === null ? 'measured from now on' : `longest ${duration(loopDelay.maxMs)}`}
      definition=${`How late the process comes to its timers: 99 of 100 times less than this${loopDelay === null ? '' : `, over the last ${duration(loopDelay.overMs)}`}.`}
      method="operator_node"
      tone=${loopDelay !== null && loopDelay.p99Ms > FELT_DELAY_MS ? 'held' : null}
    />
    <${Tile}
      label="Disk"
      value=${bytes(stored)}
      detail=${`${bytes(disk.freeBytes)} free`}
      definition="Files of the stores together, and what is left on their disk."
      method="operator_node"
      tone=${disk.freeBytes < FEW_BYTES ? 'bad' : null}
    />
    <${Tile}
      label="Running for"
      value=${duration(uptimeMs)}
      definition="Since this process was started."
      method="operator_node"
    />
  </div>`
}

interface PeersProps {
  readonly peers: readonly PeerReport[]
  readonly self: string
  /** How many there are beside this node. */
  readonly validators: number
}

function Peers({ peers, self, validators }: PeersProps): VNode {
  const connected = peers.filter(({ validator }) => validator !== null).length
  if (peers.length === 0)
    return html`<p class="empty">
      No peer is connected. <code>cordon doctor stall</code> says who is missing.
    </p>`
  return html`<p class="standing">
      <b>${connected} of ${validators}</b> other validators, and ${peers.length - connected} other
      ${' '}${peers.length - connected === 1 ? 'peer' : 'peers'}.
    </p>
    <div class="peers">
      <${PeerMap} peers=${peers} self=${self} />
      <div class="scroll" tabindex="0" role="region" aria-label="Table of peers">
        <table>
          <thead>
            <tr>
              <th>Peer</th>
              <th class="right">Round trip</th>
              <th class="right">Heard</th>
              <th class="right">Connected</th>
              <th>Dialled</th>
              <th class="wide">Address</th>
            </tr>
          </thead>
          <tbody>
            ${peers.map((peer) => html`<${PeerRow} key=${peer.id} peer=${peer} />`)}
          </tbody>
        </table>
      </div>
    </div>`
}

function PeerRow({ peer }: { readonly peer: PeerReport }): VNode {
  const { id, userAgent, roundTripMs, sinceHeardMs, connectedMs, direction, addresses } = peer
  return html`<tr>
    <td title=${`${id}, ${userAgent}`}>
      <i class=${`dot dot-pace-${paceOf(roundTripMs)}`}></i>${nameOf(peer)}
    </td>
    <td class="right number">${roundTrip(roundTripMs)}</td>
    <td class="right number">${sinceHeardMs === null ? 'nothing yet' : `${duration(sinceHeardMs)} ago`}</td>
    <td class="right number">${duration(connectedMs)}</td>
    <td>${direction === 'inbound' ? 'by it' : 'by us'}</td>
    <td class="wide">
      <span class="id" title=${addresses.join(' ')}>${addresses.map(withoutPeerId).join(' ')}</span>
    </td>
  </tr>`
}

/** Who it is stands in the first column. */
function withoutPeerId(address: string): string {
  return address.replace(/\/p2p\/.*$/, '')
}

const STORES: Readonly<Record<string, string>> = {
  chain: 'Blocks, certificates and batches.',
  ledger: 'State, receipts, transactions and indexes.',
  pending: 'Transactions accepted here and not final yet.',
}

function Stores({ report: { disk, queues } }: { readonly report: NodeReport }): VNode {
  return html`<div class="pair">
    <${Amounts}
      id="stores"
      title="Disk by store"
      rows=${disk.stores.map(({ store, bytes: size }) => [store, STORES[store] ?? '', bytes(size)])}
    />
    <${Amounts}
      id="queues"
      title="What waits"
      rows=${queues.map(({ queue, about, length }) => [queue, about, count(length)])}
    />
  </div>`
}

interface AmountsProps {
  readonly id: string
  readonly title: string
  readonly rows: readonly (readonly [name: string, about: string, value: string])[]
}

function Amounts({ id, title, rows }: AmountsProps): VNode {
  return html`<section class="card" aria-labelledby=${id}>
    <header>
      <h2 id=${id}>${title}</h2>
      <${SourceLink} method="operator_node" />
    </header>
    <dl class="amounts">
      ${rows.map(
        ([name, about, value]) =>
          html`<div key=${name}>
            <dt><b>${name}</b> <span class="quiet">${about}</span></dt>
            <dd class="number">${value}</dd>
          </div>`,
      )}
    </dl>
  </section>`
}
