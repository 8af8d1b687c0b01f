/** Where a watch stopped: a file with one line of JSON, replaced after each event that was printed. */
import { existsSync } from 'node:fs'
import { CordonError } from '../../config/errors.ts'
import { Fields, show } from '../../config/fields.ts'
import { LIMITS } from '../../config/limits.ts'
import { readTextFile, replaceFile } from '../files.ts'

const FORMAT = 'cordon-cursor/1'

/** What a cursor is good for. */
export interface Watched {
  /** Id of the chain, hex. */
  readonly chain: string
  /** Address, or null: all of them. */
  readonly account: string | null
}

interface KeptCursor extends Watched {
  readonly cursor: string
}

export class CursorFile {
  readonly #path: string
  readonly #watched: Watched

  constructor(path: string, watched: Watched) {
    this.#path = path
    this.#watched = watched
  }

  /** The cursor in it, or null if there is no file. @throws CordonError `cursor-invalid`, `usage` if it cannot be read. */
  read(): string | null {
    if (!existsSync(this.#path)) return null
    const { chain, account, cursor } = parseCursorFile(
      readTextFile(this.#path, LIMITS.cursorFileBytes),
      this.#path,
    )
    if (chain !== this.#watched.chain)
      throw invalid(this.#path, `belongs to chain ${chain}, and the node is of chain ${this.#watched.chain}`)
    if (account !== this.#watched.account)
      throw invalid(
        this.#path,
        `belongs to a watch of ${account ?? 'all accounts'}, and this is one of ${this.#watched.account ?? 'all accounts'}`,
      )
    return cursor
  }

  /** @throws CordonError `usage`. */
  write(cursor: string): void {
    // A power cut may leave an older one: its events come once more, and each has the cursor to tell by.
    replaceFile(this.#path, `${JSON.stringify({ format: FORMAT, ...this.#watched, cursor })}\n`, {
      flush: false,
    })
  }
}

/** @throws CordonError `cursor-invalid`. */
export function parseCursorFile(text: string, path: string): KeptCursor {
  const refuse = (where: string, expected: string, got: unknown): CordonError =>
    invalid(path, `is damaged (${where}: expected ${expected}, got ${show(got)})`)
  const file = new Fields(jsonOf(text), 'the file', refuse)
  file.constant('format', FORMAT)
  const chain = file.matching('chain', '16 hex digits', /^[0-9a-f]{16}$/)
  const cursor = file.text('cursor', 'a cursor', (value) => (isCursor(value) ? value : null))
  const isOfAll = file.take('account') === null
  const account = isOfAll ? null : file.text('account', 'an address or null', (value) => value)
  file.end()
  return { chain, account, cursor }
}

/** A height and how many of its events were seen. */
export function isCursor(text: string): boolean {
  return /^\d{1,14}\.\d{1,9}$/.test(text)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function invalid(path: string, problem: string): CordonError {
  return new CordonError(
    'cursor-invalid',
    `cursor file ${path} ${problem}; use another file, or remove it to begin anew`,
    { path },
  )
}
