import { mapKey } from '../../crypto/bytes.ts'

/** A map from byte strings that forgets its oldest entries, bounded by the bytes that its values have on disk. */
export class ByteCache<Value> {
  readonly #entries: Map<string, { readonly value: Value; readonly bytes: number }> = new Map()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(key: Uint8Array): Value | undefined {
    return this.#entries.get(mapKey(key))?.value
  }

  /** @param bytes length of the encoded value. */
  set(key: Uint8Array, value: Value, bytes: number): void {
    const name = mapKey(key)
    this.#drop(name)
    this.#entries.set(name, { value, bytes })
    this.#bytes += bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#drop(oldest)
    }
  }

  delete(key: Uint8Array): void {
    this.#drop(mapKey(key))
  }

  #drop(name: string): void {
    this.#bytes -= this.#entries.get(name)?.bytes ?? 0
    this.#entries.delete(name)
  }
}
