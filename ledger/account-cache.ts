/**
 * Accounts in memory, so that a payment does not read and hash for each of its parties. They lie in flat arrays: as
 * objects, a hundred thousand of them would be copied and marked by every collection of garbage, and each payment between
 * accounts that were not seen lately leaves two more.
 *
 * When it is full, a hand goes round and takes the next place that was not looked at since it last came by.
 */
import { accountKey, type AccountEntry } from './entries.ts'
import type { Guardian } from './guardian.ts'
import type { Bytes32 } from './types.ts'

const ID_BYTES = 32
const INITIAL_PLACES = 1_024

export class AccountCache {
  readonly #capacity: number
  /** Place of an account, by `mapKey` of its id. */
  readonly #places = new Map<string, number>()
  readonly #names: string[] = []
  /** Of each place: account id, and key in the state tree. */
  #ids = new Uint8Array(INITIAL_PLACES * ID_BYTES)
  #treeKeys = new Uint8Array(INITIAL_PLACES * ID_BYTES)
  /** 0: there is no such account. */
  #exists = new Uint8Array(INITIAL_PLACES)
  #balances = new BigUint64Array(INITIAL_PLACES)
  #sequences = new BigUint64Array(INITIAL_PLACES)
  #createdMs = new Float64Array(INITIAL_PLACES)
  #labels = new Uint16Array(INITIAL_PLACES)
  /** By place; most accounts have none. */
  readonly #guardians = new Map<number, Guardian>()
  /** Looked at since the hand came by. */
  #used = new Uint8Array(INITIAL_PLACES)
  #hand = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#places.size
  }

  /** As last set; null: no such account; undefined: not here. */
  get(name: string): AccountEntry | null | undefined {
    const place = this.#places.get(name)
    if (place === undefined) return undefined
    this.#used[place] = 1
    if (this.#exists[place] === 0) return null
    return {
      id: copyOf(this.#ids, place),
      balance: this.#balances[place] as bigint,
      sequence: this.#sequences[place] as bigint,
      createdMs: this.#createdMs[place] as number,
      labels: this.#labels[place] as number,
      guardian: this.#guardians.get(place) ?? null,
    }
  }

  /** Key in the state tree of an account, whether it is here or not. */
  treeKey(name: string, id: Bytes32): Bytes32 {
    const place = this.#places.get(name)
    return place === undefined ? accountKey(id) : copyOf(this.#treeKeys, place)
  }

  /** @param entry null: no such account. @param treeKey may be left out for an account that is here. */
  set(name: string, id: Bytes32, entry: AccountEntry | null, treeKey?: Bytes32): void {
    const place = this.#places.get(name) ?? this.#take(name, id, treeKey ?? accountKey(id))
    this.#exists[place] = entry === null ? 0 : 1
    this.#balances[place] = entry?.balance ?? 0n
    this.#sequences[place] = entry?.sequence ?? 0n
    this.#createdMs[place] = entry?.createdMs ?? 0
    this.#labels[place] = entry?.labels ?? 0
    if (entry !== null && entry.guardian !== null) this.#guardians.set(place, entry.guardian)
    else if (this.#guardians.size > 0) this.#guardians.delete(place)
  }

  #take(name: string, id: Bytes32, treeKey: Bytes32): number {
    const place = this.#places.size < this.#capacity ? this.#append() : this.#free()
    this.#places.set(name, place)
    this.#names[place] = name
    this.#ids.set(id, place * ID_BYTES)
    this.#treeKeys.set(treeKey, place * ID_BYTES)
    this.#used[place] = 0
    return place
  }

  #append(): number {
    const place = this.#places.size
    if (place === this.#exists.length) this.#grow(Math.min(2 * place, this.#capacity))
    return place
  }

  #free(): number {
    while (this.#used[this.#hand] === 1) {
      this.#used[this.#hand] = 0
      this.#hand = (this.#hand + 1) % this.#capacity
    }
    const place = this.#hand
    this.#hand = (place + 1) % this.#capacity
    this.#places.delete(this.#names[place] as string)
    return place
  }

  #grow(places: number): void {
    this.#ids = grown(this.#ids, new Uint8Array(places * ID_BYTES))
    this.#treeKeys = grown(this.#treeKeys, new Uint8Array(places * ID_BYTES))
    this.#exists = grown(this.#exists, new Uint8Array(places))
    this.#balances = grown(this.#balances, new BigUint64Array(places))
    this.#sequences = grown(this.#sequences, new BigUint64Array(places))
    this.#createdMs = grown(this.#createdMs, new Float64Array(places))
    this.#labels = grown(this.#labels, new Uint16Array(places))
    this.#used = grown(this.#used, new Uint8Array(places))
  }
}

/** 32 bytes of V8's own heap, which whoever asked may keep. */
function copyOf(all: Uint8Array, place: number): Bytes32 {
  const bytes = new Uint8Array(ID_BYTES)
  const from = place * ID_BYTES
  for (let i = 0; i < ID_BYTES; i++) bytes[i] = all[from + i] as number
  return bytes
}

function grown<Numbers extends { set(from: Numbers): void }>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}
