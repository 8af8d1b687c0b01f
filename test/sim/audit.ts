/** The hash over everything that happened in a run: the same on every machine, or the run is not the same. */
import { createHash } from 'node:crypto'

/** Lines are short; hashing them one by one would cost more than making them. */
const CHUNK_CHARS = 64 * 1024

export class Audit {
  readonly #hash = createHash('sha256')
  #waiting = ''

  add(line: string): void {
    this.#waiting += line
    if (this.#waiting.length >= CHUNK_CHARS) this.#flush()
  }

  /** Hexadecimal; nothing can be added any more. */
  digest(): string {
    this.#flush()
    return this.#hash.digest('hex')
  }

  #flush(): void {
    this.#hash.update(this.#waiting)
    this.#waiting = ''
  }
}
