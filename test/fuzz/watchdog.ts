/**
 * Notices an input on which a decoder does not come back at all: nothing in the same thread could. A worker looks at the
 * input under test from time to time, and when it is still the same one after `HANG_MS` it prints it and ends the process.
 */
import { writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { toHex } from '../../crypto/bytes.ts'
import { INPUT_BYTES } from './mutate.ts'

const HANG_MS = 30_000
const LOOK_EVERY_MS = 1_000
const NAME_BYTES = 64

/** Numbers in front of the bytes: which input, whether one is under test, its length, the length of the name. */
const FIELD = { count: 0, busy: 1, bytes: 2, nameBytes: 3 } as const
const HEAD_BYTES = 16

function viewsOf(memory: SharedArrayBuffer): { head: Int32Array; name: Uint8Array; input: Uint8Array } {
  return {
    head: new Int32Array(memory, 0, 4),
    name: new Uint8Array(memory, HEAD_BYTES, NAME_BYTES),
    input: new Uint8Array(memory, HEAD_BYTES + NAME_BYTES),
  }
}

export class Watchdog {
  readonly #memory = new SharedArrayBuffer(HEAD_BYTES + NAME_BYTES + INPUT_BYTES)
  readonly #views = viewsOf(this.#memory)
  readonly #worker = new Worker(new URL(import.meta.url), { workerData: this.#memory })

  constructor() {
    this.#worker.unref()
  }

  watch(name: string, bytes: Uint8Array): void {
    const { head } = this.#views
    const { read, written } = new TextEncoder().encodeInto(name, this.#views.name)
    if (read < name.length) throw new RangeError(`expected a name of at most ${NAME_BYTES} bytes`)
    this.#views.input.set(bytes.subarray(0, INPUT_BYTES))
    Atomics.store(head, FIELD.bytes, Math.min(bytes.length, INPUT_BYTES))
    Atomics.store(head, FIELD.nameBytes, written)
    Atomics.add(head, FIELD.count, 1)
    Atomics.store(head, FIELD.busy, 1)
  }

  rest(): void {
    Atomics.store(this.#views.head, FIELD.busy, 0)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}

function guard(memory: SharedArrayBuffer): void {
  const { head, name, input } = viewsOf(memory)
  let [seen, sinceMs] = [-1, 0]
  setInterval(() => {
    const count = Atomics.load(head, FIELD.count)
    if (Atomics.load(head, FIELD.busy) === 0 || count !== seen) {
      seen = count
      sinceMs = performance.now()
      return
    }
    if (performance.now() - sinceMs < HANG_MS) return
    const decoder = Buffer.from(name.slice(0, head[FIELD.nameBytes])).toString()
    const hex = toHex(input.slice(0, head[FIELD.bytes]))
    writeSync(2, `fuzz: ${decoder} does not come back: npm run fuzz -- --only ${decoder} --input ${hex}\n`)
    process.kill(process.pid, 'SIGKILL')
  }, LOOK_EVERY_MS)
}

if (!isMainThread && workerData instanceof SharedArrayBuffer) guard(workerData)
