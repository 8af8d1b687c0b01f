/**
 * Points of edwards25519, −x² + y² = 1 + d·x²·y², in extended coordinates (Hisil, Wong, Carter, Dawson 2008): the four
 * lanes of a field vector are X, Y, T and Z, with x = X/Z, y = Y/Z, x·y = T/Z.
 */
import {
  add,
  equal,
  isOdd,
  limbOf,
  loadConstant,
  loadElement,
  power22523,
  reduce,
  setLimb,
  setSmall,
  sub,
  twoP,
} from './field'
import { FIELD_BYTES, mul, scale, square } from './products'

/** Bytes of a point in memory. */
export const POINT_BYTES: usize = FIELD_BYTES

/** d and √−1, in all four lanes; 1. */
const D: usize = memory.data(160, 16)
const SQRT_MINUS_1: usize = memory.data(160, 16)
const ONE: usize = memory.data(160, 16)

/** Makes the constants; before anything else here. */
export function start(): void {
  loadConstant(D, D_BYTES)
  loadConstant(SQRT_MINUS_1, SQRT_MINUS_1_BYTES)
  setSmall(ONE, 1)
}

const D_BYTES: usize = memory.data<u8>([
  0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00, 0x98, 0xe8,
  0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52,
])
const SQRT_MINUS_1_BYTES: usize = memory.data<u8>([
  0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f, 0xa7, 0xd7,
  0xfb, 0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b,
])

const LEFT: usize = memory.data(160, 16)
const RIGHT: usize = memory.data(160, 16)

/**
 * out = p + q, for any two points of the curve, equal ones too: the formula is complete. Multiplied by 121666, as
 * d = −121665/121666, so that no product with d is needed (de Valence, "Accelerating Edwards curve arithmetic with parallel
 * formulas", 2018).
 */
export function addPoints(out: usize, p: usize, q: usize): void {
  spread(LEFT, p)
  spread(RIGHT, q)
  // A, B, C, D = (Y1−X1)(Y2−X2), (Y1+X1)(Y2+X2), −2d·T1·T2, 2·Z1·Z2, all times 121666
  scale(RIGHT, RIGHT)
  mul(LEFT, LEFT, RIGHT)
  // E = B − A, F = D + C, G = D − C, H = B + A;   X, Y, T, Z = E·F, G·H, E·H, F·G
  for (let i = 0; i < 10; i++) {
    const at = (16 * i) as usize
    const abcd = v128.load(LEFT + at)
    const badc = i8x16.shuffle(abcd, abcd, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
    const sums = i32x4.add(abcd, badc) // H, H, F, F
    const differences = i32x4.sub(i32x4.add(badc, twoP(i)), abcd) // E, −E, G, −G
    v128.store(
      LEFT + at,
      i8x16.shuffle(differences, sums, 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 24, 25, 26, 27), // E, G, E, F
    )
    v128.store(
      RIGHT + at,
      i8x16.shuffle(sums, differences, 8, 9, 10, 11, 0, 1, 2, 3, 0, 1, 2, 3, 24, 25, 26, 27), // F, H, H, G
    )
  }
  mul(out, LEFT, RIGHT)
}

/** Y − X, Y + X, T, Z. */
@inline
function spread(out: usize, p: usize): void {
  for (let i = 0; i < 10; i++) {
    const at = (16 * i) as usize
    const xytz = v128.load(p + at)
    const yytz = i8x16.shuffle(xytz, xytz, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    const x = i8x16.shuffle(xytz, xytz, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3)
    const sum = i32x4.add(yytz, v128.and(x, i32x4(0, -1, 0, 0)))
    const difference = i32x4.sub(i32x4.add(sum, v128.and(twoP(i), i32x4(-1, 0, 0, 0))), v128.and(x, i32x4(-1, 0, 0, 0)))
    v128.store(out + at, difference)
  }
}

/** The neutral point. */
export function setNeutral(out: usize): void {
  memory.fill(out, 0, POINT_BYTES)
  setLimb(out, 0, 1, 1)
  setLimb(out, 0, 3, 1)
}

export function isNeutral(p: usize): bool {
  memory.fill(LEFT, 0, POINT_BYTES)
  return equal(p, 0, LEFT, 0) && equal(p, 1, p, 3)
}

const Y: usize = memory.data(160, 16)
const U: usize = memory.data(160, 16)
const V: usize = memory.data(160, 16)
const W: usize = memory.data(160, 16)
const X: usize = memory.data(160, 16)
const T: usize = memory.data(160, 16)

/**
 * Decompresses four points and negates them. `bytes`: addresses of four encodings, 32 bytes each; any y is taken as it is, and
 * either sign of x = 0 (ZIP-215). `out`: addresses of four points.
 * @returns whether all four are points.
 */
export function decompressNegated(out: StaticArray<usize>, bytes: StaticArray<usize>): bool {
  for (let lane = 0; lane < 4; lane++) loadElement(Y, lane, bytes[lane])
  reduce(Y, Y)
  square(T, Y)
  sub(U, T, ONE) // u = y² − 1
  reduce(U, U)
  mul(V, T, D)
  add(V, V, ONE) // v = d·y² + 1
  reduce(V, V)
  // x = u·v³·(u·v⁷)^((p−5)/8)
  square(W, V)
  mul(W, W, V) // v³
  square(T, W)
  mul(T, T, V) // v⁷
  mul(T, T, U)
  power22523(X, T)
  mul(X, X, W)
  mul(X, X, U)
  square(W, X)
  mul(W, W, V) // v·x²: u or −u if u/v is a square
  mul(T, X, SQRT_MINUS_1)
  setSmall(LEFT, 0)
  sub(V, LEFT, U)
  reduce(V, V) // −u
  for (let lane = 0; lane < 4; lane++) {
    if (equal(W, lane, U, lane)) continue
    if (!equal(W, lane, V, lane)) return false
    for (let i = 0; i < 10; i++) setLimb(X, i, lane, limbOf(T, i, lane))
  }
  // −x: of the other parity than the sign says; 0 stays.
  sub(T, LEFT, X)
  reduce(T, T)
  for (let lane = 0; lane < 4; lane++) {
    const sign = load<u8>(bytes[lane], 31) >> 7 == 1
    if (isOdd(X, lane) == sign) for (let i = 0; i < 10; i++) setLimb(X, i, lane, limbOf(T, i, lane))
  }
  mul(T, X, Y)
  for (let lane = 0; lane < 4; lane++) {
    const point = out[lane]
    for (let i = 0; i < 10; i++) {
      setLimb(point, i, 0, limbOf(X, i, lane))
      setLimb(point, i, 1, limbOf(Y, i, lane))
      setLimb(point, i, 2, limbOf(T, i, lane))
      setLimb(point, i, 3, i == 0 ? 1 : 0)
    }
  }
  return true
}
