/** Everything else about four field elements side by side (`products.ts`), and about one of them. */
import { FIELD_BYTES, mul, square, times19 } from './products'

/** f + g, limb by limb. */
export function add(out: usize, f: usize, g: usize): void {
  for (let at: usize = 0; at < FIELD_BYTES; at += 16)
    v128.store(out + at, i32x4.add(v128.load(f + at), v128.load(g + at)))
}

/** 2p, so that the limbs of a difference of reduced ones stay above zero. */
@inline
export function twoP(i: i32): v128 {
  return i32x4.splat(i == 0 ? 0x7ffffda : (i & 1) == 1 ? 0x3fffffe : 0x7fffffe)
}

/** f − g + 2p. `g` must be reduced. */
export function sub(out: usize, f: usize, g: usize): void {
  for (let i = 0; i < 10; i++) {
    const at = (16 * i) as usize
    v128.store(out + at, i32x4.sub(i32x4.add(v128.load(f + at), twoP(i)), v128.load(g + at)))
  }
}

/** Carries the limbs of one `add` or `sub`, so that they are reduced. */
export function reduce(out: usize, f: usize): void {
  let carry = i32x4.splat(0)
  for (let i = 0; i < 10; i++) {
    const at = (16 * i) as usize
    const sum = i32x4.add(v128.load(f + at), carry)
    const bits = 26 - (i & 1)
    v128.store(out + at, v128.and(sum, i32x4.splat((1 << bits) - 1)))
    carry = i32x4.shr_u(sum, bits)
  }
  v128.store(out, i32x4.add(v128.load(out), times19(carry)))
}

/** f^(2^count). */
function squareTimes(out: usize, f: usize, count: i32): void {
  square(out, f)
  for (let i = 1; i < count; i++) square(out, out)
}

const P0: usize = memory.data(160, 16)
const P1: usize = memory.data(160, 16)
const P2: usize = memory.data(160, 16)

/** z^((p − 5) / 8) = z^(2^252 − 3). `out` must not be `z`. */
export function power22523(out: usize, z: usize): void {
  square(P0, z) // 2
  squareTimes(P1, P0, 2) // 8
  mul(P1, z, P1) // 9
  mul(P0, P0, P1) // 11
  square(P0, P0) // 22
  mul(P0, P1, P0) // 2^5 − 1
  squareTimes(P1, P0, 5)
  mul(P0, P1, P0) // 2^10 − 1
  squareTimes(P1, P0, 10)
  mul(P1, P1, P0) // 2^20 − 1
  squareTimes(P2, P1, 20)
  mul(P1, P2, P1) // 2^40 − 1
  squareTimes(P1, P1, 10)
  mul(P0, P1, P0) // 2^50 − 1
  squareTimes(P1, P0, 50)
  mul(P1, P1, P0) // 2^100 − 1
  squareTimes(P2, P1, 100)
  mul(P1, P2, P1) // 2^200 − 1
  squareTimes(P1, P1, 50)
  mul(P0, P1, P0) // 2^250 − 1
  squareTimes(P0, P0, 2)
  mul(out, P0, z) // 2^252 − 3
}

/** Limb `i` of the element in `lane`. */
@inline
export function limbOf(f: usize, i: i32, lane: i32): u32 {
  return load<u32>(f + ((16 * i + 4 * lane) as usize))
}

@inline
export function setLimb(f: usize, i: i32, lane: i32, value: u32): void {
  store<u32>(f + ((16 * i + 4 * lane) as usize), value)
}

/** The one form below p of a reduced element: ten limbs from `out` on. */
function canonical(out: usize, f: usize, lane: i32): void {
  let carry: u32 = (19 * limbOf(f, 9, lane) + (1 << 24)) >> 25
  for (let i = 0; i < 10; i++) carry = (limbOf(f, i, lane) + carry) >> (26 - (i & 1))
  carry *= 19 // 1 before that if it is p or more, else 0
  for (let i = 0; i < 10; i++) {
    const bits = 26 - (i & 1)
    const sum = limbOf(f, i, lane) + carry
    store<u32>(out + ((4 * i) as usize), sum & ((1 << bits) - 1))
    carry = sum >> bits
  }
}

const C0: usize = memory.data(40, 16)
const C1: usize = memory.data(40, 16)

/** Whether two reduced elements are the same. */
export function equal(f: usize, fLane: i32, g: usize, gLane: i32): bool {
  canonical(C0, f, fLane)
  canonical(C1, g, gLane)
  return memory.compare(C0, C1, 40) == 0
}

/** The least significant bit of the canonical form. */
export function isOdd(f: usize, lane: i32): bool {
  canonical(C0, f, lane)
  return (load<u32>(C0) & 1) == 1
}

/** The low 255 bits of 32 little-endian bytes, as they are: also p and above (ZIP-215). */
export function loadElement(out: usize, lane: i32, bytes: usize): void {
  let bit = 0
  for (let i = 0; i < 10; i++) {
    const at = min(bit >> 3, 24)
    const bits = 26 - (i & 1)
    const word = load<u64>(bytes + (at as usize)) >> ((bit - 8 * at) as u64)
    setLimb(out, i, lane, (word as u32) & ((1 << bits) - 1))
    bit += bits
  }
}

/** A small number in all four lanes. */
export function setSmall(out: usize, value: u32): void {
  memory.fill(out, 0, FIELD_BYTES)
  v128.store(out, i32x4.splat(value as i32))
}

/** The same element, from 32 little-endian bytes, in all four lanes. */
export function loadConstant(out: usize, bytes: usize): void {
  for (let lane = 0; lane < 4; lane++) loadElement(out, lane, bytes)
}
