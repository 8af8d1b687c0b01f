/**
 * CSV as RFC 4180 has it: commas, fields in double quotes where they need them, records that end with CRLF or LF. What
 * the RFC leaves open is refused: a quote inside a bare field, and anything between a closing quote and the comma.
 */

export interface CsvRecord {
  /** Of its first character, from 1. A field in quotes may go over several. */
  readonly line: number
  readonly fields: readonly string[]
}

/** What is wrong with a text, and where. */
export class CsvError extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

const BARE = /[^",\r\n]*/y
const FIELD_END = /,|\r?\n|$/y

/** The records of a text, without empty lines and without a byte order mark. @throws CsvError. */
export function parseCsv(text: string): CsvRecord[] {
  const records: CsvRecord[] = []
  let at = text.startsWith('\uFEFF') ? 1 : 0
  let line = 1
  while (at < text.length) {
    const fields: string[] = []
    const start = { at, line }
    let mark: string
    do {
      const field = text[at] === '"' ? quotedField(text, at, line) : bareField(text, at)
      fields.push(field.value)
      line += field.value.split('\n').length - 1
      mark = markAt(text, field.end, line)
      at = field.end + mark.length
    } while (mark === ',')
    if (at - start.at > mark.length) records.push({ line: start.line, fields })
    line++
  }
  return records
}

interface Field {
  readonly value: string
  readonly end: number
}

function bareField(text: string, start: number): Field {
  BARE.lastIndex = start
  const [value = ''] = BARE.exec(text) ?? []
  return { value, end: start + value.length }
}

function quotedField(text: string, start: number, line: number): Field {
  let close = text.indexOf('"', start + 1)
  while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  if (close === -1) throw new CsvError(line, 'a double quote is opened and never closed')
  return { value: text.slice(start + 1, close).replaceAll('""', '"'), end: close + 1 }
}

/** What ends a field: a comma, a line end, or nothing at the end of the text. */
function markAt(text: string, at: number, line: number): string {
  FIELD_END.lastIndex = at
  const match = FIELD_END.exec(text)
  if (match !== null) return match[0]
  throw new CsvError(
    line,
    `expected a comma or a line end, got ${JSON.stringify(text[at])}; double quotes go around a whole field, and "" stands for one inside it`,
  )
}

/** One record of two fields or more, with its line end. */
export function formatCsvRecord(fields: readonly string[]): string {
  const cells = fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
  return `${cells.join(',')}\r\n`
}
