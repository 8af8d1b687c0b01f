/** Where this project changes how libp2p's Yamux behaves: each multiplexer is adjusted when it is made. */
import type { ComponentLogger, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

export type MuxerFactory = (components: { logger: ComponentLogger }) => StreamMuxerFactory

/** The same multiplexers, each given to `adjust` first. */
export function adjustedMuxers(yamux: MuxerFactory, adjust: (muxer: StreamMuxer) => void): MuxerFactory {
  return (components) => {
    const factory = yamux(components)
    return {
      protocol: factory.protocol,
      createStreamMuxer(connection) {
        const muxer = factory.createStreamMuxer(connection)
        adjust(muxer)
        return muxer
      },
    }
  }
}
