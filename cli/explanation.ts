/** What help and `docs/cli.md` say of a command below its options. */
import type { Command } from 'commander'

export interface Explanation {
  /** Paragraphs. */
  readonly about: readonly string[]
  /** Command lines that work. */
  readonly examples: readonly string[]
}

const HELP_COLUMNS = 80

const EXPLANATIONS = new WeakMap<Command, Explanation>()

/** Adds paragraphs and examples to the help of a command and to its page. */
export function explain(command: Command, explanation: Explanation): Command {
  const { about, examples } = explanation
  const title = examples.length > 1 ? 'Examples:' : 'Example:'
  const lines = [
    ...about.flatMap((paragraph) => ['', command.createHelp().boxWrap(paragraph, HELP_COLUMNS)]),
    '',
    title,
    ...examples.map((line) => `  ${line}`),
  ]
  EXPLANATIONS.set(command, explanation)
  return command.addHelpText('after', lines.join('\n'))
}

export function explanationOf(command: Command): Explanation | null {
  return EXPLANATIONS.get(command) ?? null
}
