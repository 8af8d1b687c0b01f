/** What help and `docs/cli.md` say of a command below its options. */
import type { Command } from 'commander'

interface Explanation {
  /** Paragraphs. */
  readonly about: readonly string[]
  /** Command lines that work. */
  readonly examples: readonly string[]
}

/** Lines that are longer are hard to read, however wide the terminal is. */
const MOST_COLUMNS = 100

const EXPLANATIONS = new WeakMap<Command, Explanation>()

/** Adds paragraphs and examples to the help of a command and to its page. */
export function explain(command: Command, explanation: Explanation): Command {
  EXPLANATIONS.set(command, explanation)
  return command.addHelpText('after', () => textOf(command, explanation))
}

export function explanationOf(command: Command): Explanation | null {
  return EXPLANATIONS.get(command) ?? null
}

function textOf(command: Command, { about, examples }: Explanation): string {
  const columns = Math.min(MOST_COLUMNS, command.configureOutput().getOutHelpWidth?.() ?? MOST_COLUMNS)
  const title = examples.length > 1 ? 'Examples:' : 'Example:'
  const lines = [
    ...about.flatMap((paragraph) => ['', command.createHelp().boxWrap(paragraph, columns)]),
    '',
    title,
    ...examples.map((line) => `  ${line}`),
  ]
  return lines.join('\n')
}
