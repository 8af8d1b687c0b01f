/** Attempts in the outbox: under a key, with which a repeat is the same payment, or the only one without a key. */
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { Outbox, PaymentTerms, StoredEntry } from '../outbox.ts'
import type { Attempts } from './pay-once.ts'

/**
 * An earlier attempt counts as this one, if it is of the same payment.
 * @param sign signs an attempt and puts it into the outbox.
 */
export function keyedAttempts(
  key: string,
  terms: PaymentTerms,
  outbox: Outbox,
  sign: (attempt: number) => Promise<StoredEntry>,
): Attempts<StoredEntry> {
  const checked = (entry: StoredEntry): StoredEntry => {
    requireSameTerms(key, entry, terms)
    return entry
  }
  return {
    newest: () => {
      const entry = outbox.newest(key)
      return entry === null ? null : checked(entry)
    },
    sign: async (attempt) => checked(await sign(attempt)),
    markRefused: (entry) => outbox.markRefused(entry),
    unmarkRefused: (entry) => outbox.unmarkRefused(entry),
  }
}

/** Without a key a repeat is another payment: what no node has is forgotten. */
export function onlyAttempt(
  outbox: Outbox,
  sign: (attempt: number) => Promise<StoredEntry>,
): Attempts<StoredEntry> {
  return {
    newest: () => null,
    sign,
    markRefused: (entry) => outbox.remove(entry),
    unmarkRefused: () => undefined,
  }
}

/** @throws CordonError `usage` if a key was used for another payment. */
function requireSameTerms(key: string, { terms, txId }: StoredEntry, wanted: PaymentTerms): void {
  const differing = (['from', 'to', 'amount', 'memo'] as const).filter((name) => terms[name] !== wanted[name])
  if (differing.length === 0) return
  const was = differing.map((name) => `${name} ${JSON.stringify(terms[name])}`).join(', ')
  throw new CordonError(
    'usage',
    `--key ${JSON.stringify(key)} belongs to another payment, ${toHex(txId)}, with ${was}; use another key`,
    { txId: toHex(txId) },
  )
}
