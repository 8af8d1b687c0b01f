/** Holds command lines in texts to the real command tree: the commands exist, take those flags, and get their arguments. */
import type { Command, Option } from 'commander'
import { commandsOf, shellBlocksOf } from '../pages/shell-blocks.ts'

/** What ends a command of the shell. */
const SHELL_ENDS: ReadonlySet<string> = new Set(['|', '||', '&&', ';', '>', '>>', '2>', '<', '&'])
/** A word of the shell: a text in quotes, or what has no space in it. */
const WORD = /"[^"]*"|'[^']*'|\S+/g
/** A command whose output is a word of another one. */
const SUBSTITUTED = /\$\(([^)]*)\)/g

/** The words behind each `cordon` in the shell blocks of a page. */
export function cordonLinesOf(markdown: string): string[][] {
  const lines = shellBlocksOf(markdown).flatMap(commandsOf)
  return lines.flatMap((line) => {
    // What a synopsis has in brackets is held to the tree like the rest.
    const bare = line.replace(/(?:^|\s)#.*$/, '').replaceAll(/[[\]]/g, '')
    const inner = [...bare.matchAll(SUBSTITUTED)].map(([, command = '']) => command)
    return [bare, ...inner].flatMap(cordonCommandsOf)
  })
}

function cordonCommandsOf(line: string): string[][] {
  const commands: string[][] = [[]]
  for (const word of line.match(WORD) ?? []) {
    if (SHELL_ENDS.has(word)) commands.push([])
    else commands.at(-1)?.push(word)
  }
  return commands.flatMap((words) => {
    const start = words.indexOf('cordon')
    return start === -1 ? [] : [words.slice(start + 1)]
  })
}

/** What is wrong with the words behind `cordon`, or null. */
export function commandProblem(program: Command, words: readonly string[]): string | null {
  const { command, rest } = resolveCommand(program, words)
  const flags = new Map(command.options.flatMap((option) => namesOf(option).map((name) => [name, option])))
  let args = 0
  const given = new Set<Option>()
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? ''
    if (!word.startsWith('-')) {
      args++
      continue
    }
    const option = flags.get(word.replace(/=.*$/, ''))
    if (option === undefined) return `${command.name()} has no ${word}`
    given.add(option)
    const takesNext =
      !word.includes('=') && (option.required || (option.optional && isValue(rest[index + 1])))
    if (takesNext && rest[++index] === undefined) return `${word} needs a value`
    while (option.variadic && isValue(rest[index + 1])) index++
  }
  return argumentProblem(command, args) ?? missingOption(command, given)
}

function argumentProblem(command: Command, args: number): string | null {
  const { registeredArguments, commands, options } = command
  if (commands.length > 0 && options.length === 0) return `${command.name()} needs a command`
  const needed = registeredArguments.filter(({ required }) => required).length
  const most = registeredArguments.at(-1)?.variadic === true ? Infinity : registeredArguments.length
  return args < needed || args > most
    ? `${command.name()} takes ${needed} to ${most} arguments, got ${args}`
    : null
}

function missingOption(command: Command, given: ReadonlySet<Option>): string | null {
  const missing = command.options.find((option) => option.mandatory && !given.has(option))
  return missing === undefined ? null : `${command.name()} needs ${missing.flags}`
}

/** The innermost command that the words name, and the words after it. */
function resolveCommand(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const child = program.commands.find((each) => each.name() === words[0])
  return child === undefined ? { command: program, rest: words } : resolveCommand(child, words.slice(1))
}

function namesOf({ long, short }: Option): string[] {
  return [long, short].filter((name) => typeof name === 'string')
}

function isValue(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith('-')
}
