/** The step between a button and a vote: what it is about, and what will happen. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { HoldInfo, ValidatorInfo } from '../../../../client/api.ts'
import { amount, capital, listed, share } from '../format.ts'
import { FactList } from '../parts/facts.ts'
import type { VoteSide } from '../tally.ts'

export interface VoteDialogProps {
  readonly hold: HoldInfo
  readonly side: VoteSide
  /** With whose stake this node votes. */
  readonly voters: readonly Pick<ValidatorInfo, 'name' | 'shareBps'>[]
  /** Whether the vote ends the hold. */
  readonly ends: boolean
  readonly onVote: () => void
  readonly onCancel: () => void
}

export function VoteDialog({ hold, side, voters, ends, onVote, onCancel }: VoteDialogProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  // What is behind it cannot be reached meanwhile; focus goes back where it was.
  useEffect(() => dialog.current?.showModal(), [])
  const stakeBps = voters.reduce((sum, { shareBps }) => sum + shareBps, 0)
  const goes = side === 'release' ? 'on to the payee' : 'back to the payer'
  return html`<dialog ref=${dialog} class="vote-dialog" aria-labelledby="vote-title" onClose=${onCancel}>
    <h2 id="vote-title">${capital(side)} ${amount(hold.amount)}?</h2>
    <${FactList}
      rows=${[
        ['Amount', amount(hold.amount)],
        ['Payer', html`<span class="id whole">${hold.payer}</span>`],
        ['Payee', html`<span class="id whole">${hold.payee}</span>`],
      ]}
    />
    <p>
      The node signs a vote to ${side} as operator of ${listed(voters.map(({ name }) => name))}, with${' '}
      ${share(stakeBps)} of the stake. A vote stands: it cannot be taken back or changed.
    </p>
    <p class=${`vote-effect vote-effect-${ends ? 'now' : 'later'}`}>
      ${ends
        ? html`<b>It decides.</b> With it more than half of the stake is for this, and the money goes${' '}
            ${goes} at once.`
        : html`<b>It does not decide alone.</b> The payment stays held until more than half of the stake has
            voted the same way; then the money goes ${goes}.`}
    </p>
    <p class="actions">
      <button class="primary" onClick=${onVote}>Vote to ${side}</button>
      <button
        onClick=${() => {
          dialog.current?.close()
        }}
      >
        Cancel
      </button>
    </p>
  </dialog>`
}
