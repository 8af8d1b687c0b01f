/** A number with what it is and the call that it comes from. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { PageMethod } from '../rpc.ts'
import { SourceLink } from './links.ts'

export interface TileProps {
  readonly label: string
  readonly value: string
  readonly detail?: string
  readonly definition: string
  readonly method: PageMethod
  readonly tone?: 'held' | 'bad' | null
}

export function Tile({ label, value, detail = '', definition, method, tone = null }: TileProps): VNode {
  return html`<div class=${`tile ${tone === null ? '' : `tile-${tone}`}`}>
    <h2>${label}</h2>
    <p class="tile-value">${value} <span class="tile-detail">${detail}</span></p>
    <p class="tile-definition">${definition} <${SourceLink} method=${method} /></p>
  </div>`
}
