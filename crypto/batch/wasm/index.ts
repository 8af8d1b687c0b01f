/**
 * Whether all of many Ed25519 signatures hold, at once: with random z of 128 bits and h = SHA-512(R ‖ A ‖ message),
 *
 *     8·( (Σ z·s)·B − Σ z·R − Σ (z·h)·A ) = 0
 *
 * which is ZIP-215 for each of them, but for a chance of 2^−125. The sum is made as Bos and Coster do (de Rooij 1994): the
 * point with the largest scalar is added to that with the second largest, and that scalar taken from the largest.
 *
 * Everything is in one memory, at fixed places; one call at a time.
 */
import { POINT_BYTES, addPoints, decompressNegated, isNeutral, setNeutral, start } from './point'
import { SCALAR_BYTES, addMod, isCanonical, isLess, isZero, mulShort, negate, reduceWide, subtract } from './scalar'

/** Signatures in one call. */
export const MOST: i32 = 128
/** R 32, s 32, A 32, h 64, z 16 */
export const RECORD_BYTES: i32 = 176

const POINTS = 2 * MOST + 1
/** Additions for each point before it is given up: thirty to seventy are likely, and no choice of signatures makes them more. */
const STEPS_PER_POINT = 160

const RECORDS: usize = memory.data(MOST * RECORD_BYTES, 16)
const POINT_ROOM: usize = memory.data(POINTS * 160, 16)
const SCALAR_ROOM: usize = memory.data(POINTS * 32, 16)
const HEAP: usize = memory.data(POINTS * 4, 16)
const SPARE: usize = memory.data(4 * 160, 16)
const H: usize = memory.data(32, 16)
const SUM: usize = memory.data(32, 16)
const PRODUCT: usize = memory.data(32, 16)

const BASE_BYTES: usize = memory.data<u8>([
  0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
])

const encodings = new StaticArray<usize>(4)
const decoded = new StaticArray<usize>(4)

start()

/** Where the records go. */
export function records(): usize {
  return RECORDS
}

@inline
function point(i: i32): usize {
  return POINT_ROOM + POINT_BYTES * (i as usize)
}

@inline
function scalar(i: i32): usize {
  return SCALAR_ROOM + SCALAR_BYTES * (i as usize)
}

/**
 * Points in order: R and A of each signature, then B.
 * @returns 1: all of the first `count` records hold. 0: at least one does not, or it takes too long to say.
 */
export function verify(count: i32): i32 {
  memory.fill(SUM, 0, SCALAR_BYTES)
  for (let i = 0; i < count; i++) {
    const record = RECORDS + (RECORD_BYTES * i) as usize
    const s = record + 32
    const z = record + 160
    if (!isCanonical(s)) return 0
    memory.copy(scalar(2 * i), z, 16)
    memory.fill(scalar(2 * i) + 16, 0, 16)
    reduceWide(H, record + 96)
    mulShort(scalar(2 * i + 1), z, H)
    mulShort(PRODUCT, z, s)
    addMod(SUM, SUM, PRODUCT)
  }
  // −R and −A are added to −(−Σ z·s)·B: all points are negated when they are decompressed.
  negate(scalar(2 * count), SUM)
  const points = 2 * count + 1
  for (let first = 0; first < points; first += 4) {
    for (let lane = 0; lane < 4; lane++) {
      const i = first + lane
      const isHere = i < points
      encodings[lane] = i >= 2 * count ? BASE_BYTES : RECORDS + (RECORD_BYTES * (i >> 1) + 64 * (i & 1)) as usize
      decoded[lane] = isHere ? point(i) : SPARE + POINT_BYTES * (lane as usize)
    }
    if (!decompressNegated(decoded, encodings)) return 0
  }
  return sumIsSmall(points) ? 1 : 0
}

@inline
function heapAt(place: i32): i32 {
  return load<i32>(HEAP + ((4 * place) as usize))
}

@inline
function setHeap(place: i32, value: i32): void {
  store<i32>(HEAP + ((4 * place) as usize), value)
}

/** Lets the item at `place` sink until nothing below it is larger. */
function sink(start: i32, count: i32): void {
  const item = heapAt(start)
  const own = scalar(item)
  let place = start
  for (;;) {
    let child = 2 * place + 1
    if (child >= count) break
    if (child + 1 < count && isLess(scalar(heapAt(child)), scalar(heapAt(child + 1)))) child++
    if (!isLess(own, scalar(heapAt(child)))) break
    setHeap(place, heapAt(child))
    place = child
  }
  setHeap(place, item)
}

/** Whether the sum of all scalars times their points is neutral after eight-fold addition. */
function sumIsSmall(count: i32): bool {
  for (let i = 0; i < count; i++) setHeap(i, i)
  for (let i = (count >> 1) - 1; i >= 0; i--) sink(i, count)
  for (let steps = STEPS_PER_POINT * count; steps > 0; steps--) {
    const largest = heapAt(0)
    const second = heapAt(count > 2 && isLess(scalar(heapAt(1)), scalar(heapAt(2))) ? 2 : 1)
    if (isZero(scalar(second))) return isSmall(largest)
    subtract(scalar(largest), scalar(largest), scalar(second))
    addPoints(point(second), point(second), point(largest))
    sink(0, count)
  }
  return false
}

@inline
function hasBit(i: i32, bit: i32): bool {
  return ((load<u8>(scalar(i) + ((bit >> 3) as usize)) >> ((bit & 7) as u8)) & 1) == 1
}

/** Whether scalar times point is of order 1, 2, 4 or 8. */
function isSmall(i: i32): bool {
  setNeutral(SPARE)
  let bit = 255
  while (bit >= 0 && !hasBit(i, bit)) bit--
  for (; bit >= 0; bit--) {
    addPoints(SPARE, SPARE, SPARE)
    if (hasBit(i, bit)) addPoints(SPARE, SPARE, point(i))
  }
  for (let i = 0; i < 3; i++) addPoints(SPARE, SPARE, SPARE)
  return isNeutral(SPARE)
}
