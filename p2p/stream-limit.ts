/**
 * A bound on how fast a peer opens streams, of whatever protocol: each costs a negotiation, and those that libp2p turns
 * away for lack of room cost an answer. Beyond it the connection ends.
 */
import { LIMITS } from '../config/limits.ts'
import { adjustedMuxers, type MuxerFactory } from './muxers.ts'
import { TokenBucket } from './token-bucket.ts'

/** What is used of a Yamux multiplexer, beyond the interface: called for every stream that the peer opens. */
interface IncomingStreams {
  incomingStream(id: number): void
}

/** The same multiplexer with `LIMITS.streamsPerSecondPerConnection`. */
export function limitedStreams(yamux: MuxerFactory): MuxerFactory {
  return adjustedMuxers(yamux, (muxer) => {
    const streams = muxer as unknown as IncomingStreams
    const incoming = streams.incomingStream.bind(muxer)
    const bucket = new TokenBucket(
      LIMITS.streamsPerSecondPerConnection,
      LIMITS.streamsPerSecondPerConnection,
      () => performance.now(),
    )
    streams.incomingStream = (id) => {
      // What is thrown while a frame is handled makes libp2p end the connection.
      if (!bucket.take()) throw new Error('the peer opens too many streams')
      incoming(id)
    }
  })
}
