/** `quarantine allow | watch | snooze`: the lists of a node. */
import type { EntryInfo, EntryKind, EntrySubject } from '../../client/operator-api.ts'
import type { AddOptions } from '../commands/review.ts'
import { keystorePaths } from '../context.ts'
import { distance, table } from '../format.ts'
import { Names } from '../names.ts'
import { requireOperator } from '../operator.ts'
import type { ReviewOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

/** `rule` for a snooze; the accounts of the other lists are among the options. */
export async function addEntry(
  options: AddOptions,
  kind: EntryKind,
  { rule }: Pick<EntrySubject, 'rule'>,
): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const { payer, payee, account, why, for: forMs } = options
  const added = await requireOperator(options).call('review_addEntry', {
    kind,
    why,
    forMs,
    ...(rule === undefined ? {} : { rule }),
    ...(payer === undefined ? {} : { payer: names.resolve(payer) }),
    ...(payee === undefined ? {} : { payee: names.resolve(payee) }),
    ...(account === undefined ? {} : { account: names.resolve(account) }),
  })
  return {
    data: added,
    text: `${kind} ${subjectWords(added, names)}, until ${distance(added.expiresMs, Date.now())}; end it with: cordon quarantine ${kind} remove ${added.entry}`,
  }
}

export async function listEntries(options: ReviewOptions, kind: EntryKind): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const answer = await requireOperator(options).call('review_entries', {})
  const entries = answer.entries.filter((entry) => entry.kind === kind)
  const nowMs = Date.now()
  const rows = entries.map((entry) => [
    String(entry.entry),
    subjectWords(entry, names),
    distance(entry.expiresMs, nowMs),
    entry.actor,
    entry.why,
  ])
  const titles = [
    { title: 'ENTRY', align: 'right' } as const,
    { title: 'ABOUT' },
    { title: 'ENDS' },
    { title: 'BY' },
    { title: 'WHY' },
  ]
  return { data: { entries }, text: rows.length === 0 ? `nothing on ${kind}` : table(titles, rows) }
}

export async function removeEntry(options: ReviewOptions, entry: number): Promise<CommandResult> {
  await requireOperator(options).call('review_removeEntry', { entry })
  return { data: { entry, removed: true }, text: `entry ${entry} is removed` }
}

function subjectWords({ payer, payee, account, rule }: EntryInfo, names: Names): string {
  if (rule !== undefined) return rule
  if (account !== undefined) return names.label(account)
  return `${names.label(payer ?? '')} → ${names.label(payee ?? '')}`
}
