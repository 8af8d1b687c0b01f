/** Rules of the model, each broken in a copy by one edit, to see that random traces find out. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ORDERING, simulate } from './quint.ts'

export interface BrokenRule {
  readonly name: string
  readonly find: string
  readonly replace: string
  /** Invariant that must fall. */
  readonly invariant: string
  /** Where it falls soonest. */
  readonly instance: string
}

export const BROKEN_RULES: readonly BrokenRule[] = [
  {
    name: 'a proposal need not show the nullifications of the views it skips (4.1.6)',
    find: 'p.skips == p.parent.view.to(p.view).exclude(Set(p.parent.view, p.view))',
    replace: 'true',
    invariant: 'noViewIsSkippedSilently',
    instance: 'weighted',
  },
  {
    name: 'a view may be finalized after an own nullify vote (4.3.2)',
    find: 'not(hasCast(n, Nullify, view)),                    // 4.3.2',
    replace: '',
    invariant: 'noHonestContradiction',
    instance: 'equal',
  },
  {
    name: 'another proposal than the notarized one may be finalized (4.3.3)',
    find: 'not(hasCastOther(n, Notarize, view, pid)),         // 4.3.3',
    replace: '',
    invariant: 'noHonestContradiction',
    instance: 'equal',
  },
  {
    name: 'a quorum is one vote lighter (§1)',
    find: 'pure val QUORUM: int = TOTAL - MAX_FAULTY',
    replace: 'pure val QUORUM: int = TOTAL - MAX_FAULTY - 1',
    invariant: 'agreement',
    instance: 'equal',
  },
  {
    name: 'votes leave before they are in the journal (P1)',
    find: "votesSent' = if (fate == Done) votesSent.union(after.outVotes) else votesSent,",
    replace: "votesSent' = votesSent.union(after.outVotes),",
    invariant: 'sentVotesAreDurable',
    instance: 'equal',
  },
  {
    name: 'the journal is written before the records (P2)',
    find: '| BeforeJournal => died({ ...after, votes: before.votes })',
    replace: '| BeforeJournal => died({ ...before, votes: after.votes })',
    invariant: 'votesRestOnDurableRecords',
    instance: 'equal',
  },
  {
    name: 'an own vote that only a stored certificate shows is not journaled on a restart (P1)',
    find: 'n.votes.union(n.shown.filter(v => v.view >= finalView(n)))',
    replace: 'n.votes',
    invariant: 'sentVotesAreDurable',
    instance: 'weighted',
  },
  {
    name: 'own votes are forgotten on a restart (P6)',
    find: '{ ...FRESH, votes: n.votes, certificates',
    replace: '{ ...FRESH, certificates',
    invariant: 'sentVotesAreDurable',
    instance: 'equal',
  },
]

/** Whether random traces of the broken model violate what the rule is for. */
export async function isFound(rule: BrokenRule, traces: number, seed: number): Promise<boolean> {
  const text = readFileSync(ORDERING, 'utf8')
  const count = text.split(rule.find).length - 1
  if (count !== 1)
    throw new Error(`${rule.name}: expected once in the model, found ${count} times: ${rule.find}`)
  const dir = mkdtempSync(join(tmpdir(), 'cordon-spec-'))
  try {
    const model = join(dir, 'ordering.qnt')
    writeFileSync(
      model,
      text.replace(rule.find, () => rule.replace),
    )
    const { instance, invariant } = rule
    const { violation } = await simulate({ model, instance, invariant, traces, steps: 40, seed })
    return violation !== null
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
