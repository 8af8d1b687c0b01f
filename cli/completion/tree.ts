/** What a shell needs to know of the command tree. */
import type { Argument, Command, Option } from 'commander'

/** What may stand for a value: names of accounts, paths, or one of some words. `other`: nothing that could be listed. */
export type ValueKind = 'names' | 'files' | 'directories' | 'other' | readonly string[]

interface CompletionFlag {
  /** With its dashes. */
  readonly name: string
  readonly about: string
  /** Null: a switch. */
  readonly value: ValueKind | null
}

export interface CompletionCommand {
  /** `wallet/send` for `cordon wallet send`; empty for `cordon` itself. */
  readonly name: string
  readonly subcommands: readonly { readonly word: string; readonly about: string }[]
  readonly flags: readonly CompletionFlag[]
  /** Of its first argument; the others are mostly of the same kind. */
  readonly argument: ValueKind
}

/** A command and all below it. */
export function completionTree(command: Command, name: string = ''): CompletionCommand[] {
  const { commands, options, registeredArguments } = command
  const [first] = registeredArguments
  const own: CompletionCommand = {
    name,
    subcommands: commands.map((child) => ({ word: child.name(), about: child.description() })),
    flags: [...options.flatMap(flagsOf), { name: '--help', about: 'print help', value: null }],
    argument: first === undefined ? 'other' : kindOf(first.argChoices, first.name()),
  }
  const below = commands.flatMap((child) =>
    completionTree(child, name === '' ? child.name() : `${name}/${child.name()}`),
  )
  return [own, ...below]
}

function flagsOf({
  long,
  description,
  required,
  optional,
  argChoices,
  flags,
  hidden,
}: Option): CompletionFlag[] {
  if (typeof long !== 'string' || hidden) return []
  const takesValue = required || optional
  const placeholder = /[<[](\w+)/.exec(flags)?.[1] ?? ''
  return [{ name: long, about: description, value: takesValue ? kindOf(argChoices, placeholder) : null }]
}

const KINDS: Readonly<Record<string, ValueKind>> = {
  account: 'names',
  key: 'names',
  file: 'files',
  csv: 'files',
  directory: 'directories',
}

function kindOf(choices: Argument['argChoices'], placeholder: string): ValueKind {
  return choices ?? KINDS[placeholder] ?? 'other'
}

/** A text as one word, for bash, zsh and fish alike: none of them knows an escape in common. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", '’').replaceAll('\\', '/')}'`
}
