/** Why nothing becomes final: the view, who voted what, who is missing, which certificate is lacking, and what to do. */
import type { ChainProgress, VoteTally } from '../client/api.ts'
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { toHex } from '../crypto/bytes.ts'
import type { ProgressReport } from '../consensus/progress-report.ts'
import type { Abstention } from '../consensus/replica-types.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import { weightOf } from '../consensus/validator-set.ts'

export interface StallQuestion {
  readonly set: ValidatorSet
  readonly report: ProgressReport
  readonly parameters: Parameters
  readonly sinceFinalMs: number
  /** This node, if it is a validator, and the validators it has a connection to. */
  readonly connected: ReadonlySet<ValidatorIndex>
  /** Why this node does not vote though it is a validator, or null. */
  readonly abstention: Abstention | null
}

/** What to do about it. */
export const ABSTENTION_ADVICE: Readonly<Record<Abstention, string>> = {
  'key-used-elsewhere':
    'stop the other process that uses this key, and import what it signed: cordon signer import (docs/signer.md)',
  'signer-lost': 'wait, or import what was signed: cordon signer import (docs/signer.md)',
}

/** Time without a final block after which a chain with these parameters counts as stalled. */
export function stallMs({ idleMs }: Parameters): number {
  return Math.max(LIMITS.stallMs, 2 * idleMs)
}

/** What the next block waits for, in names and sentences. */
export function chainProgress(question: StallQuestion): ChainProgress {
  const { set, report, parameters, sinceFinalMs, connected } = question
  const limitMs = stallMs(parameters)
  const missing = missingVoters(question)
  const facts = {
    stalled: sinceFinalMs > limitMs,
    stallMs: limitMs,
    sinceFinalMs: Math.round(sinceFinalMs),
    height: report.lastFinalHeight,
    lastFinalView: report.lastFinalView,
    view: report.view,
    inViewMs: report.inViewMs === null ? null : Math.round(report.inViewMs),
    leader: nameOf(set, report.leader),
    votes: report.votes.map(
      ({ kind, proposalId, voters }): VoteTally => ({
        kind,
        proposalId: proposalId === null ? null : toHex(proposalId),
        validators: voters.map((voter) => nameOf(set, voter)),
        shareBps: shareBps(set, weightOf(set, voters)),
      }),
    ),
    missing: missing.map((index) => ({
      name: nameOf(set, index),
      shareBps: shareBps(set, weightOf(set, [index])),
      connected: connected.has(index),
    })),
    connectedBps: shareBps(set, weightOf(set, [...connected])),
    quorumBps: Number((set.quorumWeight * 10_000n + set.totalWeight - 1n) / set.totalWeight),
    lacking: lackingCertificate(report),
  }
  return { ...facts, findings: findings(question, facts), advice: advice(question, missing) }
}

/** Votes that end a view; a finalize vote is cast after it. */
function missingVoters({ set, report }: StallQuestion): ValidatorIndex[] {
  const voted = new Set(
    report.votes.filter(({ kind }) => kind !== 'finalize').flatMap(({ voters }) => voters),
  )
  return [...set.validators.keys()].filter((index) => !voted.has(index))
}

function lackingCertificate({ view, notarizedViews, missesBlocks }: ProgressReport): string {
  if (missesBlocks) return 'none: blocks of notarized views are missing on this node'
  const ending = `a notarization or nullification of view ${view}`
  return notarizedViews.length === 0
    ? ending
    : `a finalization of view ${notarizedViews.join(' or ')}, or ${ending}`
}

type Facts = Omit<ChainProgress, 'findings' | 'advice'>

function findings({ report, abstention }: StallQuestion, facts: Facts): string[] {
  const { view, votes, missing, connectedBps, quorumBps } = facts
  const lines: string[] = []
  if (abstention === 'key-used-elsewhere')
    lines.push('this node does not vote: another process votes with its key')
  if (abstention === 'signer-lost') lines.push('this node does not vote yet: its signing state was lost')
  if (connectedBps < quorumBps)
    lines.push(
      `this node and the validators it is connected to hold ${percent(connectedBps)} of the stake; ${percent(quorumBps)} are needed`,
    )
  lines.push(
    `view ${view} is led by ${facts.leader}${facts.inViewMs === null ? '' : `, for ${seconds(facts.inViewMs)}`}; its proposal is ${proposalState(report)}`,
  )
  for (const { kind, proposalId, validators, shareBps: share } of votes)
    lines.push(
      `${kind}${proposalId === null ? '' : ` ${proposalId.slice(0, 8)}`}: ${validators.join(', ')} (${percent(share)})`,
    )
  if (missing.length > 0)
    lines.push(
      `no vote from ${missing.map(({ name, connected }) => `${name} (${connected ? 'connected' : 'not connected'})`).join(', ')}`,
    )
  lines.push(`lacking: ${facts.lacking}`)
  return lines
}

function proposalState({ hasProposal, proposalInvalid }: ProgressReport): string {
  if (!hasProposal) return 'not here'
  return proposalInvalid === null ? 'here' : `invalid: ${proposalInvalid}`
}

function advice(
  { set, report, connected, abstention }: StallQuestion,
  missing: readonly ValidatorIndex[],
): string {
  if (abstention !== null) return ABSTENTION_ADVICE[abstention]
  const names = (indices: readonly ValidatorIndex[]): string =>
    indices.map((index) => nameOf(set, index)).join(', ')
  const away = missing.filter((index) => !connected.has(index))
  if (weightOf(set, [...connected]) < set.quorumWeight)
    return `start ${names(away)}, or mend the network to them; the chain goes on by itself once validators with a quorum of the stake reach each other`
  if (report.missesBlocks) return 'wait for the blocks, or copy data/ from a stopped node of the same chain'
  const silent = missing.filter((index) => connected.has(index))
  if (silent.length > 0) return `look at the logs of ${names(silent)}: connected, but no vote in this view`
  return 'nothing to do here: the votes are in, the next view comes by itself'
}

function nameOf(set: ValidatorSet, index: ValidatorIndex): string {
  return set.validators[index]?.name ?? String(index)
}

function shareBps(set: ValidatorSet, weight: bigint): number {
  return Number((weight * 10_000n) / set.totalWeight)
}

function percent(bps: number): string {
  return `${(bps / 100).toFixed(2)} %`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
