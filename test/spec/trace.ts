/**
 * Traces of the model `docs/spec/quint/ordering.qnt`: read from the Informal Trace Format that Quint writes, and cut down
 * to what a replay needs: what happened in each step, and how the validators that took part stand after it.
 */

export interface ModelCertificate {
  readonly kind: 'notarize' | 'nullify' | 'finalize'
  readonly view: number
  /** 10 · view + number of the proposal; 0: none, or genesis. */
  readonly pid: number
}

export interface ModelVote extends ModelCertificate {
  readonly by: number
}

export interface ModelProposal {
  readonly pid: number
  readonly view: number
  readonly parent: ModelCertificate
  readonly skips: readonly number[]
  readonly valid: boolean
}

export type ModelInput =
  | { readonly type: 'proposal'; readonly proposal: ModelProposal }
  | { readonly type: 'vote'; readonly vote: ModelVote }
  | { readonly type: 'certificate'; readonly certificate: ModelCertificate }
  | { readonly type: 'timer' }

/** How far the process comes in a step before it dies. */
export type Fate = 'Done' | 'BeforeStore' | 'BeforeJournal' | 'BeforeSend'

export type ModelEvent =
  | { readonly type: 'start' }
  | { readonly type: 'faulty-proposal'; readonly proposal: ModelProposal }
  | { readonly type: 'input'; readonly node: number; readonly input: ModelInput; readonly fate: Fate }
  | { readonly type: 'crash'; readonly node: number }
  | { readonly type: 'recover'; readonly node: number }

/** A validator after a step. Votes and certificates are those on its disk, as `voteName` and `certificateName` write them. */
export interface ModelNode {
  readonly index: number
  readonly up: boolean
  readonly view: number
  readonly votes: readonly string[]
  readonly certificates: readonly string[]
  /** Proposals of the final chain, ascending. */
  readonly final: readonly number[]
}

export interface ModelStep {
  readonly event: ModelEvent
  /** All validators after the start, else the one that took the step; none if a faulty leader took it. */
  readonly nodes: readonly ModelNode[]
  /** New in this step: votes and proposals that left honest validators. */
  readonly sent: readonly string[]
}

export interface ModelTrace {
  /** Name of the module: which validators there are. */
  readonly instance: string
  readonly steps: readonly ModelStep[]
}

export function certificateName({ kind, view, pid }: ModelCertificate): string {
  return `${kind} ${kind === 'nullify' ? view : pid}`
}

export function voteName(vote: ModelVote): string {
  return `${certificateName(vote)} by ${vote.by}`
}

/** Of a proposal that an honest leader sent. */
export function proposalName(proposal: Omit<ModelProposal, 'valid'>): string {
  return `proposal ${proposal.pid} on ${certificateName(proposal.parent)} past ${proposal.skips.join(',')}`
}

// ---- the Informal Trace Format ----

type Itf = string | boolean | readonly Itf[] | { readonly [key: string]: Itf }

interface Variant {
  readonly tag: string
  readonly value: never
}

interface ItfNode {
  readonly up: boolean
  readonly view: number
  readonly votes: readonly ModelVote[]
  readonly certificates: readonly ModelCertificate[]
}

interface ItfState {
  readonly nodes: readonly (readonly [number, ItfNode])[]
  readonly votesSent: readonly ModelVote[]
  readonly proposals: readonly ModelProposal[]
  readonly event: Variant
}

/** Sets and maps become arrays, integers numbers. */
function plain(value: Itf): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object') return value
  const fields = value as Readonly<Record<string, Itf>>
  if (fields['#bigint'] !== undefined) return Number(fields['#bigint'])
  const list = fields['#set'] ?? fields['#map'] ?? fields['#tup']
  if (list !== undefined) return (list as readonly Itf[]).map(plain)
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, plain(field)]))
}

/** Reads what `quint run --out-itf` wrote of one trace. */
export function readItf(text: string): ModelTrace {
  const { states } = JSON.parse(text) as { readonly states: readonly Readonly<Record<string, Itf>>[] }
  const prefix = Object.keys(states[0] ?? {}).find((name) => name.endsWith('::nodes'))
  if (prefix === undefined) throw new Error('expected a trace of the ordering model, found no variable nodes')
  const field = (state: Readonly<Record<string, Itf>>, name: string): unknown =>
    plain(state[prefix.replace(/nodes$/, name)] as Itf)
  const read = states.map(
    (state) =>
      Object.fromEntries(
        ['nodes', 'votesSent', 'proposals', 'event'].map((name) => [name, field(state, name)]),
      ) as unknown as ItfState,
  )
  return {
    instance: prefix.split('::')[0] ?? '',
    steps: read.map((state, position) => stepOf(state, read[position - 1] ?? null)),
  }
}

function stepOf(state: ItfState, before: ItfState | null): ModelStep {
  const event = eventOf(state.event)
  const acted =
    event.type === 'start'
      ? state.nodes
      : state.nodes.filter(([index]) => 'node' in event && event.node === index)
  const made = state.proposals.filter(({ pid }) => pid % 10 === 0)
  const names = (from: ItfState | null): Set<string> =>
    new Set([
      ...(from?.votesSent.map(voteName) ?? []),
      ...(from?.proposals.filter(({ pid }) => pid % 10 === 0).map(proposalName) ?? []),
    ])
  const earlier = names(before)
  return {
    event,
    nodes: acted.map(([index, node]) => nodeOf(index, node, [...state.proposals, ...made])),
    sent: [...names(state)].filter((name) => !earlier.has(name)).sort(),
  }
}

function nodeOf(index: number, node: ItfNode, proposals: readonly ModelProposal[]): ModelNode {
  const finals = node.certificates.filter(({ kind }) => kind === 'finalize')
  const newest = finals.reduce((best, { pid }) => Math.max(best, pid), 0)
  return {
    index,
    up: node.up,
    view: node.view,
    votes: node.votes.map(voteName).sort(),
    certificates: node.certificates.map(certificateName).sort(),
    final: chainOf(newest, proposals),
  }
}

function chainOf(pid: number, proposals: readonly ModelProposal[]): number[] {
  const chain: number[] = []
  for (let next = pid; next !== 0; ) {
    chain.unshift(next)
    const found = proposals.find((proposal) => proposal.pid === next)
    if (found === undefined) throw new Error(`the trace has a certificate for ${next} and no such proposal`)
    next = found.parent.pid
  }
  return chain
}

function eventOf({ tag, value }: Variant): ModelEvent {
  switch (tag) {
    case 'Start':
      return { type: 'start' }
    case 'FaultyProposes':
      return { type: 'faulty-proposal', proposal: value }
    case 'Crashes':
      return { type: 'crash', node: value }
    case 'Recovers':
      return { type: 'recover', node: value }
    case 'Takes': {
      const { node, input, fate } = value as { node: number; input: Variant; fate: { tag: Fate } }
      return { type: 'input', node, input: inputOf(input), fate: fate.tag }
    }
    default:
      throw new Error(`the trace has an event ${tag}, which is not known here`)
  }
}

function inputOf({ tag, value }: Variant): ModelInput {
  switch (tag) {
    case 'ProposalIn':
      return { type: 'proposal', proposal: value }
    case 'VoteIn':
      return { type: 'vote', vote: value }
    case 'CertificateIn':
      return { type: 'certificate', certificate: value }
    case 'TimerIn':
      return { type: 'timer' }
    default:
      throw new Error(`the trace has an input ${tag}, which is not known here`)
  }
}
