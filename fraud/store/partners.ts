/**
 * Partners of accounts: whom each paid, or who paid it. Most accounts have few, so each list gets the room that it needs,
 * doubled when it is full, up to a most; then the partner of longest ago makes room. With room for the most at once, a
 * hundred thousand accounts would take 150 MiB, nearly all of it empty.
 *
 * A list is one block of whole numbers, field after field, each `room` long and filled from the front. Tags lie in two
 * halves, all low ones before all high ones, so that a search reads half of the memory and compares whole numbers. Blocks
 * lie in pieces of memory that are never moved; one that was given up is used again for another list of its size.
 */

/** Fields of a partner, in the order in which they lie. Lists of payers end before `firstS`. */
export const PartnerField = {
  tagLow: 0,
  tagHigh: 1,
  /** Newest payment, whole seconds since 1970. */
  lastS: 2,
  payments: 3,
  /** Slot where the partner's own record was found last; it may lie elsewhere by now. */
  slot: 4,
  /** First payment, whole seconds since 1970. */
  firstS: 5,
  /** Low 32 bits of the newest amount, to tell equal ones. */
  amount: 6,
} as const

export const PAYEE_FIELDS = 7
export const PAYER_FIELDS = 5

/** Partners that the smallest block has room for; the next class has twice the room. */
const LEAST_ROOM = 4
const CLASS_BITS = 3
const CLASS_MASK = 2 ** CLASS_BITS - 1
const PIECE_BITS = 18
const PIECE_WORDS = 2 ** PIECE_BITS
const TWO_POW_32 = 2 ** 32
const NO_WORDS = new Uint32Array(0)

export function lowHalf(tag: number): number {
  return tag >>> 0
}

export function highHalf(tag: number): number {
  return Math.floor(tag / TWO_POW_32)
}

export function wholeTag(low: number, high: number): number {
  return high * TWO_POW_32 + low
}

/** Where the partners of one account lie, until the next one is added anywhere. Used again and again: see `Partners.look`. */
export class PartnerList {
  words: Uint32Array = NO_WORDS
  base = 0
  /** Partners that there is room for. */
  room = 0

  at(field: number, i: number): number {
    return this.words[this.base + field * this.room + i] as number
  }

  set(field: number, i: number, value: number): void {
    this.words[this.base + field * this.room + i] = value
  }

  /** How many partners there are: places are filled from the front, and no tag is 0. */
  get length(): number {
    const { words, base, room } = this
    let i = 0
    while (i < room && (words[base + i] !== 0 || words[base + room + i] !== 0)) i++
    return i
  }

  /** Position of a tag, or −1. */
  indexOf(tag: number): number {
    const { words, base, room } = this
    const low = lowHalf(tag)
    const high = highHalf(tag)
    for (let i = 0; i < room; i++) {
      const found = words[base + i] as number
      if (found === low && words[base + room + i] === high) return i
      if (found === 0 && words[base + room + i] === 0) return -1
    }
    return -1
  }

  /** Position of the one whose newest payment is the longest ago. */
  get oldest(): number {
    const times = this.base + PartnerField.lastS * this.room
    let oldest = 0
    for (let i = 1; i < this.room; i++)
      if ((this.words[times + i] as number) < (this.words[times + oldest] as number)) oldest = i
    return oldest
  }
}

export class Partners {
  readonly fields: number
  /** Partners of an account at most. */
  readonly most: number
  readonly #pieces: Uint32Array[] = []
  /** First word of the newest piece that is not given out. */
  #next = PIECE_WORDS
  /** By slot: where its block starts, in fours of words through all pieces, and in the lowest bits the class of its room. */
  #blocks: Uint32Array
  /** Blocks given up, by class. */
  readonly #free: number[][] = []

  /** @param fields of each partner. @param most partners of an account: `LEAST_ROOM` times a power of 2. */
  constructor(fields: number, most: number, accounts: number) {
    this.fields = fields
    this.most = most
    this.#blocks = new Uint32Array(accounts)
  }

  /** Makes room for so many accounts. */
  reserve(accounts: number): void {
    const blocks = new Uint32Array(accounts)
    blocks.set(this.#blocks)
    this.#blocks = blocks
  }

  /** Lets `list` show the partners of an account. */
  look(slot: number, list: PartnerList): void {
    this.#show(this.#blocks[slot] as number, list)
  }

  #show(block: number, list: PartnerList): void {
    const size = block & CLASS_MASK
    list.room = size === 0 ? 0 : LEAST_ROOM << (size - 1)
    if (size === 0) return
    const start = LEAST_ROOM * (block >>> CLASS_BITS)
    list.words = this.#pieces[start >>> PIECE_BITS] as Uint32Array
    list.base = start & (PIECE_WORDS - 1)
  }

  /** Adds a partner to an account, whose list `list` shows before and after. @returns its position, all other fields 0. */
  add(slot: number, list: PartnerList, tag: number): number {
    this.look(slot, list)
    const { length, room } = list
    let i = length
    if (length === room) {
      if (room < this.most) this.#enlarge(slot, list)
      else i = list.oldest
    }
    for (let field = 0; field < this.fields; field++) list.set(field, i, 0)
    list.set(PartnerField.tagLow, i, lowHalf(tag))
    list.set(PartnerField.tagHigh, i, highHalf(tag))
    return i
  }

  #enlarge(slot: number, list: PartnerList): void {
    const { words, base, room } = list
    const block = this.#take(((this.#blocks[slot] as number) & CLASS_MASK) + 1)
    this.#show(block, list)
    for (let field = 0; field < this.fields; field++) {
      const from = base + field * room
      list.words.set(words.subarray(from, from + room), list.base + field * list.room)
    }
    this.forget(slot)
    this.#blocks[slot] = block
  }

  /** An empty block. */
  #take(size: number): number {
    const words = this.fields * (LEAST_ROOM << (size - 1))
    const used = this.#free[size]?.pop()
    if (used !== undefined) {
      const list = new PartnerList()
      this.#show(used, list)
      list.words.fill(0, list.base, list.base + words)
      return used
    }
    if (this.#next + words > PIECE_WORDS) {
      this.#pieces.push(new Uint32Array(PIECE_WORDS))
      this.#next = 0
    }
    const start = (this.#pieces.length - 1) * PIECE_WORDS + this.#next
    this.#next += words
    return (start / LEAST_ROOM) * (CLASS_MASK + 1) + size
  }

  /** The account has no partners any more. */
  forget(slot: number): void {
    const block = this.#blocks[slot] as number
    if (block === 0) return
    const free = (this.#free[block & CLASS_MASK] ??= [])
    free.push(block)
    this.#blocks[slot] = 0
  }
}
