/**
 * Values as LevelDB keeps them for Cordon: with a CRC-32C behind them, checked at every read. LevelDB has sums of its own,
 * but looks at those of its tables only if told to, which its binding cannot do.
 */
import { crc32c } from '../../crypto/crc32c.ts'
import { DecodeError } from '../../crypto/codec.ts'

const SUM_BYTES = 4

/** An encoding as `level` takes them. */
export const SEALED: {
  readonly name: string
  readonly format: 'view'
  readonly encode: (value: Uint8Array) => Uint8Array
  readonly decode: (stored: Uint8Array) => Uint8Array
} = { name: 'sealed', format: 'view', encode: seal, decode: unseal }

function seal(value: Uint8Array): Uint8Array {
  // From the pool of buffers, as LevelDB takes a copy: memory of its own costs as much as the sum.
  const stored = Buffer.allocUnsafe(value.length + SUM_BYTES)
  stored.set(value)
  stored.writeUInt32BE(crc32c(value), value.length)
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.length)
}

/** @throws DecodeError if the sum is not that of the value. */
function unseal(stored: Uint8Array): Uint8Array {
  const length = stored.length - SUM_BYTES
  if (length < 0) throw new DecodeError(`expected a value with its checksum, got ${stored.length} bytes`)
  const value = stored.subarray(0, length)
  const sum = new DataView(stored.buffer, stored.byteOffset, stored.byteLength).getUint32(length)
  if (sum !== crc32c(value)) throw new DecodeError(`a value of ${length} bytes does not have its checksum`)
  return value
}
