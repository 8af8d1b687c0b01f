/** Byte-string helpers shared by every layer. */

/** The same bytes with the methods of a buffer. Nearly all are one already, and making one costs as much as its methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Methods of buffers that take any `Uint8Array` for `this`, left out of the types of Node. */
const { hexSlice, latin1Slice } = Buffer.prototype as unknown as Readonly<
  Record<'hexSlice' | 'latin1Slice', (this: Uint8Array, start: number, end: number) => string>
>

/** Lower-case hex of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return hexSlice.call(bytes, 0, bytes.length)
}

/** Bytes as the key of a map: one character per byte, the smallest string there is. For hex see `toHex`. */
export function mapKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length)
}

/**
 * Bytes of a lower-case hex string.
 * @throws RangeError if `hex` is not lower-case hex, or not of `length` bytes when that is given.
 */
export function fromHex(hex: string, length?: number): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex))
    throw new RangeError(`expected lower-case hex, got ${JSON.stringify(hex.slice(0, 80))}`)
  if (length !== undefined && hex.length !== 2 * length) {
    throw new RangeError(`expected ${length} bytes of hex, got ${hex.length / 2}`)
  }
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

/** Whether two byte strings are the same. Not constant time: never use it on secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0)
}

/** Lexicographic order of two byte strings, for sorting. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** One byte string holding all `parts` in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}
