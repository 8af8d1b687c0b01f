/**
 * Many Ed25519 signatures at once, some two fifths faster than one by one with libsodium (docs/adr/0019). It accepts what
 * ZIP-215 accepts, but for a chance of 2^−125 that no choice of signatures makes larger: the factors are random, and new for
 * each call. The arithmetic is in WebAssembly (`wasm/`), compiled by `npm run wasm` into `module.ts`.
 */
import { hash, randomFillSync } from 'node:crypto'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../ed25519.ts'
import { MODULE } from './module.ts'

/** Fewer are faster one by one. */
export const FEWEST: number = 12
/** In one call. As in `wasm/index.ts`. */
export const MOST: number = 128
const RECORD_BYTES = 176
/** Where the parts of a record begin. */
const [KEY, CHALLENGE, FACTOR] = [64, 96, 160]
const FACTOR_BYTES = 16
const POINT_BYTES = 32

export interface Signed {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly message: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  /** Address of the first record: R 32, s 32, A 32, SHA-512(R ‖ A ‖ message) 64, random 16. */
  records(): number
  /** 1: all of the first `count` records hold. */
  verify(count: number): number
}

/** One per thread, made at the first call: the compiled module and its 130 KiB of memory. */
let loaded: { readonly exports: Exports; readonly records: Uint8Array } | null = null

/** What is used of a global that the types of Node leave out. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object) => { readonly exports: Exports }
  }
}

function load(): NonNullable<typeof loaded> {
  if (loaded !== null) return loaded
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(MODULE, 'base64')))
  const records = new Uint8Array(exports.memory.buffer, exports.records(), MOST * RECORD_BYTES)
  return (loaded = { exports, records })
}

/**
 * Whether every signature is valid. False: at least one may not be; ask for each.
 * @param signed `FEWEST` to `MOST` of them.
 */
export function verifyAll(signed: readonly Signed[]): boolean {
  if (signed.length < FEWEST || signed.length > MOST)
    throw new RangeError(`expected ${FEWEST} to ${MOST} signatures, got ${signed.length}`)
  const { exports, records } = load()
  const factors = randomFillSync(new Uint8Array(FACTOR_BYTES * signed.length))
  for (const [i, { key, message, signature }] of signed.entries()) {
    if (key.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
    const at = RECORD_BYTES * i
    records.set(signature, at)
    records.set(key, at + KEY)
    records.set(challengeOf(signature, key, message), at + CHALLENGE)
    records.set(factors.subarray(FACTOR_BYTES * i, FACTOR_BYTES * (i + 1)), at + FACTOR)
  }
  return exports.verify(signed.length) === 1
}

/** SHA-512(R ‖ A ‖ message), through a string for the reason in `hash.ts`. */
function challengeOf(signature: Uint8Array, key: Uint8Array, message: Uint8Array): Uint8Array {
  const hashed = Buffer.concat([signature.subarray(0, POINT_BYTES), key, message])
  return Buffer.from(hash('sha512', hashed, 'binary'), 'binary')
}
