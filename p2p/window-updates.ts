/**
 * Yamux as libp2p has it answers each data frame with a window update of its own, so that every message costs two
 * encrypted frames. The protocol asks for updates only in time to keep the sender going, and other implementations
 * wait until half of the window is used. This makes libp2p's do the same (docs/benchmarks.md has the effect).
 */
import { adjustedMuxers, type MuxerFactory } from './muxers.ts'

/** What is used of a Yamux stream, beyond the interface. */
interface WindowedStream {
  /** Window granted to the peer, and what is left of it, in bytes. */
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  readonly state: number
  sendWindowUpdate(): void
}

interface StreamFactory {
  _newStream(...args: unknown[]): WindowedStream
}

/** `StreamState.Established` of @libp2p/yamux: frames that open or accept a stream must not be held back. */
const ESTABLISHED = 3

/** The same multiplexer with window updates when half of a window is used. */
export function sparingWindowUpdates(yamux: MuxerFactory): MuxerFactory {
  return adjustedMuxers(yamux, (muxer) => {
    const streams = muxer as unknown as StreamFactory
    const create = streams._newStream.bind(muxer)
    streams._newStream = (...args) => sparing(create(...args))
  })
}

function sparing(stream: WindowedStream): WindowedStream {
  const update = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const halfLeft = 2 * stream.recvWindowCapacity > stream.recvWindow
    if (!halfLeft || stream.state !== ESTABLISHED) update()
  }
  return stream
}
