/** The first page: how the network is at a glance. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { amount, clock, count, duration } from '../format.ts'
import { healthOf } from '../health.ts'
import { CHART_SECONDS, type Live, type SeenTransaction } from '../live.ts'
import { Chart } from '../parts/chart.ts'
import { Legend } from '../parts/legend.ts'
import { AccountLink, BlockLink, HoldLink, SourceLink, TxLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { Tile } from '../parts/tile.ts'
import { useLive } from '../parts/use-live.ts'
import { VoteGrid } from '../parts/vote-grid.ts'
import { quantile } from '../series.ts'
import { missedVotes } from '../votes.ts'
import { HoldTable } from './holds.ts'

const RATE_OVER_S = 10
const OVERVIEW_HOLDS = 5
const OUTCOMES = [
  ['cell-settled', 'settled'],
  ['cell-held', 'held'],
] as const

export function Overview(): VNode {
  const live = useLive()
  return html`<${HealthLine} live=${live} />
    <${Tiles} live=${live} />
    <div class="pair">
      <${FinalityChart} live=${live} />
      <${ThroughputChart} live=${live} />
    </div>
    <section class="card" aria-labelledby="votes-title">
      <header>
        <h2 id="votes-title">Votes</h2>
        <${SourceLink} method="chain_votes" />
      </header>
      <${VoteGrid} validators=${live.validators} blocks=${live.votes} />
    </section>
    <section class="card" aria-labelledby="holds-title">
      <header>
        <h2 id="holds-title">Held for review</h2>
        <a href="#/holds">all holds</a>
      </header>
      <${HoldTable}
        holds=${live.holds.slice(0, OVERVIEW_HOLDS)}
        empty="Nothing is held. When validators with more than a third of the stake find a payment suspicious, it waits here."
      />
    </section>
    <section class="card" aria-labelledby="live-title">
      <header>
        <h2 id="live-title">Live payments</h2>
        <${SourceLink} method="blocks_subscribe" />
      </header>
      <${Transactions} transactions=${live.transactions} />
    </section>`
}

function HealthLine({ live }: { readonly live: Live }): VNode {
  const { tone, sentence, cause, command } = healthOf(live)
  return html`<section class=${`health health-${tone}`} aria-label="Health">
    <h1 class="health-sentence"><i class=${`dot dot-${tone}`}></i>${sentence}</h1>
    <p class="health-cause">
      ${cause} ${command === null ? null : html`<code>${command}</code> `}<${SourceLink}
        method="chain_progress"
      />
    </p>
  </section>`
}

function Tiles({ live }: { readonly live: Live }): VNode {
  const { status, votes, seconds } = live
  const latencies = votes.map(({ latencyMs }) => latencyMs)
  const [p50, p95] = [quantile(latencies, 0.5), quantile(latencies, 0.95)]
  const { missed, of } = missedVotes(votes)
  const holds = status?.openHolds ?? 0
  return html`<div class="tiles">
    <${Tile}
      label="Finality"
      value=${p50 === null ? '–' : duration(p50)}
      detail=${p95 === null ? '' : `p95 ${duration(p95)}`}
      definition="From the time in a block to its finality at this node, median of the blocks below."
      method="chain_votes"
    />
    <${Tile}
      label="Settled per second"
      value=${seconds.rate(Date.now(), RATE_OVER_S).toFixed(1)}
      detail=${status === null ? '' : `${count(status.settledTotal)} in all`}
      definition=${`Transactions that settled, mean of the last ${RATE_OVER_S} s.`}
      method="chain_status"
    />
    <${Tile}
      label="Open holds"
      value=${count(holds)}
      detail=${status === null ? '' : `${count(status.heldTotal)} ever`}
      definition="Payments that wait for a review."
      method="quarantine_list"
      tone=${holds > 0 ? 'held' : null}
    />
    <${Tile}
      label="Missed votes"
      value=${of === 0 ? '–' : `${((100 * missed) / of).toFixed(missed === 0 ? 0 : 1)} %`}
      detail=${of === 0 ? '' : `${count(missed)} of ${count(of)}`}
      definition="Votes for the blocks below that this node has not heard."
      method="chain_votes"
      tone=${missed > 0 ? 'bad' : null}
    />
  </div>`
}

function FinalityChart({ live }: { readonly live: Live }): VNode {
  const { votes } = live
  const latencies = votes.map(({ latencyMs }) => latencyMs)
  const median = quantile(latencies, 0.5)
  return html`<section class="card" aria-labelledby="finality-title">
    <header>
      <h2 id="finality-title">Finality of each block</h2>
      <span class="quiet">line: median <${SourceLink} method="chain_votes" /></span>
    </header>
    <${Chart}
      label=${`Finality of the last ${votes.length} blocks, median ${median === null ? 'unknown' : duration(median)}`}
      series=${[
        { label: 'block', color: '--accent', kind: 'dots' },
        { label: 'median', color: '--quiet', kind: 'line' },
      ]}
      rows=${[votes.map(({ height }) => height), latencies, latencies.map(() => median)]}
      xLabel=${count}
      yLabel=${duration}
    />
  </section>`
}

function ThroughputChart({ live }: { readonly live: Live }): VNode {
  const seconds = live.seconds.list(Date.now())
  const most = Math.max(...seconds.map(({ settled }) => settled))
  return html`<section class="card" aria-labelledby="throughput-title">
    <header>
      <h2 id="throughput-title">Payments each second</h2>
      <span><${Legend} items=${OUTCOMES} /> <${SourceLink} method="blocks_subscribe" /></span>
    </header>
    <${Chart}
      label=${`Payments of the last ${CHART_SECONDS} seconds, at most ${most} settled in one`}
      series=${[
        { label: 'settled', color: '--good', kind: 'bars' },
        { label: 'held', color: '--held', kind: 'bars' },
      ]}
      rows=${[
        seconds.map(({ atS }) => atS),
        seconds.map(({ settled }) => settled),
        seconds.map(({ held }) => held || null),
      ]}
      xLabel=${(atS: number) => clock(1_000 * atS)}
      yLabel=${(y: number) => (Number.isInteger(y) ? count(y) : '')}
    />
  </section>`
}

function Transactions({ transactions }: { readonly transactions: readonly SeenTransaction[] }): VNode {
  if (transactions.length === 0)
    return html`<p class="empty">
      No payment yet since this page was opened. <code>cordon wallet send --to NAME --amount 1CRD</code> makes
      one.
    </p>`
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th class="wide">Time</th>
          <th>Transaction</th>
          <th class="wide">From</th>
          <th class="wide">To</th>
          <th class="right">Amount</th>
          <th>Outcome</th>
          <th class="right wide">Block</th>
        </tr>
      </thead>
      <tbody>
        ${transactions.map((seen) => html`<${TransactionRow} key=${seen.txId} seen=${seen} />`)}
      </tbody>
    </table>
  </div>`
}

function TransactionRow({
  seen: { txId, status, height, timeMs, hold, info },
}: {
  readonly seen: SeenTransaction
}): VNode {
  const [first, ...others] = info?.transfers ?? []
  const mark = html`<${StatusMark} status=${status} />`
  return html`<tr>
    <td class="number wide">${clock(timeMs)}</td>
    <td><${TxLink} id=${txId} /></td>
    <td class="wide">${info === null ? '' : html`<${AccountLink} address=${info.sender} />`}</td>
    <td class="wide">
      ${first === undefined ? '' : html`<${AccountLink} address=${first.to} />`}
      ${others.length === 0 ? '' : html`<span class="quiet"> and ${others.length} more</span>`}
    </td>
    <td class="right number">${first === undefined ? '' : amount(first.amount)}</td>
    <td>${hold === null ? mark : html`<${HoldLink} id=${hold}>${mark}</${HoldLink}>`}</td>
    <td class="right wide"><${BlockLink} height=${height} /></td>
  </tr>`
}
