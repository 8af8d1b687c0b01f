/** Request and response: one stream per request, one frame each way. */
import type { Connection, Stream } from '@libp2p/interface'
import { LIMITS } from '../config/limits.ts'
import { FrameError, FrameStream } from './frames.ts'
import { TokenBucket } from './token-bucket.ts'

export type RequestFault = 'not-connected' | 'timeout' | 'refused' | 'too-large' | 'busy'

/** Why there is no answer. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError'
  readonly fault: RequestFault

  constructor(fault: RequestFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}

/** Requests of one peer, in one direction: how many at once and how many a second. */
export class RequestGate {
  readonly #bucket = new TokenBucket(LIMITS.requestsPerSecondPerPeer, LIMITS.requestsPerSecondPerPeer, () =>
    performance.now(),
  )
  #inFlight = 0

  enter(): boolean {
    if (this.#inFlight >= LIMITS.requestsInFlightPerPeer || !this.#bucket.take()) return false
    this.#inFlight += 1
    return true
  }

  leave(): void {
    this.#inFlight -= 1
  }
}

/**
 * Asks over `connection`.
 * @throws RequestError `timeout`, `refused`, `too-large` (an answer above `maxBytes`), or `busy` when the own limits for
 * this peer are reached: ask another one, or later.
 */
export async function request(
  connection: Connection,
  protocol: string,
  gate: RequestGate,
  bytes: Uint8Array,
  options: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<Uint8Array> {
  if (bytes.length === 0 || bytes.length > LIMITS.requestBytes) {
    throw new RangeError(`expected a request of 1 to ${LIMITS.requestBytes} bytes, got ${bytes.length}`)
  }
  if (!gate.enter())
    throw new RequestError('busy', 'too many requests to this peer: ask another one, or later')
  const abort = new AbortController()
  let stream: Stream | null = null
  const timer = setTimeout(() => {
    const error = new RequestError('timeout', `no answer within ${options.timeoutMs} ms`)
    abort.abort(error)
    stream?.abort(error)
  }, options.timeoutMs)
  try {
    stream = await connection.newStream(protocol, { signal: abort.signal })
    const frames = new FrameStream(stream, Math.min(options.maxBytes, LIMITS.messageBytes))
    frames.write(bytes)
    await stream.close({ signal: abort.signal })
    const answer = await frames.read()
    settle(stream)
    return answer
  } catch (error) {
    stream?.abort(error as Error)
    throw asRequestError(error, abort.signal)
  } finally {
    clearTimeout(timer)
    gate.leave()
  }
}

function asRequestError(error: unknown, signal: AbortSignal): RequestError {
  if (signal.reason instanceof RequestError) return signal.reason
  if (error instanceof RequestError) return error
  if (error instanceof FrameError && /^expected/.test(error.message)) {
    return new RequestError('too-large', `the answer is not acceptable: ${error.message}`)
  }
  return new RequestError('refused', 'the peer refused the request or went away', { cause: error })
}

/**
 * Serves one incoming request stream. The answer of `answer` may have up to `LIMITS.messageBytes`.
 * @param onFault the peer broke the protocol; the stream is already gone.
 */
export async function serveRequest(
  stream: Stream,
  gate: RequestGate,
  answer: (bytes: Uint8Array) => Promise<Uint8Array>,
  onFault: (why: string) => void,
): Promise<void> {
  if (!gate.enter()) {
    stream.abort(new RequestError('busy', 'too many requests'))
    return
  }
  const timer = setTimeout(() => {
    stream.abort(new RequestError('timeout', 'the request took too long'))
  }, LIMITS.requestTimeoutMs)
  try {
    const frames = new FrameStream(stream, LIMITS.requestBytes)
    const bytes = await readRequest(frames, onFault)
    const reply = await answer(bytes)
    if (reply.length > LIMITS.messageBytes) throw new RangeError(`the answer has ${reply.length} bytes`)
    frames.write(reply)
    await stream.close()
    settle(stream)
  } catch (error) {
    stream.abort(error as Error)
  } finally {
    clearTimeout(timer)
    gate.leave()
  }
}

async function readRequest(frames: FrameStream, onFault: (why: string) => void): Promise<Uint8Array> {
  try {
    return await frames.read()
  } catch (error) {
    if (error instanceof FrameError) onFault(`request: ${error.message}`)
    throw error
  }
}

/** Everything is said; a stream that the peer does not close in time is taken away. */
function settle(stream: Stream): void {
  if (stream.status !== 'open' && stream.status !== 'closing') return
  const timer = setTimeout(() => {
    stream.abort(new RequestError('timeout', 'the peer did not close the stream'))
  }, LIMITS.requestTimeoutMs)
  stream.addEventListener('close', () => {
    clearTimeout(timer)
  })
}
