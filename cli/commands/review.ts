/** `cordon quarantine cases | case | allow | watch | snooze | export | audit`: what needs the token of an operator. */
import { Argument, Option, type Command } from 'commander'
import { OUTCOMES, SNOOZABLE, type EntryKind, type Outcome } from '../../fraud/review/events.ts'
import {
  operatorOptions,
  parseDuration,
  parseId,
  parseInteger,
  reviewOptions,
  type OperatorOptions,
  type ReviewOptions,
} from '../options.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

export interface CasesOptions extends ReviewOptions {
  readonly status: 'open' | 'closed'
  readonly limit: number
}

export interface CloseOptions extends ReviewOptions {
  readonly outcome: Outcome
  readonly note?: string
}

export interface AddOptions extends ReviewOptions {
  readonly for: number
  readonly why: string
  readonly payer?: string
  readonly payee?: string
  readonly account?: string
}

export interface ExportOptions extends OperatorOptions {
  readonly since: number
  readonly follow?: boolean
}

export interface VerifyOptions extends OperatorOptions {
  readonly key?: string
}

type Loaded = typeof import('../quarantine/cases.ts') &
  typeof import('../quarantine/lists.ts') &
  typeof import('../quarantine/audit.ts') &
  typeof import('../quarantine/export.ts')

/** The modules behind the commands, loaded when one runs. */
async function load(): Promise<Loaded> {
  const [cases, lists, audit, exported] = await Promise.all([
    import('../quarantine/cases.ts'),
    import('../quarantine/lists.ts'),
    import('../quarantine/audit.ts'),
    import('../quarantine/export.ts'),
  ])
  return { ...cases, ...lists, ...audit, ...exported }
}

const idArgument = (): Argument =>
  new Argument('<id>', 'id of the case, which is that of its hold').argParser(parseId)

export function addCaseCommands(quarantine: Command): void {
  const cases = reviewOptions(quarantine.command('cases'))
    .description('cases of this node: deadline, then amount, then score')
    .addOption(
      new Option('--status <status>', 'those to work on, or those that were closed')
        .choices(['open', 'closed'])
        .default('open'),
    )
    .option('--limit <count>', 'at most this many', parseInteger(1), 100)
  action(cases, async (options: CasesOptions) => (await load()).listCases(options))
  addCase(quarantine.command('case').description('one case: look at it, note, close, confirm'))
  addList(quarantine, 'allow', 'pairs and accounts that this validator does not flag')
  addList(quarantine, 'watch', 'pairs and accounts for which a case is always opened')
  addList(quarantine, 'snooze', 'rules and reasons that this validator ignores for a time')
  addLog(quarantine)
}

function addCase(parent: Command): void {
  const show = reviewOptions(parent.command('show'))
    .description('what the model said, what became of the payment, notes and outcome')
    .addArgument(idArgument())
  action(show, async (options: ReviewOptions, id: string) => (await load()).showCase(options, id))

  const note = reviewOptions(parent.command('note'))
    .description('add a note')
    .addArgument(idArgument())
    .argument('<text>', 'the note')
  action(note, async (options: ReviewOptions, id: string, text: string) =>
    (await load()).noteCase(options, id, text),
  )

  const close = reviewOptions(parent.command('close'))
    .description('give it its outcome; a large one has to be confirmed by somebody with another token')
    .addArgument(idArgument())
    .addOption(new Option('--outcome <outcome>', 'what it was').choices(OUTCOMES).makeOptionMandatory())
    .option('--note <text>', 'add a note before')
  action(close, async (options: CloseOptions, id: string) => (await load()).closeCase(options, id))

  const confirm = reviewOptions(parent.command('confirm'))
    .description('confirm the outcome that somebody else gave')
    .addArgument(idArgument())
  action(confirm, async (options: ReviewOptions, id: string) => (await load()).confirmCase(options, id))
}

function addList(quarantine: Command, kind: EntryKind, description: string): void {
  const parent = quarantine.command(kind).description(description)
  const add = reviewOptions(parent.command('add'))
    .description(`add to ${kind}`)
    .addOption(
      new Option('--for <time>', 'how long, such as 12h or 30d')
        .argParser(parseDuration)
        .makeOptionMandatory(),
    )
    .requiredOption('--why <text>', 'the reason, for those who come later')
  if (kind === 'snooze') {
    add.addArgument(new Argument('<rule>', 'rule or reason').choices(SNOOZABLE))
    action(add, async (options: AddOptions, rule: string) => (await load()).addEntry(options, kind, { rule }))
  } else {
    add
      .option('--payer <name>', 'payer of a pair: name or address')
      .option('--payee <name>', 'payee of a pair')
      .option('--account <name>', 'account on either side')
    action(add, async (options: AddOptions) => (await load()).addEntry(options, kind, {}))
  }

  const list = reviewOptions(parent.command('list')).description(`what is on ${kind}, with its numbers`)
  action(list, async (options: ReviewOptions) => (await load()).listEntries(options, kind))

  const remove = reviewOptions(parent.command('remove'))
    .description('end an entry before its time')
    .argument('<number>', 'number of the entry', parseInteger(1))
  action(remove, async (options: ReviewOptions, entry: number) => (await load()).removeEntry(options, entry))
}

function addLog(quarantine: Command): void {
  const exported = operatorOptions(quarantine.command('export'))
    .description('the review log for another case system: one signed JSON event a line (docs/review.md)')
    .option('--since <number>', 'number of the first event', parseInteger(0), 0)
    .option('--follow', 'go on with events as they come, until interrupted')
  action(exported, async (options: ExportOptions): Promise<number> => (await load()).exportLog(options))

  const audit = quarantine.command('audit').description('check that a review log was not changed')
  const verify = operatorOptions(audit.command('verify'))
    .description('check numbers, chain and every signature, of a file or of a running node')
    .argument('[file]', 'review/log.jsonl of a node, or a whole export; left out: ask the node')
    .option('--key <hex>', 'public key that must have signed (default: the one that the log names)')
  action(
    verify,
    async (options: VerifyOptions, file: string | undefined): Promise<CommandResult> =>
      (await load()).verifyLog(options, file),
  )
}
