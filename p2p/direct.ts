/**
 * Direct streams: what validators say to each other. Each side opens one long-lived stream per peer and only writes on
 * it; the other side only reads. Best effort and in order while the stream lasts (consensus.md §8).
 */
import type { Connection, Stream } from '@libp2p/interface'
import { LIMITS } from '../config/limits.ts'
import { encodeFrames, FrameError, FrameReader } from './frames.ts'
import { abortConnection } from './greeter.ts'
import { TokenBucket } from './token-bucket.ts'
import type { NetworkLog } from './types.ts'

/** Small frames are written together up to this size. */
const WRITE_BYTES = 128 * 1024
/** A queue is compacted when this many sent frames are at its front. */
const COMPACT_FRAMES = 1024
/** A stream that lasted this long was good: opening it again starts without back-off. */
const GOOD_STREAM_MS = 5_000

/** The queue of one peer and the stream that empties it. */
export class DirectSender {
  readonly #protocol: string
  readonly #log: NetworkLog
  #queue: (Uint8Array | undefined)[] = []
  #first = 0
  #queuedBytes = 0
  #connection: Connection | null = null
  #stream: Stream | null = null
  #flushScheduled = false
  #retryMs: number = LIMITS.dialRetryMinMs
  #retry: NodeJS.Timeout | null = null
  #sent = 0
  #dropped = 0
  /** When the peer last took something, or had nothing to take. */
  #readMs = performance.now()

  constructor(protocol: string, log: NetworkLog) {
    this.#protocol = protocol
    this.#log = log
  }

  get sentFrames(): number {
    return this.#sent
  }

  /** Frames that had to make room for newer ones. */
  get droppedFrames(): number {
    return this.#dropped
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Sends over this connection from now on; null: over none, and what is queued is forgotten. */
  use(connection: Connection | null): void {
    if (connection === this.#connection) return
    this.#connection = connection
    const stream = this.#stream
    this.#stream = null
    if (stream !== null) closeQuietly(stream)
    this.#cancelRetry()
    this.#retryMs = LIMITS.dialRetryMinMs
    if (connection === null) this.#clear()
    else void this.#open(connection)
  }

  /** Queues one frame of at most `LIMITS.messageBytes`. It leaves at the end of this turn if the peer keeps up. */
  send(frame: Uint8Array): void {
    if (this.#queuedBytes === 0) this.#readMs = performance.now()
    this.#queue.push(frame)
    this.#queuedBytes += frame.length
    while (this.#queuedBytes > LIMITS.peerQueueBytes) {
      this.#shift()
      this.#dropped += 1
    }
    if (performance.now() - this.#readMs > LIMITS.unreadTimeoutMs) this.#giveUp()
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false
    const stream = this.#stream
    if (stream === null || stream.status !== 'open') return
    try {
      while (this.#first < this.#queue.length && !stream.writableNeedsDrain) stream.send(this.#nextWrite())
    } catch (error) {
      stream.abort(error as Error)
    }
  }

  /** Whoever answers pings and reads nothing only costs memory. */
  #giveUp(): void {
    const connection = this.#connection
    this.#readMs = performance.now()
    if (connection === null) return
    this.#log.debug({ peer: connection.remotePeer.toString() }, 'the peer does not read what it is sent')
    abortConnection(connection, 'nothing was read for too long')
  }

  /** One frame, and those after it that fit into the same write. */
  #nextWrite(): Uint8Array {
    const frames: Uint8Array[] = []
    let bytes = 0
    for (let next = this.#queue[this.#first]; next !== undefined; next = this.#queue[this.#first]) {
      if (frames.length > 0 && bytes + next.length > WRITE_BYTES) break
      frames.push(next)
      bytes += next.length
      this.#shift()
    }
    this.#sent += frames.length
    this.#readMs = performance.now()
    return encodeFrames(frames)
  }

  #shift(): void {
    this.#queuedBytes -= this.#queue[this.#first]?.length ?? 0
    this.#queue[this.#first] = undefined
    this.#first += 1
    if (this.#first === this.#queue.length) {
      this.#queue = []
      this.#first = 0
    } else if (this.#first >= COMPACT_FRAMES) {
      this.#queue.splice(0, this.#first)
      this.#first = 0
    }
  }

  #clear(): void {
    this.#queue = []
    this.#first = 0
    this.#queuedBytes = 0
  }

  async #open(connection: Connection): Promise<void> {
    let stream: Stream
    try {
      stream = await connection.newStream(this.#protocol, {
        signal: AbortSignal.timeout(LIMITS.helloTimeoutMs),
      })
    } catch (error) {
      this.#log.debug({ peer: connection.remotePeer.toString(), error }, 'could not open a direct stream')
      this.#retryLater(connection)
      return
    }
    if (connection !== this.#connection) {
      closeQuietly(stream)
      return
    }
    const openedMs = performance.now()
    stream.addEventListener('drain', this.#flush)
    stream.addEventListener('close', () => {
      if (this.#stream !== stream) return
      this.#stream = null
      if (performance.now() - openedMs >= GOOD_STREAM_MS) this.#retryMs = LIMITS.dialRetryMinMs
      this.#retryLater(connection)
    })
    this.#stream = stream
    if (stream.status === 'open') this.#flush()
    else {
      this.#stream = null
      this.#retryLater(connection)
    }
  }

  #retryLater(connection: Connection): void {
    if (connection !== this.#connection || connection.status !== 'open' || this.#retry !== null) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      if (connection === this.#connection && this.#stream === null) void this.#open(connection)
    }, this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, LIMITS.dialRetryMaxMs)
  }

  #cancelRetry(): void {
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
  }
}

