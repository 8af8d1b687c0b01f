/**
 * Length-prefixed frames over libp2p streams: a u32 length, big-endian, then that many bytes.
 * A length is judged when its four bytes are there: nothing is allocated for a frame that will be refused, and no more
 * is held for a frame than has really arrived.
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

const PREFIX_BYTES = 4

/** The peer broke the framing: too long, empty, or ended in the middle. */
export class FrameError extends Error {
  override readonly name: string = 'FrameError'
}

type Bytes = StreamMessageEvent['data']

/** `frames` as one byte string, so that many small ones leave in one write. */
export function encodeFrames(frames: readonly Uint8Array[]): Uint8Array {
  let total = 0
  for (const frame of frames) total += PREFIX_BYTES + frame.length
  const bytes = Buffer.allocUnsafe(total)
  let offset = 0
  for (const frame of frames) {
    offset = bytes.writeUInt32BE(frame.length, offset)
    bytes.set(frame, offset)
    offset += frame.length
  }
  return bytes
}

/** Puts frames together from the chunks in which a stream delivers them. */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Uint8Array[] = []
  /** Index of the first chunk that is not used up, and how much of it is. */
  #first = 0
  #used = 0
  #bytes = 0
  /** Length of the frame in progress, or -1 while its prefix is incomplete. */
  #length = -1

  /** @param maxBytes longest frame that is accepted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes held and not yet given out. */
  get pendingBytes(): number {
    return this.#bytes + (this.#length === -1 ? 0 : PREFIX_BYTES)
  }

  push(data: Bytes): void {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      if (chunk.length === 0) continue
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
    }
  }

  /**
   * The next complete frame as a copy of its own, or null if more bytes are needed.
   * @throws FrameError if the next frame is empty or longer than `maxBytes`.
   */
  next(): Uint8Array | null {
    if (this.#length === -1) {
      if (this.#bytes < PREFIX_BYTES) return null
      const prefix = this.#take(PREFIX_BYTES)
      this.#length = new DataView(prefix.buffer).getUint32(0)
      if (this.#length === 0 || this.#length > this.#maxBytes) {
        throw new FrameError(`expected a frame of 1 to ${this.#maxBytes} bytes, got ${this.#length}`)
      }
    }
    if (this.#bytes < this.#length) return null
    const frame = this.#take(this.#length)
    this.#length = -1
    return frame
  }

  #take(count: number): Uint8Array {
    const taken = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      const chunk = this.#chunks[this.#first] as Uint8Array
      const part = chunk.subarray(this.#used, this.#used + count - filled)
      taken.set(part, filled)
      filled += part.length
      this.#used += part.length
      if (this.#used === chunk.length) {
        this.#first += 1
        this.#used = 0
      }
    }
    this.#bytes -= count
    this.#forget()
    return taken
  }

  /** Lets go of used chunks; in bulk, since taking them off the front one by one is slow on long lists. */
  #forget(): void {
    if (this.#first === this.#chunks.length) {
      this.#chunks = []
      this.#first = 0
    } else if (this.#first >= 64) {
      this.#chunks.splice(0, this.#first)
      this.#first = 0
    }
  }
}

/** A stream on which both ends take turns: used by hello and by requests. Whoever owns it aborts it when time is up. */
export class FrameStream {
  readonly stream: Stream
  readonly #reader: FrameReader
  #waiting: PromiseWithResolvers<Uint8Array> | null = null
  #ended: Error | null = null

  constructor(stream: Stream, maxBytes: number) {
    this.stream = stream
    this.#reader = new FrameReader(maxBytes)
    stream.addEventListener('message', (event) => {
      this.#reader.push(event.data)
      this.#deliver()
    })
    stream.addEventListener('remoteCloseWrite', () => {
      this.#end(new FrameError('the peer ended the stream'))
    })
    stream.addEventListener('close', (event: StreamCloseEvent) => {
      this.#end(event.error ?? new FrameError('the stream was closed'))
    })
    if (stream.status !== 'open') this.#end(new FrameError('the stream was closed'))
  }

  /** The next frame. One read at a time. @throws FrameError, or the error with which the stream was aborted. */
  async read(): Promise<Uint8Array> {
    const waiting = Promise.withResolvers<Uint8Array>()
    this.#waiting = waiting
    this.#deliver()
    return waiting.promise
  }

  /** Sends one frame. @throws if the stream is closed for writing. */
  write(frame: Uint8Array): void {
    this.stream.send(encodeFrames([frame]))
  }

  #deliver(): void {
    const waiting = this.#waiting
    if (waiting === null) return
    try {
      const frame = this.#reader.next()
      if (frame === null && this.#ended === null) return
      this.#waiting = null
      if (frame !== null) waiting.resolve(frame)
      else waiting.reject(this.#ended)
    } catch (error) {
      this.#waiting = null
      waiting.reject(error)
    }
  }

  #end(error: Error): void {
    // Frames that arrived before the end can still be read: libp2p may announce the end first.
    queueMicrotask(() => {
      this.#ended ??= error
      this.#deliver()
    })
  }
}
