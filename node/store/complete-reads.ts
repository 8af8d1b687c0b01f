/**
 * Makes sure of what a read did not find. LevelDB's binding cannot be told to look at checksums, so a flipped bit in a key,
 * an index or a filter hides records; the blocks that could have held them are checked after the read, before its answer
 * is believed.
 */
import type { RangeQuery, StoreRow } from '../../ledger/store/store.ts'
import { damagedInUse, type FileDamage } from './leveldb/damage.ts'
import { ReadCheck } from './leveldb/read-check.ts'

/** Finds what may have hidden records from a read. Null: nothing. */
export type HiddenDamage = Pick<ReadCheck, 'damageAt' | 'damageIn'>

/** Of a database without files, which has no tables that could hide anything. */
export const NO_FILES: HiddenDamage = {
  damageAt: () => Promise.resolve(null),
  damageIn: () => Promise.resolve(null),
}

export class CompleteReads {
  readonly #directory: string
  readonly #check: HiddenDamage

  /** @param directory of an open database. */
  constructor(directory: string, check: HiddenDamage = new ReadCheck(directory)) {
    this.#directory = directory
    this.#check = check
  }

  /** The value of `key`. Who finds one has to see that it is what the key says, as the checksum of a value leaves out its key. */
  async get(key: Uint8Array, read: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const value = await read
    if (value === undefined) await this.checkKey(key)
    return value
  }

  /** The rows of a query. */
  async range(
    { from, to, newestFirst = false, limit }: RangeQuery,
    read: Promise<readonly StoreRow[]>,
  ): Promise<readonly StoreRow[]> {
    const rows = await read
    const last = rows.length < limit ? undefined : rows.at(-1)?.[0]
    if (last === undefined) await this.checkRange(from, to)
    else await (newestFirst ? this.checkRange(last, to) : this.checkRange(from, behind(last)))
    return rows
  }

  /** @throws CordonError `data-inconsistent` if looking for this key may have met damage. */
  async checkKey(key: Uint8Array): Promise<void> {
    this.#refuse(await this.#check.damageAt(key))
  }

  /** @throws CordonError `data-inconsistent` if an iterator from `from` up to `to` may have met damage. */
  async checkRange(from: Uint8Array, to: Uint8Array): Promise<void> {
    this.#refuse(await this.#check.damageIn({ from, to }))
  }

  #refuse(damage: FileDamage | null): void {
    if (damage !== null) throw damagedInUse(this.#directory, damage)
  }
}

/** The first key behind this one. */
function behind(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, Uint8Array.of(0)])
}
