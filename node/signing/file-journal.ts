/**
 * The signer's journal in a file: appended with fdatasync, replaced by way of a temporary file, rename and an fsync of
 * the folder. The folder is locked while it is open.
 */
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalStorage } from '../../consensus/journal.ts'
import { NOTHING_FAILS, type Reached } from '../fail-points.ts'
import { lockDirectory, type DirectoryLock } from '../directory-lock.ts'

/** Name in the signer folder. */
export const JOURNAL_FILE = 'votes.journal'
const TEMPORARY_FILE = 'votes.journal.new'

export class FileJournal implements JournalStorage {
  readonly #directory: string
  readonly #lock: DirectoryLock
  readonly #reached: Reached
  #file: FileHandle

  private constructor(directory: string, lock: DirectoryLock, file: FileHandle, reached: Reached) {
    this.#directory = directory
    this.#lock = lock
    this.#file = file
    this.#reached = reached
  }

  /**
   * Opens or makes the journal of a signer folder.
   * @throws CordonError `directory-locked` if another process has it open.
   */
  static async open(directory: string, reached: Reached = NOTHING_FAILS): Promise<FileJournal> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const lock = await lockDirectory(directory)
    try {
      await rm(join(directory, TEMPORARY_FILE), { force: true })
      const file = await open(join(directory, JOURNAL_FILE), 'a+', 0o600)
      await syncDirectory(directory)
      return new FileJournal(directory, lock, file, reached)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  async readAll(): Promise<Uint8Array> {
    const { size } = await this.#file.stat()
    const bytes = new Uint8Array(size)
    let offset = 0
    while (offset < size) {
      const { bytesRead } = await this.#file.read(bytes, offset, size - offset, offset)
      if (bytesRead === 0) break
      offset += bytesRead
    }
    return bytes.subarray(0, offset)
  }

  async append(bytes: Uint8Array): Promise<void> {
    const appended = this.#file.appendFile(bytes)
    this.#reached('journal-appending')
    await appended
    this.#reached('journal-appended')
  }

  async sync(): Promise<void> {
    await this.#file.datasync()
    this.#reached('journal-synced')
  }

  async replace(bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, TEMPORARY_FILE)
    const next = await open(path, 'ax+', 0o600)
    try {
      await next.appendFile(bytes)
      await next.datasync()
      this.#reached('journal-rewriting')
      await rename(path, join(this.#directory, JOURNAL_FILE))
      this.#reached('journal-rewritten')
      await syncDirectory(this.#directory)
    } catch (error) {
      await next.close()
      throw error
    }
    const previous = this.#file
    this.#file = next
    await previous.close()
  }

  async close(): Promise<void> {
    try {
      await this.#file.close()
    } finally {
      await this.#lock.release()
    }
  }
}

/**
 * What the journal of a folder holds, for those who only look: takes no lock, and changes nothing. A writer appends or
 * replaces the file as a whole, so what is read is the journal as it was at some moment, at most with a torn last record.
 * Null: there is none.
 */
export async function readJournal(directory: string): Promise<Uint8Array | null> {
  try {
    return await readFile(join(directory, JOURNAL_FILE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Makes a new name in the folder survive a crash. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
