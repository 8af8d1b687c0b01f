/**
 * What teaches the model: the ends of holds (spec/ledger.md, Hold), and what reviewers of this node say that closed cases
 * were. Whichever comes first counts.
 */
import { fromHex } from '../../crypto/bytes.ts'
import type { Outcome } from '../../fraud/review/events.ts'
import type { ReviewCase } from '../../fraud/review/state.ts'
import { labelOf } from '../../ledger/hold-ends.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Hold } from '../../ledger/types.ts'
import { transferKey } from '../transfers.ts'

/** The outcome of a transfer. */
export interface OutcomeLabel {
  /** Of the transfer, as in `TransferFacts`. */
  readonly key: string
  readonly label: 'fraud' | 'legitimate'
}

/** Of those holds that say something. @param labelMinAgeMs parameter of the chain. */
export async function labelsOf(
  holds: readonly Hold[],
  ledger: Pick<Ledger, 'account'>,
  labelMinAgeMs: number,
): Promise<OutcomeLabel[]> {
  const labels = await Promise.all(
    holds.map(async ({ txId, action, payer, end }): Promise<OutcomeLabel[]> => {
      if (end === null) return []
      const payerCreatedMs = (await ledger.account(payer))?.createdMs ?? Infinity
      const label = labelOf(end.how, { payerCreatedMs, timeMs: end.atMs, labelMinAgeMs })
      return label === null ? [] : [{ key: transferKey(txId, action), label }]
    }),
  )
  return labels.flat()
}

const LABEL_OF: Readonly<Record<Outcome, OutcomeLabel['label'] | null>> = {
  'confirmed-fraud': 'fraud',
  'false-positive': 'legitimate',
  inconclusive: null,
}

/** Null: the case is not closed, or nobody knows what it was. */
export function labelOfCase({
  status,
  outcome,
  txId,
  action,
}: Pick<ReviewCase, 'status' | 'outcome' | 'txId' | 'action'>): OutcomeLabel | null {
  const label = status === 'closed' && outcome !== null ? LABEL_OF[outcome] : null
  return label === null ? null : { key: transferKey(fromHex(txId), action), label }
}
