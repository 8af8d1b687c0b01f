/**
 * Signatures of a simulation. Nearly all runs use an oracle: a signature exists only if the owner of the key made it, so
 * no simulated adversary can forge one, and no time goes into curves. A few runs use real keys, so that what the oracle
 * takes for granted is looked at as well.
 */
import { createHash, hash } from 'node:crypto'
import type { SigningKey } from '../../consensus/signer.ts'
import type { Verifier } from '../../consensus/replica-types.ts'
import { equalBytes, mapKey } from '../../crypto/bytes.ts'
import { keyPairFromSeed, sign, verify } from '../../crypto/ed25519.ts'

export type SimKey = SigningKey & { readonly publicKey: Uint8Array }

export interface Signatures extends Verifier {
  /** A key that nobody else has. */
  keyOf(index: number): SimKey
  /** Whether the owner of the key ever signed the message, sent or not. */
  hasSigned(message: Uint8Array, publicKey: Uint8Array): boolean
}

/** What a signature is over, and by whom. */
interface Subject {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
}

export class SignatureOracle implements Signatures {
  /** By signature. */
  readonly #made = new Map<string, Subject>()
  readonly #keys: SimKey[] = []

  keyOf(index: number): SimKey {
    return (this.#keys[index] ??= this.#makeKey(seedOf(index)))
  }

  #makeKey(publicKey: Uint8Array): SimKey {
    return {
      publicKey,
      sign: (message) => {
        const signature = signatureOf(publicKey, message)
        this.#made.set(mapKey(signature), { publicKey, message: Buffer.from(message) })
        return signature
      },
    }
  }

  hasSigned(message: Uint8Array, publicKey: Uint8Array): boolean {
    return this.verify(signatureOf(publicKey, message), message, publicKey)
  }

  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    const made = this.#made.get(mapKey(signature))
    return made !== undefined && equalBytes(made.message, message) && equalBytes(made.publicKey, publicKey)
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

function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  // Not as 'buffer': see `crypto/hash.ts`.
  return Buffer.from(hash('sha512', Buffer.concat([publicKey, message]), 'hex'), 'hex')
}

function subjectOf(publicKey: Uint8Array, message: Uint8Array): string {
  return mapKey(publicKey) + mapKey(message)
}
