/**
 * The outbox: signed payments, durable before they are sent, so that a repeat sends the same bytes and not a second
 * payment. One file per attempt, never changed once it is there:
 *
 *   <name>.<attempt>.json            `name` is the transaction id, or, with `--key`, a hash of chain and key
 *   <name>.<attempt>.refused         a node refused the bytes and none ever took them
 *
 * A file appears by a link, which fails if the name is taken: of two processes with one key only one signs attempt n,
 * and the other finds it. Attempt n + 1 is made once attempt n is provably expired.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { Fields, show, type Refuse } from '../config/fields.ts'
import { fromHex, toHex } from '../crypto/bytes.ts'
import { writeOnce } from '../crypto/write-once.ts'
import { removeForGood } from './files.ts'

const FORMAT = 'cordon-outbox/1'

/** What the user asked for; the same key must mean the same. */
export interface PaymentTerms {
  readonly from: string
  readonly to: string
  /** In uCRD. */
  readonly amount: string
  readonly memo: string
}

interface OutboxEntry {
  readonly txId: Uint8Array
  /** Canonical bytes of the signed transaction. */
  readonly bytes: Uint8Array
  readonly validUntilMs: number
  readonly terms: PaymentTerms
}

/** An entry in its place. */
export interface StoredEntry extends OutboxEntry {
  readonly path: string
  /** Id of its chain, hex. */
  readonly chain: string
  /** That of `--key`, or null. */
  readonly key: string | null
  readonly attempt: number
  /** Whether this process made it: then nothing has been sent yet. */
  readonly own: boolean
  /** Whether a node refused it and none can have taken it. */
  readonly refused: boolean
}

export class Outbox {
  readonly #directory: string
  readonly #chainId: string

  /** @param chainId hex; keys of different chains do not meet. */
  constructor(directory: string, chainId: string) {
    this.#directory = directory
    this.#chainId = chainId
  }

  /** The newest attempt under a key, or null. @throws CordonError `config-invalid` if its file is damaged. */
  newest(key: string): StoredEntry | null {
    const name = this.#nameOf(key)
    let attempt = 0
    for (const file of entryFiles(this.#directory))
      if (file.name === name) attempt = Math.max(attempt, file.attempt)
    return attempt === 0 ? null : readEntry(this.#directory, { name, attempt })
  }

  /**
   * Makes an attempt durable.
   * @param key null: an entry of its own, named by its transaction.
   * @returns the entry of that attempt: another process's if that one was first.
   */
  add(entry: OutboxEntry, key: string | null, attempt: number = 1): StoredEntry {
    const name = key === null ? toHex(entry.txId) : this.#nameOf(key)
    const path = join(this.#directory, `${name}.${attempt}.json`)
    const content = {
      format: FORMAT,
      chain: this.#chainId,
      key,
      txId: toHex(entry.txId),
      validUntilMs: entry.validUntilMs,
      ...entry.terms,
      tx: toHex(entry.bytes),
    }
    if (writeOnce(path, `${JSON.stringify(content, null, 2)}\n`))
      return { ...entry, path, chain: this.#chainId, key, attempt, own: true, refused: false }
    return readEntry(this.#directory, { name, attempt })
  }

  /** Notes that no node took the bytes. */
  markRefused(entry: StoredEntry): void {
    writeFileSync(refusedPath(entry.path), '', { mode: 0o600 })
  }

  /** Before refused bytes are sent again. */
  unmarkRefused(entry: StoredEntry): void {
    removeForGood(refusedPath(entry.path))
  }

  /** Forgets an entry whose end is known. Entries with a key stay: they answer repeats. */
  remove(entry: StoredEntry): void {
    rmSync(entry.path, { force: true })
  }

  /** A payment's own entry, once its end is known. */
  static forget(directory: string, txId: string): void {
    rmSync(join(directory, `${txId}.1.json`), { force: true })
  }

  #nameOf(key: string): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#chainId, key]))
      .digest('hex')
  }
}

/** What an outbox holds, of every chain. */
interface OutboxContent {
  /** By the end of their validity. */
  readonly entries: readonly StoredEntry[]
  /** `config-invalid`, one for each file that cannot be read as an entry. */
  readonly damaged: readonly CordonError[]
}

export function listOutbox(directory: string): OutboxContent {
  const entries: StoredEntry[] = []
  const damaged: CordonError[] = []
  for (const file of entryFiles(directory)) {
    try {
      entries.push(readEntry(directory, file))
    } catch (error) {
      if (!(error instanceof CordonError)) throw error
      damaged.push(error)
    }
  }
  entries.sort((a, b) => a.validUntilMs - b.validUntilMs)
  return { entries, damaged }
}

interface EntryFile {
  readonly name: string
  readonly attempt: number
}

function entryFiles(directory: string): EntryFile[] {
  let files: readonly string[]
  try {
    files = readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return files.flatMap((file) => {
    const [, name, attempt] = /^([0-9a-f]{64})\.([1-9]\d{0,8})\.json$/.exec(file) ?? []
    return name === undefined ? [] : [{ name, attempt: Number(attempt) }]
  })
}

function readEntry(directory: string, { name, attempt }: EntryFile): StoredEntry {
  const path = join(directory, `${name}.${attempt}.json`)
  try {
    const fields = new Fields(JSON.parse(readFileSync(path, 'utf8')), '', refuse)
    const text = (name: string): string => fields.matching(name, 'a text', /^/)
    fields.constant('format', FORMAT)
    return {
      txId: fromHex(text('txId'), 32),
      bytes: fromHex(text('tx')),
      validUntilMs: fields.integer('validUntilMs', 0, 2 ** 48 - 1),
      terms: {
        from: text('from'),
        to: text('to'),
        amount: fields.matching('amount', 'an amount in uCRD', /^\d{1,20}$/),
        memo: text('memo'),
      },
      path,
      chain: fields.matching('chain', '16 hex digits', /^[0-9a-f]{16}$/),
      key: fields.take('key') === null ? null : text('key'),
      attempt,
      own: false,
      refused: existsSync(refusedPath(path)),
    }
  } catch (error) {
    throw new CordonError(
      'config-invalid',
      `outbox entry ${path} is damaged (${(error as Error).message}); find out how its payment ended before you remove the file, or it may be paid twice`,
      { path },
    )
  }
}

const refuse: Refuse = (path, expected, got) =>
  new RangeError(`expected ${path} as ${expected}, got ${show(got)}`)

function refusedPath(path: string): string {
  return path.replace(/json$/, 'refused')
}
