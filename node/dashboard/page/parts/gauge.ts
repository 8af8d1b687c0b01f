/** How much of something: a bar, and for a reader the number. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export interface GaugeProps {
  readonly label: string
  readonly value: number
  readonly max: number
}

/** Browsers draw the element of that name each in its own way. */
export function Gauge({ label, value, max }: GaugeProps): VNode {
  return html`<span
    class="gauge"
    role="meter"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax=${max}
    aria-valuenow=${value}
    ><i style=${{ width: `${(100 * value) / max}%` }}></i
  ></span>`
}
