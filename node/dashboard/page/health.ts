/** One sentence on how the node is, with the cause and what to do when it is not well. */
import type { ChainProgress, ChainStatus, Problem, ValidatorInfo } from '../../../client/api.ts'
import { capital, count, duration } from './format.ts'
import type { LineState } from './line-state.ts'

export type Tone = 'well' | 'waiting' | 'warning' | 'ill'

export interface Health {
  readonly tone: Tone
  readonly sentence: string
  readonly cause: string | null
  readonly command: string | null
}

export interface Facts {
  readonly line: LineState
  readonly status: ChainStatus | null
  readonly progress: ChainProgress | null
  readonly validators: readonly ValidatorInfo[]
  readonly problems: readonly Problem[]
}

/** What a problem of the node means for it, and where to look first. */
const PROBLEMS: Readonly<Record<string, { readonly sentence: string; readonly command: string }>> = {
  voting: { sentence: 'This validator has stopped voting.', command: 'cordon signer status' },
  'fraud model': {
    sentence: 'The fraud model does not run: this node flags nothing.',
    command: 'cordon fraud model list',
  },
}

export function healthOf(facts: Facts): Health {
  const { line, status, progress } = facts
  if (line === 'lost' || (line === 'connecting' && status !== null))
    return ill('The node does not answer.', 'The connection is tried again.', 'cordon status')
  if (status === null || progress === null)
    return { tone: 'waiting', sentence: 'Connecting to the node …', cause: null, command: null }
  if (progress.stalled) return stalled(progress)
  return (
    problem(facts.problems) ?? absent(facts.validators) ?? beginning(status) ?? well(facts, status, progress)
  )
}

function ill(sentence: string, cause: string, command: string): Health {
  return { tone: 'ill', sentence, cause, command }
}

function stalled({ sinceFinalMs, findings, lacking }: ChainProgress): Health {
  const cause = `${capital(findings[0] ?? `the chain waits for ${lacking}`)}.`
  return ill(`Nothing has become final for ${duration(sinceFinalMs)}.`, cause, 'cordon doctor stall')
}

function problem([first]: readonly Problem[]): Health | null {
  if (first === undefined) return null
  const known = PROBLEMS[first.what]
  const sentence = known?.sentence ?? `Out of order: ${first.what}.`
  const command = known?.command ?? 'cordon status'
  return { tone: 'warning', sentence, cause: `${capital(first.detail)}. ${capital(first.hint)}.`, command }
}

function absent(validators: readonly ValidatorInfo[]): Health | null {
  const names = validators.filter(({ connected }) => !connected).map(({ name }) => name)
  if (names.length === 0) return null
  return {
    tone: 'warning',
    sentence: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not connected.`,
    cause: 'The chain goes on with the others, as long as they have two thirds of the stake.',
    command: 'cordon validators',
  }
}

function beginning({ height }: ChainStatus): Health | null {
  return height > 0
    ? null
    : { tone: 'waiting', sentence: 'No block is final yet.', cause: null, command: null }
}

function well(
  { validators }: Facts,
  { height, openHolds }: ChainStatus,
  { sinceFinalMs }: ChainProgress,
): Health {
  const holds =
    openHolds === 0
      ? 'Nothing is held.'
      : `${count(openHolds)} ${openHolds === 1 ? 'payment waits' : 'payments wait'} for review.`
  return {
    tone: 'well',
    sentence: `All is well. Block ${count(height)} became final ${duration(sinceFinalMs)} ago.`,
    cause: `${validators.length} of ${validators.length} validators are connected. ${holds}`,
    command: null,
  }
}
