/** `cordon watch` */
import { InvalidArgumentError, type Command } from 'commander'
import { explain } from '../explanation.ts'
import { parseInteger, streamOptions } from '../options.ts'
import { action } from '../run.ts'
import { isCursor } from '../watch/cursor-file.ts'

export function build(command: Command): Command {
  streamOptions(command)
    .option('--account <account>', 'name or address whose payments to show (default: all payments)')
    .option(
      '--from <cursor>',
      'begin there, such as 1.0: at the first block (default: the next block)',
      parseCursor,
    )
    .option(
      '--cursor-file <file>',
      'keep there where it stopped, and go on from there at the next start, whatever --from says',
    )
    .option('--count <count>', 'end after so many events', parseInteger(1))
    .option('--until-idle', 'end once there is nothing to show, instead of waiting')
  explain(command, {
    about: [
      'Events: settled, held, failed, and released, returned, recalled: ends of a hold. Each has the cursor that goes on after it, at every node of the chain. If no node answers it says so on standard error and asks again, later and later. Ctrl-C ends it.',
      'Exit codes: 0 ended, 2 wrong usage or a cursor of another chain or account, 3 no node answered at the start.',
    ],
    examples: [
      'cordon watch --account alice --cursor-file alice.cursor | jq .amount',
      'cordon watch --from 1.0 --until-idle',
    ],
  })
  return action(command, async (options: never) => (await import('../watch/watch.ts')).watch(options))
}

function parseCursor(text: string): string {
  if (isCursor(text)) return text
  throw new InvalidArgumentError(
    `expected a cursor such as 120.3 of an event, or 120.0 for all of block 120 on, got ${JSON.stringify(text.slice(0, 80))}.`,
  )
}
