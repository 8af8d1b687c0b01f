/**
 * Signatures by oracle: one exists only if the owner of the key made it. No simulated adversary can forge one, and no
 * time goes into curves.
 */
import { createHash, hash } from 'node:crypto'
import type { SigningKey } from '../../consensus/signer.ts'
import type { Verifier } from '../../consensus/replica-types.ts'

export class SignatureOracle implements Verifier {
  /** Signature to what it is over. */
  readonly #made = new Map<string, string>()

  /** A key that nobody else has. */
  keyOf(index: number): SigningKey & { readonly publicKey: Uint8Array } {
    const publicKey = createHash('sha256').update(`simulated key ${index}`).digest()
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

  /** Whether the owner of the key ever signed the message, sent or not. */
  hasSigned(message: Uint8Array, publicKey: Uint8Array): boolean {
    const subject = subjectOf(publicKey, message)
    return this.#made.get(latin1(signatureOf(subject))) === subject
  }

  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    return this.#made.get(latin1(signature)) === subjectOf(publicKey, message)
  }
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
