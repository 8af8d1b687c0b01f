/**
 * Four elements of GF(2^255 − 19) side by side: lane l of ten vectors holds the limbs of element l, 26 and 25 bits in turn,
 * least significant first (radix 2^25.5, as in ref10 by Bernstein and others: a product of limbs is one 32-bit
 * multiplication). A field vector takes 160 bytes of memory.
 *
 * Reduced: limbs below 2^26 and 2^25, some a little above. All functions here take limbs up to three times as large, which is
 * what one `add` or `sub` of reduced ones gives: the largest factor, 19 times such a limb, is below 2^32, and the largest sum,
 * ten products, below 2^63. They leave reduced ones. `out` may be an input.
 *
 * Limbs are locals, named one by one in each product: an array of them would lie in memory and be read a hundred times.
 *
 * Names: `f3d` is twice limb 3, `g3n` nineteen times, `f3q` thirty-eight times.
 */

export const FIELD_BYTES: usize = 160

const EVEN = i64x2.splat(0x3ffffff)
const ODD = i64x2.splat(0x1ffffff)

@inline
function product(a: v128, b: v128, high: bool): v128 {
  return high ? i64x2.extmul_high_i32x4_u(a, b) : i64x2.extmul_low_i32x4_u(a, b)
}

@inline
function sum5(a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128, a4: v128, b4: v128, high: bool): v128 {
  let sum = product(a0, b0, high)
  sum = i64x2.add(sum, product(a1, b1, high))
  sum = i64x2.add(sum, product(a2, b2, high))
  sum = i64x2.add(sum, product(a3, b3, high))
  sum = i64x2.add(sum, product(a4, b4, high))
  return sum
}

@inline
function sum6(a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128, a4: v128, b4: v128, a5: v128, b5: v128, high: bool): v128 {
  let sum = product(a0, b0, high)
  sum = i64x2.add(sum, product(a1, b1, high))
  sum = i64x2.add(sum, product(a2, b2, high))
  sum = i64x2.add(sum, product(a3, b3, high))
  sum = i64x2.add(sum, product(a4, b4, high))
  sum = i64x2.add(sum, product(a5, b5, high))
  return sum
}

@inline
function sum10(a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128, a4: v128, b4: v128, a5: v128, b5: v128, a6: v128, b6: v128, a7: v128, b7: v128, a8: v128, b8: v128, a9: v128, b9: v128, high: bool): v128 {
  let sum = product(a0, b0, high)
  sum = i64x2.add(sum, product(a1, b1, high))
  sum = i64x2.add(sum, product(a2, b2, high))
  sum = i64x2.add(sum, product(a3, b3, high))
  sum = i64x2.add(sum, product(a4, b4, high))
  sum = i64x2.add(sum, product(a5, b5, high))
  sum = i64x2.add(sum, product(a6, b6, high))
  sum = i64x2.add(sum, product(a7, b7, high))
  sum = i64x2.add(sum, product(a8, b8, high))
  sum = i64x2.add(sum, product(a9, b9, high))
  return sum
}

@inline
function nineteen(a: v128): v128 {
  return i64x2.add(i64x2.add(i64x2.shl(a, 4), i64x2.shl(a, 1)), a)
}

@inline
export function times19(a: v128): v128 {
  return i32x4.add(i32x4.add(i32x4.shl(a, 4), i32x4.shl(a, 1)), a)
}

@inline
function limb(at: usize, i: usize): v128 {
  return v128.load(at + 16 * i)
}

/** Limbs of the two lower lanes, as 64-bit numbers, while those of the upper ones are made. */
const LOWER: usize = memory.data(160, 16)

/** Puts limbs of the two upper lanes beside those of the lower ones. */
@inline
function join(out: usize, i: usize, upper: v128): void {
  const lower = v128.load(LOWER + 16 * i)
  v128.store(out + 16 * i, i8x16.shuffle(lower, upper, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27))
}

/**
 * Carries the sums of two lanes, and keeps or joins them: twice from the first limb and the fifth on, so that no chain is
 * longer than five; what leaves the last limb comes back nineteen-fold.
 */
