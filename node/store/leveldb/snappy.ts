/** Snappy, decoding only (`format_description.txt` of Snappy): the form in which LevelDB keeps most blocks of a table. */

/** @returns null if `bytes` are not Snappy's. */
export function unsnap(bytes: Uint8Array): Uint8Array | null {
  const head = varintAt(bytes, 0)
  if (head === null) return null
  // A copy of 64 bytes takes two at least: nothing grows more than that.
  if (head.value > 32 * bytes.length) return null
  const output = new Uint8Array(head.value)
  let at = head.end
  let written = 0
  while (at < bytes.length) {
    const element = elementAt(bytes, at)
    if (element === null || written + element.length > output.length) return null
    if (element.from === null) {
      if (element.end > bytes.length) return null
      output.set(bytes.subarray(element.end - element.length, element.end), written)
    } else {
      if (element.from === 0 || element.from > written) return null
      // One by one: a copy may overlap what it writes.
      for (let i = 0; i < element.length; i++)
        output[written + i] = output[written + i - element.from] as number
    }
    written += element.length
    at = element.end
  }
  return written === output.length ? output : null
}

interface Element {
  readonly length: number
  /** Bytes back in the output to copy from; null: a literal, whose bytes end at `end`. */
  readonly from: number | null
  readonly end: number
}

function elementAt(bytes: Uint8Array, at: number): Element | null {
  const tag = bytes[at] as number
  const upper = tag >> 2
  switch (tag & 3) {
    case 0: {
      const lengthBytes = upper < 60 ? 0 : upper - 59
      const length = 1 + (lengthBytes === 0 ? upper : littleEndian(bytes, at + 1, lengthBytes))
      return { length, from: null, end: at + 1 + lengthBytes + length }
    }
    case 1:
      if (at + 2 > bytes.length) return null
      return { length: 4 + (upper & 7), from: ((upper >> 3) << 8) | (bytes[at + 1] as number), end: at + 2 }
    default: {
      const fromBytes = (tag & 3) === 2 ? 2 : 4
      if (at + 1 + fromBytes > bytes.length) return null
      return {
        length: 1 + upper,
        from: littleEndian(bytes, at + 1, fromBytes),
        end: at + 1 + fromBytes,
      }
    }
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = 256 * value + (bytes[at + i] ?? 0)
  return value
}

/** A number as LevelDB and Snappy write it, seven bits a byte, the lowest first; null if it does not end or is too large. */
export function varintAt(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly end: number } | null {
  let value = 0
  let factor = 1
  for (let end = at; end < bytes.length; end++) {
    const byte = bytes[end] as number
    value += (byte & 0x7f) * factor
    if (!Number.isSafeInteger(value)) return null
    if (byte < 0x80) return { value, end: end + 1 }
    factor *= 128
  }
  return null
}
