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

const LEAST_ROOM = 4
const PIECE_WORDS = 256 * 1024
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
  /** By slot: where its block starts, counted through all pieces, and its room; 0: it has none. */
  #starts: Float64Array
  #rooms: Uint8Array
  /** Blocks given up, by room. */
  readonly #free = new Map<number, number[]>()

  /** @param fields of each partner. @param most partners of an account: `LEAST_ROOM` times a power of 2. */
  constructor(fields: number, most: number, accounts: number) {
    this.fields = fields
    this.most = most
    this.#starts = new Float64Array(accounts)
    this.#rooms = new Uint8Array(accounts)
  }

  /** Makes room for so many accounts. */
  reserve(accounts: number): void {
    const [starts, rooms] = [new Float64Array(accounts), new Uint8Array(accounts)]
    starts.set(this.#starts)
    rooms.set(this.#rooms)
    this.#starts = starts
    this.#rooms = rooms
  }

  /** Lets `list` show the partners of an account. */
  look(slot: number, list: PartnerList): void {
    const room = this.#rooms[slot] as number
    list.room = room
    if (room > 0) this.#show(this.#starts[slot] as number, list)
  }

  #show(start: number, list: PartnerList): void {
    const piece = Math.floor(start / PIECE_WORDS)
    list.words = this.#pieces[piece] as Uint32Array
    list.base = start - piece * PIECE_WORDS
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
    const start = this.#take(room === 0 ? LEAST_ROOM : 2 * room)
    list.room = room === 0 ? LEAST_ROOM : 2 * room
    this.#show(start, list)
    for (let field = 0; field < this.fields; field++) {
      const from = base + field * room
      list.words.set(words.subarray(from, from + room), list.base + field * list.room)
    }
    this.forget(slot)
    this.#starts[slot] = start
    this.#rooms[slot] = list.room
  }

  /** An empty block. */
  #take(room: number): number {
    const used = this.#free.get(room)?.pop()
    const words = this.fields * room
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
    return start
  }

  /** The account has no partners any more. */
  forget(slot: number): void {
    const room = this.#rooms[slot] as number
    if (room === 0) return
    const free = this.#free.get(room)
    if (free === undefined) this.#free.set(room, [this.#starts[slot] as number])
    else free.push(this.#starts[slot] as number)
    this.#rooms[slot] = 0
  }
}
