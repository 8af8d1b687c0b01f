/** What all encodings of the protocol share: the version byte, length-prefixed nesting, signer bitmaps, memory of results. */
import { DecodeError, type Reader, type Writer } from '../crypto/codec.ts'
import { LIMITS } from '../config/limits.ts'
import type { ValidatorIndex } from './types.ts'

/** First byte of every encoded object. A change of any layout takes the next number. */
export const WIRE_VERSION = 1

export function readVersion(reader: Reader, what: string): void {
  const version = reader.u8()
  if (version !== WIRE_VERSION) {
    throw new DecodeError(
      `expected ${what} of version ${WIRE_VERSION}, got version ${version}: written by another release of Cordon`,
    )
  }
}

/**
 * Remembers one derived value (an encoding, a digest) per object, so that nothing is computed twice on its way through
 * a node. Objects of the protocol are never changed once made.
 */
export class Memo<Key extends object, Value> {
  readonly #values = new WeakMap<Key, Value>()

  get(key: Key, make: (key: Key) => Value): Value {
    let value = this.#values.get(key)
    if (value === undefined) {
      value = make(key)
      this.#values.set(key, value)
    }
    return value
  }

  set(key: Key, value: Value): void {
    this.#values.set(key, value)
  }
}

const BITMAP_BYTES = LIMITS.validators / 8

/** A set of validators as u8 length and bytes, the lowest index in the lowest bit; no trailing zero byte. */
export function writeSigners(writer: Writer, signers: readonly ValidatorIndex[]): void {
  const last = signers.at(-1)
  const bitmap = new Uint8Array(last === undefined ? 0 : (last >> 3) + 1)
  let previous = -1
  for (const signer of signers) {
    if (!Number.isInteger(signer) || signer <= previous || signer >= LIMITS.validators) {
      throw new RangeError(
        `signers must ascend strictly below ${LIMITS.validators}, got ${signer} after ${previous}`,
      )
    }
    bitmap[signer >> 3] = (bitmap[signer >> 3] as number) | (1 << (signer & 7))
    previous = signer
  }
  writer.u8(bitmap.length).raw(bitmap)
}

/** Ascending and without duplicates by construction. Whether they are in the set is for the check against it. */
export function readSigners(reader: Reader): ValidatorIndex[] {
  const length = reader.u8()
  if (length > BITMAP_BYTES)
    throw new DecodeError(`expected a signer bitmap of at most ${BITMAP_BYTES} bytes, got ${length}`)
  const bitmap = reader.fixed(length)
  if (length > 0 && bitmap[length - 1] === 0) throw new DecodeError('signer bitmap ends in a zero byte')
  const signers: ValidatorIndex[] = []
  for (const [index, byte] of bitmap.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) signers.push(8 * index + bit)
  }
  return signers
}
