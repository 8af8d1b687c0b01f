/**
 * What a MANIFEST of LevelDB says (`db/version_edit.cc` of LevelDB): which tables make up the database, and from which
 * log on its logs count. Files beside those are what a crash left of unfinished work.
 */
import { varintAt } from './snappy.ts'

export interface Version {
  /** Logs of this number and above are part of the database. */
  readonly firstLog: number
  /** Length of each table in bytes, by number. */
  readonly tables: ReadonlyMap<number, number>
}

/** Fields of a record. */
const TAG = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const

/** @returns null if a record is none of a MANIFEST. */
export function versionOf(records: Iterable<Uint8Array>): Version | null {
  let firstLog = 0
  const tables = new Map<number, number>()
  for (const record of records) {
    const fields = new Fields(record)
    while (!fields.done) {
      switch (fields.number()) {
        case TAG.comparator:
          fields.skipBytes()
          break
        case TAG.logNumber:
          firstLog = fields.number()
          break
        case TAG.nextFile:
        case TAG.lastSequence:
        case TAG.previousLog:
          fields.number()
          break
        case TAG.compactPointer:
          fields.number()
          fields.skipBytes()
          break
        case TAG.deletedFile:
          fields.number()
          tables.delete(fields.number())
          break
        case TAG.newFile:
          fields.number()
          tables.set(fields.number(), fields.number())
          fields.skipBytes()
          fields.skipBytes()
          break
        default:
          return null
      }
    }
    if (fields.failed) return null
  }
  return { firstLog, tables }
}

class Fields {
  readonly #bytes: Uint8Array
  #at = 0
  failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.failed || this.#at >= this.#bytes.length
  }

  number(): number {
    const found = varintAt(this.#bytes, this.#at)
    this.failed ||= found === null
    this.#at = found?.end ?? this.#bytes.length
    return found?.value ?? 0
  }

  skipBytes(): void {
    const length = this.number()
    this.#at += length
    this.failed ||= this.#at > this.#bytes.length
  }
}
