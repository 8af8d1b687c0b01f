/** What ended holds teach the model (spec/ledger.md, Hold). */
import { labelOf } from '../../ledger/hold-ends.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Hold } from '../../ledger/types.ts'
import { transferKey } from '../transfers.ts'

/** The outcome of a held transfer. */
export interface HoldLabel {
  /** Of the transfer, as in `TransferFacts`. */
  readonly key: string
  readonly label: 'fraud' | 'legitimate'
}

/** Of those that say something. @param labelMinAgeMs parameter of the chain. */
export async function labelsOf(
  holds: readonly Hold[],
  ledger: Pick<Ledger, 'account'>,
  labelMinAgeMs: number,
): Promise<HoldLabel[]> {
  const labels = await Promise.all(
    holds.map(async ({ txId, action, payer, end }): Promise<HoldLabel[]> => {
      if (end === null) return []
      const payerCreatedMs = (await ledger.account(payer))?.createdMs ?? Infinity
      const label = labelOf(end.how, { payerCreatedMs, timeMs: end.atMs, labelMinAgeMs })
      return label === null ? [] : [{ key: transferKey(txId, action), label }]
    }),
  )
  return labels.flat()
}
