/**
 * The hello: the first thing on every connection, before any other protocol counts.
 *
 *   dialler  → listener   Hello    genesis, version, epoch, validator index or none, nonce, user agent
 *   listener → dialler    Hello    the same, and the proof
 *   dialler  → listener   Proof    signature, or nothing
 *   listener → dialler    Done     the listener takes the connection
 *
 * A proof is the validator's signature over H("hello", genesis, index, signer's peer id, verifier's peer id, verifier's
 * nonce, signer's nonce). The verifier's fresh nonce makes replaying useless; both peer ids, which Noise has
 * authenticated, keep anybody from passing on somebody else's proof; their order keeps a proof from being sent back to
 * its maker.
 */
import { randomBytes } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, toHex, utf8 } from '../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { SIGNATURE_BYTES, verifyFast } from '../crypto/ed25519.ts'
import { DIGEST_BYTES, hash } from '../crypto/hash.ts'
import type { FrameStream } from './frames.ts'
import { PROTOCOL_VERSION } from './protocols.ts'
import type { NetworkOptions } from './types.ts'

const NONCE_BYTES = 32
const NO_VALIDATOR = 0xffff_ffff
const DONE: Uint8Array = Uint8Array.of(1)

export type HelloFault = 'other-chain' | 'other-version' | 'forged' | 'malformed' | 'unanswered' | 'full'

/** The hello did not succeed; the message says what to do about it. */
export class HelloError extends Error {
  override readonly name: string = 'HelloError'
  readonly fault: HelloFault

  constructor(fault: HelloFault, message: string) {
    super(message)
    this.fault = fault
  }
}

export interface Hello {
  readonly genesisHash: Uint8Array
  readonly version: number
  /** Epoch of the validator set the sender works with. Told, not compared: a peer may be behind. */
  readonly epoch: number
  /** Index of the validator the sender says it is. */
  readonly validator: number | null
  readonly nonce: Uint8Array
  readonly userAgent: string
  /** Empty where there is nothing to prove or it is not the sender's turn. */
  readonly signature: Uint8Array
}

/** What a successful hello tells about the peer. */
export interface HelloResult {
  readonly validator: number | null
  readonly epoch: number
  readonly userAgent: string
}

/** Own side of a hello. */
export interface HelloSelf extends Pick<
  NetworkOptions,
  'genesisHash' | 'validatorKeys' | 'validator' | 'userAgent'
> {
  readonly peerId: PeerId
}

export function encodeHello(hello: Hello): Uint8Array {
  return new Writer(LIMITS.helloBytes)
    .fixed(hello.genesisHash, DIGEST_BYTES)
    .u16(hello.version)
    .u48(hello.epoch)
    .u32(hello.validator ?? NO_VALIDATOR)
    .fixed(hello.nonce, NONCE_BYTES)
    .bytes(utf8(hello.userAgent))
    .bytes(hello.signature)
    .finish()
}

/**
 * Decodes and checks that the peer belongs here. Genesis and version come first and keep their places in every version,
 * so that peers of different versions still can tell each other what is wrong.
 * @throws HelloError
 */
export function decodeHello(bytes: Uint8Array, ownGenesisHash: Uint8Array): Hello {
  return decoding(() => {
    const reader = new Reader(bytes)
    const genesisHash = reader.fixed(DIGEST_BYTES)
    const version = reader.u16()
    if (!equalBytes(genesisHash, ownGenesisHash)) {
      throw new HelloError(
        'other-chain',
        `expected a peer of the chain with genesis ${toHex(ownGenesisHash)}, got one of ${toHex(genesisHash)}: ` +
          'one of the two nodes has the wrong genesis.json, or the peer does not belong into the bootstrap list',
      )
    }
    if (version !== PROTOCOL_VERSION) {
      throw new HelloError(
        'other-version',
        `expected protocol version ${PROTOCOL_VERSION}, got ${version}: update the node with the lower one`,
      )
    }
    const epoch = reader.u48()
    const validator = reader.u32()
    const nonce = reader.fixed(NONCE_BYTES)
    const userAgent = printable(Buffer.from(reader.bytes(LIMITS.userAgentBytes)).toString('latin1'))
    const signature = reader.bytes(SIGNATURE_BYTES)
    reader.end()
    return {
      genesisHash,
      version,
      epoch,
      validator: validator === NO_VALIDATOR ? null : validator,
      nonce,
      userAgent,
      signature,
    }
  })
}