@inline
function finish(out: usize, h0: v128, h1: v128, h2: v128, h3: v128, h4: v128, h5: v128, h6: v128, h7: v128, h8: v128, h9: v128, high: bool): void {
  h1 = i64x2.add(h1, i64x2.shr_u(h0, 26))
  h0 = v128.and(h0, EVEN)
  h5 = i64x2.add(h5, i64x2.shr_u(h4, 26))
  h4 = v128.and(h4, EVEN)
  h2 = i64x2.add(h2, i64x2.shr_u(h1, 25))
  h1 = v128.and(h1, ODD)
  h6 = i64x2.add(h6, i64x2.shr_u(h5, 25))
  h5 = v128.and(h5, ODD)
  h3 = i64x2.add(h3, i64x2.shr_u(h2, 26))
  h2 = v128.and(h2, EVEN)
  h7 = i64x2.add(h7, i64x2.shr_u(h6, 26))
  h6 = v128.and(h6, EVEN)
  h4 = i64x2.add(h4, i64x2.shr_u(h3, 25))
  h3 = v128.and(h3, ODD)
  h8 = i64x2.add(h8, i64x2.shr_u(h7, 25))
  h7 = v128.and(h7, ODD)
  h5 = i64x2.add(h5, i64x2.shr_u(h4, 26))
  h4 = v128.and(h4, EVEN)
  h9 = i64x2.add(h9, i64x2.shr_u(h8, 26))
  h8 = v128.and(h8, EVEN)
  h0 = i64x2.add(h0, nineteen(i64x2.shr_u(h9, 25)))
  h9 = v128.and(h9, ODD)
  h1 = i64x2.add(h1, i64x2.shr_u(h0, 26))
  h0 = v128.and(h0, EVEN)
  if (high) {
    join(out, 0, h0)
    join(out, 1, h1)
    join(out, 2, h2)
    join(out, 3, h3)
    join(out, 4, h4)
    join(out, 5, h5)
    join(out, 6, h6)
    join(out, 7, h7)
    join(out, 8, h8)
    join(out, 9, h9)
  } else {
    v128.store(LOWER, h0, 0)
    v128.store(LOWER, h1, 16)
    v128.store(LOWER, h2, 32)
    v128.store(LOWER, h3, 48)
    v128.store(LOWER, h4, 64)
    v128.store(LOWER, h5, 80)
    v128.store(LOWER, h6, 96)
    v128.store(LOWER, h7, 112)
    v128.store(LOWER, h8, 128)
    v128.store(LOWER, h9, 144)
  }
}

@inline
function mulHalf(out: usize, f: usize, g: usize, high: bool): void {
  const f0 = limb(f, 0)
  const f1 = limb(f, 1)
  const f2 = limb(f, 2)
  const f3 = limb(f, 3)
  const f4 = limb(f, 4)
  const f5 = limb(f, 5)
  const f6 = limb(f, 6)
  const f7 = limb(f, 7)
  const f8 = limb(f, 8)
  const f9 = limb(f, 9)
  const f1d = i32x4.shl(f1, 1)
  const f3d = i32x4.shl(f3, 1)
  const f5d = i32x4.shl(f5, 1)
  const f7d = i32x4.shl(f7, 1)
  const f9d = i32x4.shl(f9, 1)
  const g0 = limb(g, 0)
  const g1 = limb(g, 1)
  const g2 = limb(g, 2)
  const g3 = limb(g, 3)
  const g4 = limb(g, 4)
  const g5 = limb(g, 5)
  const g6 = limb(g, 6)
  const g7 = limb(g, 7)
  const g8 = limb(g, 8)
  const g9 = limb(g, 9)
  const g1n = times19(g1)
  const g2n = times19(g2)
  const g3n = times19(g3)
  const g4n = times19(g4)
  const g5n = times19(g5)
  const g6n = times19(g6)
  const g7n = times19(g7)
  const g8n = times19(g8)
  const g9n = times19(g9)
  const h0 = sum10(f0, g0, f1d, g9n, f2, g8n, f3d, g7n, f4, g6n, f5d, g5n, f6, g4n, f7d, g3n, f8, g2n, f9d, g1n, high)
  const h1 = sum10(f0, g1, f1, g0, f2, g9n, f3, g8n, f4, g7n, f5, g6n, f6, g5n, f7, g4n, f8, g3n, f9, g2n, high)
  const h2 = sum10(f0, g2, f1d, g1, f2, g0, f3d, g9n, f4, g8n, f5d, g7n, f6, g6n, f7d, g5n, f8, g4n, f9d, g3n, high)
  const h3 = sum10(f0, g3, f1, g2, f2, g1, f3, g0, f4, g9n, f5, g8n, f6, g7n, f7, g6n, f8, g5n, f9, g4n, high)
  const h4 = sum10(f0, g4, f1d, g3, f2, g2, f3d, g1, f4, g0, f5d, g9n, f6, g8n, f7d, g7n, f8, g6n, f9d, g5n, high)
  const h5 = sum10(f0, g5, f1, g4, f2, g3, f3, g2, f4, g1, f5, g0, f6, g9n, f7, g8n, f8, g7n, f9, g6n, high)
  const h6 = sum10(f0, g6, f1d, g5, f2, g4, f3d, g3, f4, g2, f5d, g1, f6, g0, f7d, g9n, f8, g8n, f9d, g7n, high)
  const h7 = sum10(f0, g7, f1, g6, f2, g5, f3, g4, f4, g3, f5, g2, f6, g1, f7, g0, f8, g9n, f9, g8n, high)
  const h8 = sum10(f0, g8, f1d, g7, f2, g6, f3d, g5, f4, g4, f5d, g3, f6, g2, f7d, g1, f8, g0, f9d, g9n, high)
  const h9 = sum10(f0, g9, f1, g8, f2, g7, f3, g6, f4, g5, f5, g4, f6, g3, f7, g2, f8, g1, f9, g0, high)
  finish(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, high)
}

