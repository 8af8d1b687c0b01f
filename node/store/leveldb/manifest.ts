/**
 * What a MANIFEST of LevelDB says (`db/version_edit.cc` of LevelDB): which tables make up the database, and from which
 * log on its logs count. Files beside those are what a crash left of unfinished work.
 */
import { varintAt } from './snappy.ts'

export interface Version {
  /** Logs of this number and above are part of the database. */
  readonly firstLog: number
  /** By number. */
  readonly tables: ReadonlyMap<number, TableEntry>
  /** Numbers of tables that were part of it since LevelDB opened it last: they were merged into others. */
  readonly merged: ReadonlySet<number>
}

export interface TableEntry {
  /** Tables of a level above 0 do not overlap. */
  readonly level: number
  /** Length of the file in bytes. */
  readonly length: number
  /** The keys of a database that are in the table: from `smallest` to `largest`, both included. */
  readonly smallest: Uint8Array
  readonly largest: Uint8Array
}

/** Behind a key as LevelDB keeps it: the number of the write, and whether it was a put or a delete. */
const SEQUENCE_BYTES = 8

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
  const tables = new Map<number, TableEntry>()
  const merged = new Set<number>()
  for (const record of records) {
    const fields = new Fields(record)
    while (!fields.done) {
      switch (fields.number()) {
        case TAG.comparator:
          fields.bytes()
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
          fields.bytes()
          break
        case TAG.deletedFile: {
          fields.number()
          const number = fields.number()
          tables.delete(number)
          merged.add(number)
          break
        }
        case TAG.newFile: {
          const level = fields.number()
          const number = fields.number()
          const length = fields.number()
          // One that moves to another level goes and comes in one record.
          merged.delete(number)
          tables.set(number, {
            level,
            length,
            smallest: keyOf(fields.bytes()),
            largest: keyOf(fields.bytes()),
          })
          break
        }
        default:
          return null
      }
    }
    if (fields.failed) return null
  }
  return { firstLog, tables, merged }
}

/** The key of the database in a key as LevelDB keeps it. */
export function keyOf(internal: Uint8Array): Uint8Array {
  return internal.subarray(0, Math.max(0, internal.length - SEQUENCE_BYTES))
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

  bytes(): Uint8Array {
    const length = this.number()
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    this.failed ||= bytes.length < length
    return bytes
  }
}
