/** Where in a TOML text each key is set: its parser tells values, not lines. */
import { parse as parseToml } from 'smol-toml'

/** A statement with more lines than this, or one that never ends, ends the search. */
const STATEMENT_LINES_MAX = 256

/**
 * The line of each key, counted from 1; keys inside of tables as `table.key`. Of a text that is not TOML those before
 * the mistake.
 *
 * Lines are added to a statement until it can be parsed by itself: a list or a text that goes on is none until it ends.
 */
export function linesOfKeys(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  let table: readonly string[] = []
  let statement: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    statement.push(line)
    const value = valueOf(statement.join('\n'))
    if (value === null) {
      if (statement.length === STATEMENT_LINES_MAX) break
      continue
    }
    const paths = pathsOf(value)
    if (statement.length === 1 && line.trimStart().startsWith('[')) table = paths[0] ?? []
    else for (const path of paths) lines.set([...table, ...path].join('.'), index + 2 - statement.length)
    statement = []
  }
  return lines
}

/** What a statement sets, or null if it goes on. */
function valueOf(statement: string): unknown {
  try {
    return parseToml(statement)
  } catch {
    return null
  }
}

/** The paths of all values that are no tables; an empty table is one of its own. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
    return [[]]
  return Object.entries(value).flatMap(([key, inner]) => {
    const paths = pathsOf(inner)
    return paths.length === 0 ? [[key]] : paths.map((path) => [key, ...path])
  })
}
