/** Writes `docs/cli.md` from the command tree: `npm run docs:cli`. `test/cli/docs.test.ts` holds the page to the tree. */
import { writeFileSync } from 'node:fs'
import type { Argument, Command, Option } from 'commander'
import { EXIT } from '../config/errors.ts'
import { explanationOf } from './explanation.ts'
import { buildProgram } from './program.ts'

export const PAGE_URL: URL = new URL('../docs/cli.md', import.meta.url)

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  unexpected: 'an unexpected failure; please report it',
  usage: 'the command line is wrong',
  cannotConnect: 'no node answers',
  outcomeUnknown: 'the time was up: the payment may still settle, see it end with `cordon tx wait ID`',
  rejected: 'refused, or failed for good',
  held: 'the payment is held for review',
  partlyDone: 'some of it was done; the answer says what',
  needsInput:
    'a password or answer is needed and there is no terminal to ask on, the password is wrong, or the answer was no',
  configuration: 'a daemon: configuration, genesis or keys cannot be used',
  doubleSign: 'a daemon: it refuses to sign twice',
  upgradeHalt: 'a daemon: the network needs a newer version',
  dataInconsistent: 'a daemon: its data contradicts itself',
}

const INTRODUCTION = `Results go to standard output, everything else to standard error. With \`--json\` a command prints one envelope,
\`{ "v": 1, "ok": true, "data": … }\` or \`{ "v": 1, "ok": false, "error": { "code", "message", … } }\`; a payment that is final and
failed has both. Amounts and 64-bit numbers in it are decimal strings of uCRD, ids and hashes lower-case hex, times milliseconds.

Amounts need their unit: \`12.50CRD\` or \`12500000uCRD\`. Names are keys of the keystore or entries of \`addressbook.json\` beside it,
a JSON object from name to address that \`cordon wallet contact\` keeps.

A password comes from \`--password-stdin\`, \`--password-file\`, the file \`password\` in the keystore (a devnet has one), or a prompt;
never from the command line. Without a terminal and without any of these the command ends with exit 8.

A node is found by \`--rpc\`, else \`CORDON_RPC\`, else the devnet in \`--dir\`, whose validators are tried in turn. Variables named in
brackets stand in for their flags; unknown \`CORDON_*\` variables give a warning.`

/** The page. The same tree gives the same text. */
export async function cliPage(): Promise<string> {
  const program = await buildProgram(() => true, '', {})
  const sections = program.commands.flatMap((command) => sectionsOf(command, 'cordon'))
  return (
    [
      '# Command line',
      '<!-- Written by `npm run docs:cli` from the commands in cli/. -->',
      INTRODUCTION,
      '## Exit codes',
      exitTable(),
      ...sections,
    ].join('\n\n') + '\n'
  )
}

function exitTable(): string {
  const rows = (Object.keys(EXIT) as (keyof typeof EXIT)[]).map(
    (name) => `| ${EXIT[name]} | ${EXIT_MEANINGS[name]} |`,
  )
  return ['| exit | meaning |', '| --- | --- |', ...rows].join('\n')
}

function sectionsOf(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`
  const level = parent.split(' ').length + 1
  const runs = command.commands.length === 0 || command.options.length > 0
  const own = [
    `${'#'.repeat(level)} ${name}`,
    sentence(command.description()),
    ...(runs ? [`\`\`\`\n${name} ${usage(command)}\n\`\`\``] : []),
    ...(command.options.length > 0 || command.registeredArguments.length > 0
      ? [parameterTable(command)]
      : []),
    ...explanationParts(command),
  ]
  return [...own, ...command.commands.flatMap((child) => sectionsOf(child, name))]
}

function explanationParts(command: Command): string[] {
  const explanation = explanationOf(command)
  if (explanation === null) return []
  return [...explanation.about, ['```sh', ...explanation.examples, '```'].join('\n')]
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function usage(command: Command): string {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  )
  const required = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags)
  const optional = command.options.some(({ mandatory }) => !mandatory) ? ['[options]'] : []
  return [...args, ...required, ...optional].join(' ')
}

function parameterTable(command: Command): string {
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.map(optionRow)]
  return ['| | |', '| --- | --- |', ...rows].join('\n')
}

function argumentRow(argument: Argument): string {
  return row(`<${argument.name()}>`, argument.description)
}

function optionRow(option: Option): string {
  const notes = [
    ...(option.argChoices === undefined ? [] : [`one of ${option.argChoices.join(', ')}`]),
    ...(option.defaultValue === undefined || option.defaultValue === ''
      ? []
      : [`default ${option.defaultValueDescription ?? String(option.defaultValue)}`]),
  ]
  const variable = option.envVar === undefined ? '' : ` [\`${option.envVar}\`]`
  return row(
    option.flags,
    `${option.description}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}${variable}`,
  )
}

function row(name: string, text: string): string {
  return `| \`${name}\` | ${text.replaceAll('|', '\\|')} |`
}

if (import.meta.main) writeFileSync(PAGE_URL, await cliPage())
