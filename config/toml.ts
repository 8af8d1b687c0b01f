/** TOML that people write: its parser, with where a mistake is. */
import { parse, TomlError } from 'smol-toml'

/** Where a text is no TOML, and why. */
interface TomlProblem {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  readonly problem: string
}

/** The tables of a text. @throws that of `refuse` if it is no TOML. */
export function tomlTables(
  text: string,
  refuse: (problem: TomlProblem) => Error,
): Readonly<Record<string, unknown>> {
  try {
    return parse(text, { unsafeKeyBehaviour: 'throw' })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { line, column, message } = error
    // The parser draws the place below the sentence.
    const [problem = ''] = message.replace(/^Invalid TOML document: /, '').split('\n')
    throw refuse({ line, column, problem })
  }
}
