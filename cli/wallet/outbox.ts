/** `wallet outbox`: the signed payments that are kept; no node is asked. */
import { toHex } from '../../crypto/bytes.ts'
import { keystorePaths } from '../context.ts'
import { amount, distance, printable, table, time } from '../format.ts'
import { Names } from '../names.ts'
import type { LocalOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { listOutbox, type StoredEntry } from '../outbox.ts'

/** What can be said without a node. `open`: may be on its way or final. `over`: final or expired. */
type EntryState = 'open' | 'over' | 'refused'

export async function list(options: LocalOptions): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const { entries, damaged } = listOutbox(paths.outbox)
  const nowMs = Date.now()
  const payments = entries.map((entry) => ({
    key: entry.key,
    txId: toHex(entry.txId),
    ...entry.terms,
    validUntilMs: entry.validUntilMs,
    state: stateOf(entry, nowMs),
    attempt: entry.attempt,
    chain: entry.chain,
  }))
  const names = new Names(paths)
  const text =
    payments.length === 0
      ? `no payments in ${paths.outbox}`
      : table(
          [
            { title: 'KEY' },
            { title: 'AMOUNT', align: 'right' },
            { title: 'FROM' },
            { title: 'TO' },
            { title: 'VALID UNTIL' },
            { title: 'STATE' },
            { title: 'TRANSACTION' },
          ],
          payments.map(({ key, txId, from, to, amount: units, validUntilMs, state }) => [
            key === null ? '-' : printable(key),
            amount(units),
            names.short(from),
            names.short(to),
            `${time(validUntilMs)} (${distance(validUntilMs, nowMs)})`,
            state,
            txId,
          ]),
        )
  const [error] = damaged
  return {
    data: {
      outbox: paths.outbox,
      payments,
      damaged: damaged.map(({ message, payload }) => ({ path: payload.path, message })),
    },
    text,
    ...(error === undefined ? {} : { error }),
  }
}

function stateOf({ refused, validUntilMs }: StoredEntry, nowMs: number): EntryState {
  if (refused) return 'refused'
  return validUntilMs < nowMs ? 'over' : 'open'
}