export function mul(out: usize, f: usize, g: usize): void {
  mulHalf(out, f, g, false)
  mulHalf(out, f, g, true)
}

@inline
function squareHalf(out: usize, f: usize, high: bool): void {
  const f0 = limb(f, 0)
  const f1 = limb(f, 1)
  const f2 = limb(f, 2)
  const f3 = limb(f, 3)
  const f4 = limb(f, 4)
  const f5 = limb(f, 5)
  const f6 = limb(f, 6)
  const f7 = limb(f, 7)
  const f8 = limb(f, 8)
  const f9 = limb(f, 9)
  const f0d = i32x4.shl(f0, 1)
  const f1d = i32x4.shl(f1, 1)
  const f2d = i32x4.shl(f2, 1)
  const f3d = i32x4.shl(f3, 1)
  const f4d = i32x4.shl(f4, 1)
  const f5d = i32x4.shl(f5, 1)
  const f6d = i32x4.shl(f6, 1)
  const f7d = i32x4.shl(f7, 1)
  const f6n = times19(f6)
  const f8n = times19(f8)
  const f5q = i32x4.shl(times19(f5), 1)
  const f7q = i32x4.shl(times19(f7), 1)
  const f9q = i32x4.shl(times19(f9), 1)
  const h0 = sum6(f0, f0, f1d, f9q, f2d, f8n, f3d, f7q, f4d, f6n, f5, f5q, high)
  const h1 = sum5(f0d, f1, f2, f9q, f3d, f8n, f4, f7q, f5d, f6n, high)
  const h2 = sum6(f0d, f2, f1d, f1, f3d, f9q, f4d, f8n, f5d, f7q, f6, f6n, high)
  const h3 = sum5(f0d, f3, f1d, f2, f4, f9q, f5d, f8n, f6, f7q, high)
  const h4 = sum6(f0d, f4, f1d, f3d, f2, f2, f5d, f9q, f6d, f8n, f7, f7q, high)
  const h5 = sum5(f0d, f5, f1d, f4, f2d, f3, f6, f9q, f7d, f8n, high)
  const h6 = sum6(f0d, f6, f1d, f5d, f2d, f4, f3d, f3, f7d, f9q, f8, f8n, high)
  const h7 = sum5(f0d, f7, f1d, f6, f2d, f5, f3d, f4, f8, f9q, high)
  const h8 = sum6(f0d, f8, f1d, f7d, f2d, f6, f3d, f5d, f4, f4, f9, f9q, high)
  const h9 = sum5(f0d, f9, f1d, f8, f2d, f7, f3d, f6, f4d, f5, high)
  finish(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, high)
}

export function square(out: usize, f: usize): void {
  squareHalf(out, f, false)
  squareHalf(out, f, true)
}

const SUM_FACTORS = i32x4(121666, 121666, 2 * 121665, 2 * 121666)

@inline
function scaleHalf(out: usize, f: usize, high: bool): void {
  const h0 = product(limb(f, 0), SUM_FACTORS, high)
  const h1 = product(limb(f, 1), SUM_FACTORS, high)
  const h2 = product(limb(f, 2), SUM_FACTORS, high)
  const h3 = product(limb(f, 3), SUM_FACTORS, high)
  const h4 = product(limb(f, 4), SUM_FACTORS, high)
  const h5 = product(limb(f, 5), SUM_FACTORS, high)
  const h6 = product(limb(f, 6), SUM_FACTORS, high)
  const h7 = product(limb(f, 7), SUM_FACTORS, high)
  const h8 = product(limb(f, 8), SUM_FACTORS, high)
  const h9 = product(limb(f, 9), SUM_FACTORS, high)
  finish(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, high)
}

/** The four lanes times what the sum of two points needs (`point.ts`). */
export function scale(out: usize, f: usize): void {
  scaleHalf(out, f, false)
  scaleHalf(out, f, true)
}
