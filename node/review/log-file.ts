/** The review log in a file of its own folder: appended with fdatasync, checked when it is opened (`fraud/review/chain.ts`). */
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign, type KeyPair } from '../../crypto/ed25519.ts'
import { encodeLine, parseReviewLog, type CheckedLog } from '../../fraud/review/chain.ts'
import { NODE_ACTOR, type ReviewBody, type ReviewEvent } from '../../fraud/review/events.ts'
import { syncDirectory } from '../signing/file-journal.ts'

/** The folder in a node's directory, and the file in it. */
export const REVIEW_FOLDER = 'review'
export const REVIEW_LOG_FILE = 'log.jsonl'

export interface ReviewLogOptions {
  readonly directory: string
  /** Of the node's peer identity. */
  readonly key: KeyPair
  readonly genesisHash: Uint8Array
  readonly nowMs: number
  readonly log: { warn(fields: object, message: string): void }
}

/** What is to be appended; number and chain come from the log. */
export type EventDraft = Omit<ReviewEvent, 'seq'>

export class ReviewLogFile {
  readonly #file: FileHandle
  readonly #key: KeyPair
  #digest: Uint8Array
  /** Where each line ends, in bytes. */
  readonly #ends: number[]
  #isBroken = false

  private constructor(file: FileHandle, key: KeyPair, digest: Uint8Array, ends: number[]) {
    this.#file = file
    this.#key = key
    this.#digest = digest
    this.#ends = ends
  }

  /**
   * Opens the log of a node, or begins one.
   * @returns the events so far, in order.
   * @throws CordonError `review-invalid` if it was changed, or is of another node or chain.
   */
  static async open(
    options: ReviewLogOptions,
  ): Promise<{ readonly file: ReviewLogFile; readonly events: readonly ReviewEvent[] }> {
    const { directory, key, nowMs, log } = options
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const file = await open(join(directory, REVIEW_LOG_FILE), 'a+', 0o600)
    try {
      const text = await file.readFile('utf8')
      const checked = checkOwn(text, options)
      const ends = endsOf(text.slice(0, checked.goodCharacters))
      const goodBytes = ends.at(-1) ?? 0
      if (checked.goodCharacters < text.length) {
        await file.truncate(goodBytes)
        log.warn({ directory }, 'the last line of the review log was torn by a crash and is cut off')
      }
      const opened = new ReviewLogFile(file, key, checked.lastDigest, ends)
      if (checked.events.length > 0) return { file: opened, events: checked.events }
      const body: ReviewBody = {
        type: 'log.started',
        genesisHash: toHex(options.genesisHash),
        publicKey: toHex(key.publicKey),
      }
      const events = await opened.append([{ timeMs: nowMs, actor: NODE_ACTOR, body }])
      await syncDirectory(directory)
      return { file: opened, events }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Makes events durable, all or none of them, and resolves to them with their numbers. One call at a time. */
  async append(drafts: readonly EventDraft[]): Promise<readonly ReviewEvent[]> {
    if (this.#isBroken)
      throw new CordonError('review-refused', 'the review log could not be written before; restart the node')
    const events = drafts.map((draft, index) => ({ seq: this.#ends.length + index, ...draft }))
    let digest = this.#digest
    const lines = events.map((event) => {
      const encoded = encodeLine(event, digest, (message) => sign(message, this.#key.secretKey))
      digest = encoded.digest
      return `${encoded.line}\n`
    })
    await this.#write(lines.join(''))
    for (const line of lines) this.#ends.push((this.#ends.at(-1) ?? 0) + Buffer.byteLength(line))
    this.#digest = digest
    return events
  }

  /** Lines from number `since` on, without their ends. */
  async lines(since: number, limit: number): Promise<readonly string[]> {
    const start = since === 0 ? 0 : this.#ends[since - 1]
    const end = this.#ends[Math.min(since + limit, this.#ends.length) - 1]
    if (start === undefined || end === undefined || end <= start) return []
    const bytes = Buffer.alloc(end - start)
    await this.#file.read(bytes, 0, bytes.length, start)
    return bytes.toString('utf8').split('\n').slice(0, -1)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** What is written in part is taken back, so that the next line does not follow half of one. */
  async #write(text: string): Promise<void> {
    try {
      await this.#file.appendFile(text)
      await this.#file.datasync()
    } catch (error) {
      this.#isBroken = true
      await this.#file.truncate(this.#ends.at(-1) ?? 0)
      this.#isBroken = false
      throw error
    }
  }
}

function checkOwn(text: string, { directory, key, genesisHash }: ReviewLogOptions): CheckedLog {
  const wayOut = `Nothing of it is lost: keep it as evidence by moving ${directory} away, and the node begins a new log, without lists and open cases; or put an unchanged copy back`
  try {
    const checked = parseReviewLog(text, 'last')
    const started = checked.events[0]?.body
    if (started?.type !== 'log.started') return checked
    if (started.publicKey !== toHex(key.publicKey))
      throw new CordonError(
        'review-invalid',
        `the review log is signed by another node, ${started.publicKey}`,
      )
    if (started.genesisHash !== toHex(genesisHash))
      throw new CordonError('review-invalid', `the review log is of another chain, ${started.genesisHash}`)
    return checked
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    throw new CordonError(
      error.code,
      `${error.message}. ${wayOut}`,
      { ...error.payload, directory },
      { cause: error },
    )
  }
}

function endsOf(text: string): number[] {
  let end = 0
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (end += Buffer.byteLength(line) + 1))
}
