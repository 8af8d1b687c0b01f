/** Validators × blocks: who voted for what became final. One column a block, the newest on the right. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { BlockVotes, ValidatorInfo, VoteState } from '../../../../client/api.ts'
import { count, share } from '../format.ts'
import { GRID_BLOCKS } from '../live.ts'
import { Legend } from './legend.ts'

const SAID: Readonly<Record<VoteState, string>> = {
  finalize: 'voted for it',
  notarize: 'voted in the first round only',
  none: 'no vote was heard',
}

const LEGEND = [
  ['cell-finalize', 'voted'],
  ['cell-notarize', 'first round only'],
  ['cell-none', 'not heard'],
  ['cell-finalize cell-author', 'made the block'],
] as const

export interface VoteGridProps {
  readonly validators: readonly ValidatorInfo[]
  readonly blocks: readonly BlockVotes[]
}

export function VoteGrid({ validators, blocks }: VoteGridProps): VNode {
  return html`<div class="vote-grid">
    ${validators.map(
      (validator) => html`<${Row} key=${validator.name} validator=${validator} blocks=${blocks} />`,
    )}
    <p class="vote-axis">
      <span>${blocks.length === 0 ? '' : `block ${count(blocks[0]?.height ?? 0)}`}</span>
      <${Legend} items=${LEGEND} />
      <span>${blocks.length === 0 ? '' : count(blocks.at(-1)?.height ?? 0)}</span>
    </p>
  </div>`
}

interface RowProps {
  readonly validator: ValidatorInfo
  readonly blocks: readonly BlockVotes[]
}

function Row({ validator: { name, index, shareBps, connected }, blocks }: RowProps): VNode {
  const voted = blocks.filter(({ votes }) => votes[index] === 'finalize').length
  const label = `${name} voted for ${voted} of the last ${blocks.length} blocks`
  return html`<div class="vote-row">
    <span class="vote-name"
      ><i
        class=${`dot ${connected ? 'dot-well' : 'dot-ill'}`}
        title=${connected ? 'connected' : 'not connected'}
      ></i>
      ${name} <span class="quiet">${share(shareBps)}</span></span
    >
    <span class="vote-cells" role="img" aria-label=${label}>
      ${Array.from({ length: GRID_BLOCKS - blocks.length }, () => html`<i class="cell cell-empty"></i>`)}
      ${blocks.map(({ height, author, votes }) => {
        const state = votes[index] ?? 'none'
        const title = `block ${count(height)}: ${name} ${SAID[state]}${author === name ? ', and made it' : ''}`
        return html`<i
          key=${height}
          class=${`cell cell-${state} ${author === name ? 'cell-author' : ''}`}
          title=${title}
        ></i>`
      })}
    </span>
  </div>`
}
