/** `cordon wallet payout …`: declarations; what they do is loaded when they run. */
import { Option, type Command } from 'commander'
import { parseAmount } from '../../config/amount.ts'
import { explain } from '../explanation.ts'
import { nodeOptions, passwordOptions, timeoutOption } from '../options.ts'
import { action } from '../run.ts'

const DEFAULT_TIMEOUT = '60s'

export function buildPayout(group: Command): Command {
  group.description('many payments from a CSV file, each of them once')
  run(group)
  status(group)
  return group
}

function run(group: Command): void {
  const command = passwordOptions(group.command('run <csv>'))
    .description('pay the rows of a file, or go on where an earlier run stopped')
    .requiredOption('--from <key>', 'key that pays: a name of the keystore, or its address')
    .option('--max-total <amount>', 'pay nothing if the rows add up to more', parseAmount)
    .option('--dry-run', 'check the file, show total, fees and what this node would flag; send nothing')
    .option('--yes', 'do not ask before paying')
    .addOption(resultsOption())
    .addOption(timeoutOption(DEFAULT_TIMEOUT, 'give up waiting for one transaction after this time (exit 4)'))
  explain(command, {
    about: [
      'Header: payee,amount,reference; the payee is a name or an address, the amount has its unit, the reference becomes the memo and may be left out. If one row is wrong, nothing is sent. What is signed is kept in the folder .payout beside the file (pay.payout of pay.csv) before it is sent: run again after a break, and no row is paid twice; rows that failed or expired are signed anew. Rows may be appended, not changed. A row that validators find suspicious is held alone.',
      'Exit codes: 0 all settled, 2 wrong usage or file, 3 no node, 4 some unknown, 5 none paid, 6 some held, 7 some not paid, 8 no password or not confirmed.',
    ],
    examples: ['cordon wallet payout run pay.csv --from alice --max-total 500CRD --yes --json'],
  })
  action(command, async (options: never, csv: string) => (await import('../payout/run.ts')).run(options, csv))
}

function status(group: Command): void {
  const command = nodeOptions(group.command('status <csv>'))
    .description('how the rows stand that earlier runs began to pay; signs and sends nothing')
    .addOption(resultsOption())
  explain(command, {
    about: [
      'It looks at the folder .payout beside the file and not at the file itself, asks a node, and writes the result file anew. State: settled, held, returned (a hold ended and the money is back), failed, expired, pending.',
      'Exit codes: as of payout run; 5 also if nothing was begun.',
    ],
    examples: ['cordon wallet payout status pay.csv --json'],
  })
  action(command, async (options: never, csv: string) =>
    (await import('../payout/run.ts')).status(options, csv),
  )
}

const resultsOption = (): Option =>
  new Option('--results <file>', 'write the state of each row there (default: pay.results.csv of pay.csv)')
