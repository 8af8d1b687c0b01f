/**
 * Signatures of a simulation. Nearly all runs use an oracle: a signature exists only if the owner of the key made it, so
 * no simulated adversary can forge one, and no time goes into curves. A few runs use real keys, so that what the oracle
 * takes for granted is looked at as well.
 */
import { createHash, hash } from 'node:crypto'
import type { SigningKey } from '../../consensus/signer.ts'
import type { Verifier } from '../../consensus/replica-types.ts'
import { keyPairFromSeed, sign, verify } from '../../crypto/ed25519.ts'

export type SimKey = SigningKey & { readonly publicKey: Uint8Array }

export interface Signatures extends Verifier {
  /** A key that nobody else has. */
  keyOf(index: number): SimKey
  /** Whether the owner of the key ever signed the message, sent or not. */
  hasSigned(message: Uint8Array, publicKey: Uint8Array): boolean
}

export class SignatureOracle implements Signatures {
  /** Signature to what it is over. */
  readonly #made = new Map<string, string>()

  keyOf(index: number): SimKey {
    const publicKey = seedOf(index)
    return {
      publicKey,
      sign: (message) => {
        const subject = subjectOf(publicKey, message)
        const signature = signatureOf(subject)
        this.#made.set(signature.toString('latin1'), subject)
        return signature
      },
    }
  }

  hasSigned(message: Uint8Array, publicKey: Uint8Array): boolean {
    const subject = subjectOf(publicKey, message)
    return this.#made.get(latin1(signatureOf(subject))) === subject
  }

  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    return this.#made.get(latin1(signature)) === subjectOf(publicKey, message)
  }
}

/** Ed25519, by the rule of the nodes. */
export class RealSignatures implements Signatures {
  readonly #signed = new Set<string>()

  keyOf(index: number): SimKey {
    const { publicKey, secretKey } = keyPairFromSeed(seedOf(index))
    return {
      publicKey,
      sign: (message) => {
        this.#signed.add(subjectOf(publicKey, message))
        return sign(message, secretKey)
      },
    }
  }

  hasSigned(message: Uint8Array, publicKey: Uint8Array): boolean {
    return this.#signed.has(subjectOf(publicKey, message))
  }

  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    return verify(signature, message, publicKey)
  }
}

function seedOf(index: number): Uint8Array {
  return createHash('sha256').update(`simulated key ${index}`).digest()
}

function signatureOf(subject: string): Buffer {
  return hash('sha512', Buffer.from(subject, 'latin1'), 'buffer')
}

function subjectOf(publicKey: Uint8Array, message: Uint8Array): string {
  return latin1(publicKey) + latin1(message)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
