/** `quarantine export`: the lines of the review log as they are stored, those that there are or as they come. */
import { setTimeout as delay } from 'node:timers/promises'
import type { OperatorClient } from '../../client/operator-client.ts'
import { isUnreachable } from '../../client/reachable.ts'
import { CordonError, EXIT } from '../../config/errors.ts'
import type { ExportOptions } from '../commands/review.ts'
import { requireOperator } from '../operator.ts'
import { note } from '../output.ts'

/** Between two questions for new lines: people do not close cases faster, and it costs a node next to nothing. */
const FOLLOW_POLL_MS = 1_000
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Writes the lines themselves: with `--json` too they are what is wanted. */
export async function exportLog(options: ExportOptions): Promise<number> {
  if (options.follow === true) return follow(options)
  for await (const line of exportedLines(requireOperator(options), options.since)) writeLine(line)
  return EXIT.done
}

/** @throws CordonError `usage` if the log is shorter than `since`, and those of the call. */
export async function* exportedLines(client: OperatorClient, since: number): AsyncGenerator<string, void> {
  for (let from = since; ; ) {
    const { lines, next } = await pageFrom(client, from)
    if (lines.length === 0) return
    yield* lines
    from = next
  }
}

async function pageFrom(
  client: OperatorClient,
  since: number,
): Promise<{ readonly lines: readonly string[]; readonly next: number }> {
  const { lines, next, events } = await client.call('review_export', { since })
  if (events >= since) return { lines, next }
  throw new CordonError(
    'usage',
    `the review log has ${events} events, and event ${since} was asked for; if a new log was begun, take it from --since 0`,
    { events, since },
  )
}

/** Goes on until it is told to stop, also over restarts of the node. Whoever goes away from our output ends it, too. */
async function follow(options: ExportOptions): Promise<number> {
  const stop = new AbortController()
  for (const name of STOP_SIGNALS) process.once(name, () => stop.abort())
  let next = options.since
  let state: 'unknown' | 'there' | 'away' = 'unknown'
  while (!stop.signal.aborted) {
    try {
      const page = await pageFrom(requireOperator(options), next)
      state = 'there'
      next = page.next
      page.lines.forEach(writeLine)
      if (page.lines.length > 0) continue // and perhaps more
    } catch (error) {
      // A node that was there is started again.
      if (state === 'unknown' || !isUnreachable(error)) throw error
      if (state === 'there') note(`${error.message}; waiting for the node, to go on with event ${next}`)
      state = 'away'
    }
    await delay(FOLLOW_POLL_MS, undefined, stop).catch(() => undefined) // told to stop
  }
  note(`ended before event ${next}; go on with --since ${next}`)
  return EXIT.done
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}