export interface DirectReceiverHandlers {
  onFrame(frame: Uint8Array): void
  /** The peer broke the framing; the stream is already gone. */
  onFault(why: string): void
}

/**
 * Reads one incoming direct stream. A peer above its rate is not cut off but slowed down: the stream pauses, Yamux
 * stops giving it window, and its own queue drops what is old. An honest peer whose frames piled up loses nothing.
 */
export function receiveDirect(stream: Stream, bucket: TokenBucket, handlers: DirectReceiverHandlers): void {
  const reader = new FrameReader(LIMITS.messageBytes)
  let pause: NodeJS.Timeout | null = null
  let unfinished: NodeJS.Timeout | null = null

  const fail = (error: Error): void => {
    stream.abort(error)
    handlers.onFault(error.message)
  }

  /** A frame that was begun has to end: else its bytes would be held for as long as the peer likes. */
  const watch = (): void => {
    if (unfinished !== null) clearTimeout(unfinished)
    unfinished = null
    if (reader.pendingBytes === 0 || pause !== null || stream.status !== 'open') return
    unfinished = setTimeout(() => {
      fail(new FrameError(`a frame was not complete within ${LIMITS.frameTimeoutMs} ms`))
    }, LIMITS.frameTimeoutMs)
  }

  /** Hands out complete frames; false when that ended with a pause or with the stream. */
  const pump = (): boolean => {
    let got = false
    try {
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        got = true
        handlers.onFrame(frame)
        if (!bucket.take()) {
          hold()
          return false
        }
      }
      return true
    } catch (error) {
      fail(error as Error)
      return false
    } finally {
      if (got || unfinished === null) watch()
    }
  }

  const hold = (): void => {
    if (stream.readStatus === 'readable') stream.pause()
    pause = setTimeout(() => {
      pause = null
      if (pump() && stream.readStatus === 'paused') stream.resume()
    }, bucket.waitMs())
  }

  // What is in flight when the stream pauses has to fit, or libp2p resets the stream.
  stream.maxReadBufferLength = 2 * LIMITS.messageBytes
  stream.addEventListener('message', (event) => {
    reader.push(event.data)
    if (pause === null) pump()
  })
  stream.addEventListener('close', () => {
    if (pause !== null) clearTimeout(pause)
    if (unfinished !== null) clearTimeout(unfinished)
    unfinished = null
  })
}

/** The rate limit of one peer's frames. Its burst also bounds the frames handled in one turn. */
export function frameBucket(): TokenBucket {
  return new TokenBucket(LIMITS.messagesPerSecondPerPeer, LIMITS.messagesPerSecondPerPeer / 10, () =>
    performance.now(),
  )
}

function closeQuietly(stream: Stream): void {
  stream.close({ signal: AbortSignal.timeout(LIMITS.helloTimeoutMs) }).catch((error: unknown) => {
    stream.abort(error as Error)
  })
}