/** Hash that a validator signs to prove to `verifier` that it is behind the peer `signer`. */
export function helloMessage(proof: {
  readonly genesisHash: Uint8Array
  readonly validator: number
  readonly signer: PeerId
  readonly verifier: PeerId
  readonly verifierNonce: Uint8Array
  readonly signerNonce: Uint8Array
}): Uint8Array {
  const content = new Writer()
    .fixed(proof.genesisHash, DIGEST_BYTES)
    .u32(proof.validator)
    .bytes(proof.signer.toMultihash().bytes)
    .bytes(proof.verifier.toMultihash().bytes)
    .fixed(proof.verifierNonce, NONCE_BYTES)
    .fixed(proof.signerNonce, NONCE_BYTES)
    .finish()
  return hash('hello', content)
}

/** The dialler's side. @throws HelloError, or FrameError when the peer hangs up. */
export async function sayHello(frames: FrameStream, remote: PeerId, self: HelloSelf): Promise<HelloResult> {
  const nonce = randomBytes(NONCE_BYTES)
  frames.write(ownHello(self, nonce, new Uint8Array(0)))
  const theirs = decodeHello(await frames.read(), self.genesisHash)
  checkProof(theirs, theirs.signature, remote, nonce, self)
  frames.write(new Writer().bytes(ownProof(self, remote, theirs.nonce, nonce)).finish())
  if (!equalBytes(await frames.read(), DONE))
    throw new HelloError('malformed', 'expected the end of the hello')
  return theirs
}

/**
 * The listener's side. Returns before the peer is told: call `finishHello` once the connection is taken.
 * @throws HelloError, or FrameError when the peer hangs up.
 */
export async function answerHello(
  frames: FrameStream,
  remote: PeerId,
  self: HelloSelf,
): Promise<HelloResult> {
  const nonce = randomBytes(NONCE_BYTES)
  const first = await frames.read()
  let theirs: Hello
  try {
    theirs = decodeHello(first, self.genesisHash)
  } catch (error) {
    // Without a proof, but with genesis and version: the dialler's operator shall learn what is wrong, too.
    frames.write(ownHello(self, nonce, new Uint8Array(0)))
    throw error
  }
  frames.write(ownHello(self, nonce, ownProof(self, remote, theirs.nonce, nonce)))
  const second = await frames.read()
  const signature = decoding(() => {
    const reader = new Reader(second)
    const bytes = reader.bytes(SIGNATURE_BYTES)
    reader.end()
    return bytes
  })
  checkProof(theirs, signature, remote, nonce, self)
  return theirs
}

/** Tells the dialler that the listener has taken the connection. */
export function finishHello(frames: FrameStream): void {
  frames.write(DONE)
}

function ownHello(self: HelloSelf, nonce: Uint8Array, signature: Uint8Array): Uint8Array {
  return encodeHello({
    genesisHash: self.genesisHash,
    version: PROTOCOL_VERSION,
    epoch: 0, // one epoch without end, for now
    validator: self.validator?.index ?? null,
    nonce,
    userAgent: self.userAgent,
    signature,
  })
}

function ownProof(self: HelloSelf, remote: PeerId, remoteNonce: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (self.validator === null) return new Uint8Array(0)
  return self.validator.signHello(
    helloMessage({
      genesisHash: self.genesisHash,
      validator: self.validator.index,
      signer: self.peerId,
      verifier: remote,
      verifierNonce: remoteNonce,
      signerNonce: nonce,
    }),
  )
}

function checkProof(
  theirs: Hello,
  signature: Uint8Array,
  remote: PeerId,
  nonce: Uint8Array,
  self: HelloSelf,
): void {
  if (theirs.validator === null) return
  const publicKey = self.validatorKeys[theirs.validator]
  const message = helloMessage({
    genesisHash: self.genesisHash,
    validator: theirs.validator,
    signer: remote,
    verifier: self.peerId,
    verifierNonce: nonce,
    signerNonce: theirs.nonce,
  })
  // The fast rule is enough: the signer is another Cordon node, and a stranger shall not make us run the slow reference.
  if (publicKey !== undefined && verifyFast(signature, message, publicKey)) return
  throw new HelloError(
    'forged',
    `the peer says it is validator ${theirs.validator} and cannot prove it: ` +
      'it runs with another key than the one in genesis.json, or it lies',
  )
}

function decoding<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) throw new HelloError('malformed', `expected a hello: ${error.message}`)
    throw error
  }
}

/** User agents end in logs and terminals: nothing but printable ASCII gets through. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
