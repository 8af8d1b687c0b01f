/**
 * Numbers modulo the order of the base point, L = 2^252 + 27742317777372353535851937790883648493: eight 32-bit words,
 * least significant first. Barrett's reduction (Handbook of Applied Cryptography, 14.42), with base 2^32 and k = 8.
 */

export const SCALAR_BYTES: usize = 32

const ORDER: usize = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000, 0,
])
/** ⌊2^512 / L⌋ */
const MU: usize = memory.data<u32>([
  0x0a2c131b, 0xed9ce5a3, 0x086329a7, 0x2106215d, 0xffffffeb, 0xffffffff, 0xffffffff, 0xffffffff, 0xf,
])

@inline
function word(at: usize, i: i32): u64 {
  return load<u32>(at + ((4 * i) as usize)) as u64
}

@inline
function setWord(at: usize, i: i32, value: u64): void {
  store<u32>(at + ((4 * i) as usize), value as u32)
}

/** The product of `a` (n words) and `b` (m words), n + m words; `out` must be neither. */
function multiply(out: usize, a: usize, n: i32, b: usize, m: i32): void {
  memory.fill(out, 0, (4 * (n + m)) as usize)
  for (let i = 0; i < n; i++) {
    let carry: u64 = 0
    const factor = word(a, i)
    for (let j = 0; j < m; j++) {
      const sum = factor * word(b, j) + word(out, i + j) + carry
      setWord(out, i + j, sum)
      carry = sum >> 32
    }
    setWord(out, i + m, carry)
  }
}

const WIDE: usize = memory.data(72, 16)
const QUOTIENT: usize = memory.data(72, 16)
const BACK: usize = memory.data(72, 16)

/** Sixteen words modulo L. */
export function reduceWide(out: usize, wide: usize): void {
  multiply(QUOTIENT, wide + 28, 9, MU, 9)
  multiply(BACK, QUOTIENT + 36, 9, ORDER, 8)
  // The remainder and up to two times L more: less than 2^256.
  let borrow: u64 = 0
  for (let i = 0; i < 8; i++) {
    const difference = word(wide, i) - word(BACK, i) - borrow
    setWord(out, i, difference)
    borrow = (difference >> 32) & 1
  }
  while (!isCanonical(out)) subtract(out, out, ORDER)
}

/** a · b mod L, of 16 bytes and a scalar. */
export function mulShort(out: usize, short: usize, b: usize): void {
  memory.fill(WIDE + 48, 0, 16)
  multiply(WIDE, short, 4, b, 8)
  reduceWide(out, WIDE)
}

/** Whether a number of eight words is below L. */
export function isCanonical(a: usize): bool {
  for (let i = 7; i >= 0; i--) {
    const difference = (word(a, i) as i64) - (word(ORDER, i) as i64)
    if (difference != 0) return difference < 0
  }
  return false
}

/** a + b mod L */
export function addMod(out: usize, a: usize, b: usize): void {
  let carry: u64 = 0
  for (let i = 0; i < 8; i++) {
    const sum = word(a, i) + word(b, i) + carry
    setWord(out, i, sum)
    carry = sum >> 32
  }
  if (!isCanonical(out)) subtract(out, out, ORDER)
}

/** −a mod L */
export function negate(out: usize, a: usize): void {
  if (!isZero(a)) subtract(out, ORDER, a)
  else memory.copy(out, a, SCALAR_BYTES)
}

/** a − b, for a ≥ b. */
export function subtract(out: usize, a: usize, b: usize): void {
  let borrow: u64 = 0
  for (let i: usize = 0; i < 32; i += 8) {
    const x = load<u64>(a + i)
    const y = load<u64>(b + i)
    const difference = x - y
    store<u64>(out + i, difference - borrow)
    borrow = (x < y || difference < borrow ? 1 : 0) as u64
  }
}

@inline
export function isZero(a: usize): bool {
  return (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0
}

/** Whether a < b. */
@inline
export function isLess(a: usize, b: usize): bool {
  let x = load<u64>(a, 24)
  let y = load<u64>(b, 24)
  if (x != y) return x < y
  x = load<u64>(a, 16)
  y = load<u64>(b, 16)
  if (x != y) return x < y
  x = load<u64>(a, 8)
  y = load<u64>(b, 8)
  if (x != y) return x < y
  return load<u64>(a) < load<u64>(b)
}
