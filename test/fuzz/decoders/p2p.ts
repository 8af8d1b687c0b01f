/** What arrives on streams before any message is looked at, and addresses of peers. */
import { concatBytes } from '../../../crypto/bytes.ts'
import { DecodeError } from '../../../crypto/codec.ts'
import { parseAddress } from '../../../p2p/addresses.ts'
import { encodeFrames, FrameError, FrameReader } from '../../../p2p/frames.ts'
import { decodeHello, encodeHello, HelloError } from '../../../p2p/hello.ts'
import { decodeSubmit, encodeSubmit } from '../../../node/submit-request.ts'
import { fullNodeHello, GENESIS } from '../../p2p/helpers.ts'
import { decoder, refusesAs, refusesWith, textOf, type Decoder } from '../decoder.ts'

/** Small, so that mutations of a length reach both sides of it. */
const FRAME_BYTES = 300

interface Frames {
  readonly frames: readonly Uint8Array[]
  readonly pendingBytes: number
}

/** Fed in pieces whose size the input itself decides. */
function readFrames(bytes: Uint8Array): Frames {
  const reader = new FrameReader(FRAME_BYTES)
  const frames: Uint8Array[] = []
  const step = 1 + ((bytes[bytes.length >> 1] ?? 0) & 63)
  for (let at = 0; at < bytes.length; at += step) {
    reader.push(bytes.subarray(at, at + step))
    for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame)
  }
  return { frames, pendingBytes: reader.pendingBytes }
}

const nonce = new Uint8Array(32).fill(9)

export const P2P_DECODERS: readonly Decoder[] = [
  decoder({
    name: 'hello',
    decode: (bytes) => decodeHello(bytes, GENESIS),
    refuses: refusesAs(HelloError),
    seeds: () => [
      encodeHello(fullNodeHello({ nonce })),
      encodeHello(fullNodeHello({ nonce, validator: 2, signature: new Uint8Array(64).fill(3) })),
    ],
  }),
  decoder({
    name: 'frames',
    decode: readFrames,
    encode: ({ frames, pendingBytes }, bytes) =>
      concatBytes(encodeFrames(frames), bytes.subarray(bytes.length - pendingBytes)),
    refuses: refusesAs(FrameError),
    seeds: () => [encodeFrames([1, 2, 40, FRAME_BYTES].map((length) => new Uint8Array(length).fill(length)))],
  }),
  decoder({
    name: 'submit-request',
    decode: decodeSubmit,
    encode: encodeSubmit,
    refuses: refusesAs(DecodeError),
    seeds: () => [encodeSubmit([Uint8Array.of(1, 2, 3), new Uint8Array(200).fill(7)])],
  }),
  decoder({
    name: 'multiaddr',
    decode: (bytes) => parseAddress(textOf(bytes)).toString(),
    refuses: refusesWith('config-invalid'),
    seeds: () =>
      [
        '/ip4/203.0.113.7/tcp/9000',
        '/ip6/::1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA',
        '/dns4/node.example/tcp/9000',
      ].map((text) => Buffer.from(text)),
    text: true,
  }),
]
