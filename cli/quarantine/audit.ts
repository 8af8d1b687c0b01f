/** `quarantine audit verify`: whether a review log is what was written. */
import { readFileSync } from 'node:fs'
import { CordonError } from '../../config/errors.ts'
import { parseReviewLog } from '../../fraud/review/chain.ts'
import type { VerifyOptions } from '../commands/review.ts'
import { facts, time } from '../format.ts'
import { requireOperator } from '../operator.ts'
import { note, type CommandResult } from '../output.ts'
import { exportedLines } from './export.ts'

export async function verifyLog(options: VerifyOptions, file: string | undefined): Promise<CommandResult> {
  const text = file === undefined ? await textOfNode(options) : readLog(file)
  const { events, publicKey, goodCharacters } = parseReviewLog(text, 'all')
  const [first, last] = [events[0], events.at(-1)]
  if (first?.body.type !== 'log.started' || last === undefined)
    throw new CordonError('review-invalid', 'the review log is empty: there is nothing to verify')
  if (options.key !== undefined && options.key.toLowerCase() !== publicKey)
    throw new CordonError(
      'review-invalid',
      `the review log is signed by ${String(publicKey)}, not by ${options.key}`,
    )
  if (goodCharacters < text.length) note('the last line is not whole, as after a crash: it is left out')
  const { genesisHash } = first.body
  const data = { events: events.length, publicKey, genesisHash, firstMs: first.timeMs, lastMs: last.timeMs }
  const rows = [
    ['verified', `${events.length} events: numbers, chain and all signatures are right`],
    ['signed by', String(publicKey)],
    ['chain', genesisHash],
    ['from', time(first.timeMs)],
    ['to', time(last.timeMs)],
  ]
  return { data, text: facts(rows) }
}

async function textOfNode(options: VerifyOptions): Promise<string> {
  const lines: string[] = []
  for await (const line of exportedLines(requireOperator(options), 0)) lines.push(`${line}\n`)
  return lines.join('')
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CordonError(
      'usage',
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      { path },
      { cause: error },
    )
  }
}
