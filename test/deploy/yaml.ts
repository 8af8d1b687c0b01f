/**
 * Reads the YAML that `deploy/` is written in: maps and lists by indentation, one scalar a line, single quotes, folded
 * texts (`>-`), comments on lines of their own. Whatever else YAML has is an error, so that nothing is misread.
 */
export type Yaml = string | number | boolean | null | readonly Yaml[] | { readonly [key: string]: Yaml }

interface Line {
  readonly number: number
  readonly indent: number
  readonly text: string
}

const KEY = /^([\w./-]+):(?: (.+))?$/
const ITEM = /^- +/
/** What means something else at the start of a plain scalar, and what ends one. */
const NOT_PLAIN = /^[[\]{}&*!|>%@`"',?#-]|: |:$| #/

/** @throws Error naming the line that is none of the above. */
export function parseYaml(text: string): Yaml {
  const lines = text.split('\n').flatMap((line, index): Line[] => {
    const content = line.trimStart()
    if (content === '' || content.startsWith('#')) return []
    return [{ number: index + 1, indent: line.length - content.length, text: content.trimEnd() }]
  })
  const reader = new BlockReader(lines)
  const value = reader.block(0)
  reader.end()
  return value
}

class BlockReader {
  readonly #lines: Line[]

  constructor(lines: Line[]) {
    this.#lines = lines
  }

  end(): void {
    const [line] = this.#lines
    if (line !== undefined) throw problem(line, 'unexpected indentation')
  }

  /** The list or map whose lines have this indentation; null if there is none. */
  block(indent: number): Yaml {
    const line = this.#at(indent)
    if (line === null) return null
    return ITEM.test(line.text) ? this.#list(indent) : this.#map(indent)
  }

  #list(indent: number): Yaml[] {
    const items: Yaml[] = []
    for (let line = this.#at(indent); line !== null && ITEM.test(line.text); line = this.#at(indent)) {
      const [dash = ''] = ITEM.exec(line.text) ?? []
      const inner = { ...line, indent: indent + dash.length, text: line.text.slice(dash.length) }
      this.#lines[0] = inner
      if (KEY.test(inner.text)) items.push(this.#map(inner.indent))
      else {
        this.#lines.shift()
        items.push(scalar(inner, inner.text))
      }
    }
    return items
  }

  #map(indent: number): Record<string, Yaml> {
    const entries = new Map<string, Yaml>()
    for (let line = this.#at(indent); line !== null; line = this.#at(indent)) {
      const [, key, value] = KEY.exec(line.text) ?? []
      if (key === undefined) throw problem(line, 'expected a key')
      if (entries.has(key)) throw problem(line, `${key} is there twice`)
      this.#lines.shift()
      entries.set(key, this.#value(line, value))
    }
    return Object.fromEntries(entries)
  }

  #value(line: Line, value: string | undefined): Yaml {
    if (value === '>-') return this.#folded(line.indent)
    if (value !== undefined) return scalar(line, value)
    const next = this.#lines[0]
    return next === undefined || next.indent <= line.indent ? null : this.block(next.indent)
  }

  #folded(indent: number): string {
    const parts: string[] = []
    for (let next = this.#lines[0]; next !== undefined && next.indent > indent; next = this.#lines[0]) {
      parts.push(next.text)
      this.#lines.shift()
    }
    return parts.join(' ')
  }

  /** The next line, if it has this indentation. */
  #at(indent: number): Line | null {
    const [line] = this.#lines
    return line?.indent === indent ? line : null
  }
}

function scalar(line: Line, text: string): Yaml {
  const quoted = /^'((?:[^']|'')*)'$/.exec(text)
  if (quoted !== null) return (quoted[1] ?? '').replaceAll("''", "'")
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?\d+$/.test(text)) return Number(text)
  if (NOT_PLAIN.test(text)) throw problem(line, `not a scalar that this reader knows: ${text}`)
  return text
}

function problem({ number }: Line, what: string): Error {
  return new Error(`line ${number}: ${what}`)
}
