/**
 * Signatures on which Ed25519 verifiers are known to disagree, built here from the curve itself: the twelve kinds of
 * "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020, table 5) and the small-order table of ZIP-215.
 */
import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js'

const { Point } = ed25519
type Point = InstanceType<typeof Point>

const ORDER = Point.Fn.ORDER
const FIELD = Point.Fp.ORDER

export interface EdgeCase {
  readonly number: number
  readonly kind: string
  readonly message: Uint8Array
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

function mod(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus
}

function digest(...parts: Uint8Array[]): Uint8Array {
  const sha = createHash('sha512')
  for (const part of parts) sha.update(part)
  return sha.digest()
}

/** The challenge before reduction. */
function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint {
  return bytesToNumberLE(digest(r, a, message))
}

function scalar(label: string): bigint {
  return mod(bytesToNumberLE(digest(Buffer.from(label))), ORDER)
}

/** A point of order 8: L times the first decodable point that has a full torsion part. */
function torsionGenerator(): Point {
  for (let i = 0; ; i++) {
    try {
      const point = Point.fromBytes(digest(Buffer.from(`torsion ${i}`)).subarray(0, 32), true)
      const torsion = point.multiplyUnsafe(ORDER - 1n).add(point)
      if (!torsion.multiplyUnsafe(4n).is0()) return torsion
    } catch {
      // Not the encoding of a point: about half are not.
    }
  }
}

const TORSION = torsionGenerator()

function torsion(times: bigint): Point {
  return times % 8n === 0n ? Point.ZERO : TORSION.multiplyUnsafe(times % 8n)
}

function encoding(y: bigint, sign: number): Uint8Array {
  const bytes = Uint8Array.from(numberToBytesLE(y, 32))
  bytes[31] = bytes[31]! | (sign << 7)
  return bytes
}

/** The 8 canonical and 6 other encodings of small-order points that ZIP-215 decodes. */
export function smallOrderEncodings(): Uint8Array[] {
  const canonical = Array.from({ length: 8 }, (_, i) => torsion(BigInt(i)).toBytes())
  const others = [
    encoding(1n, 1),
    encoding(FIELD - 1n, 1),
    ...[0, 1].flatMap((sign) => [encoding(FIELD, sign), encoding(FIELD + 1n, sign)]),
  ]
  return [...canonical, ...others]
}

/** All pairs of small-order A and R with s = 0. */
export function smallOrderPairs(): { readonly publicKey: Uint8Array; readonly signature: Uint8Array }[] {
  const encodings = smallOrderEncodings()
  return encodings.flatMap((publicKey) =>
    encodings.map((r) => ({ publicKey, signature: Uint8Array.from([...r, ...new Uint8Array(32)]) })),
  )
}

interface Recipe {
  readonly kind: string
  /** Secret scalar and torsion part of the key; scalar 0 makes it a small-order point. */
  readonly a: readonly [bigint, bigint]
  /** The same of the nonce point. */
  readonly r: readonly [bigint, bigint]
  /** Encodings other than the canonical ones. */
  readonly aBytes?: Uint8Array
  readonly rBytes?: Uint8Array
  /** What the signer hashed, where it is not what is sent. */
  readonly hashedA?: Uint8Array
  readonly hashedR?: Uint8Array
  /** Which challenges (not reduced) will do. */
  readonly accept: (k: bigint) => boolean
  /** Multiples of the order added to s. */
  readonly excess?: bigint
}

function build(number: number, recipe: Recipe): EdgeCase {
  const pointOf = ([secret, part]: readonly [bigint, bigint]): Point =>
    (secret === 0n ? Point.ZERO : Point.BASE.multiply(secret)).add(torsion(part))
  const publicKey = recipe.aBytes ?? pointOf(recipe.a).toBytes()
  const r = recipe.rBytes ?? pointOf(recipe.r).toBytes()
  for (let i = 0; ; i++) {
    const message = digest(Buffer.from(`case ${number} message ${i}`)).subarray(0, 32)
    const k = challenge(recipe.hashedR ?? r, recipe.hashedA ?? publicKey, message)
    if (!recipe.accept(k)) continue
    const s = mod(recipe.r[0] + k * recipe.a[0], ORDER) + (recipe.excess ?? 0n) * ORDER
    const signature = Uint8Array.from([...r, ...numberToBytesLE(s, 32)])
    return { number, kind: recipe.kind, message: Uint8Array.from(message), publicKey, signature }
  }
}

/** Torsion part of R + kA: zero exactly if the equation holds without the cofactor. */
const rest = (k: bigint, a: bigint, r: bigint): bigint => mod(r + mod(k, ORDER) * a, 8n)

/** The twelve kinds, numbered as in the paper. */
export function edgeCases(): EdgeCase[] {
  const a = scalar('key')
  const r = scalar('nonce')
  const identityOtherSign = encoding(1n, 1)
  const minusOneOtherSign = encoding(FIELD - 1n, 1)
  const identity = torsion(0n).toBytes()
  const minusOne = torsion(4n).toBytes()
  const recipes: Recipe[] = [
    { kind: 'small A, small R', a: [0n, 1n], r: [0n, 3n], accept: (k) => rest(k, 1n, 3n) === 0n },
    { kind: 'small A, mixed R', a: [0n, 1n], r: [r, 3n], accept: (k) => rest(k, 1n, 3n) === 0n },
    { kind: 'mixed A, small R', a: [a, 1n], r: [0n, 3n], accept: (k) => rest(k, 1n, 3n) === 0n },
    {
      kind: 'mixed A, mixed R, holds without cofactor',
      a: [a, 1n],
      r: [r, 3n],
      accept: (k) => rest(k, 1n, 3n) === 0n,
    },
    {
      kind: 'mixed A, mixed R, holds with cofactor only',
      a: [a, 1n],
      r: [r, 3n],
      accept: (k) => rest(k, 1n, 3n) !== 0n,
    },
    {
      kind: 'mixed A, prime R, fails if 8k is reduced first',
      a: [a, 1n],
      r: [r, 0n],
      accept: (k) => rest(k, 1n, 0n) !== 0n && mod(mod(8n * k, ORDER), 8n) !== 0n,
    },
    { kind: 's = s + L', a: [a, 0n], r: [r, 0n], accept: () => true, excess: 1n },
    { kind: 's far above L', a: [a, 0n], r: [r, 0n], accept: () => true, excess: 14n },
    {
      kind: 'non-canonical R, canonical R was hashed',
      a: [a, 1n],
      r: [0n, 0n],
      rBytes: identityOtherSign,
      hashedR: identity,
      accept: (k) => rest(k, 1n, 0n) === 0n,
    },
    {
      kind: 'non-canonical R, hashed as it is',
      a: [a, 1n],
      r: [0n, 0n],
      rBytes: identityOtherSign,
      accept: (k) => rest(k, 1n, 0n) === 0n,
    },
    {
      kind: 'non-canonical A, canonical A was hashed',
      a: [0n, 4n],
      r: [r, 4n],
      aBytes: minusOneOtherSign,
      hashedA: minusOne,
      accept: (k) => rest(k, 4n, 4n) === 0n,
    },
    {
      kind: 'non-canonical A, hashed as it is',
      a: [0n, 4n],
      r: [r, 4n],
      aBytes: minusOneOtherSign,
      accept: (k) => rest(k, 4n, 4n) === 0n,
    },
  ]
  return recipes.map((recipe, number) => build(number, recipe))
}
