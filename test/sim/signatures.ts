/**
 * Signatures by oracle: one exists only if the owner of the key made it. No simulated adversary can forge one, and no
 * time goes into curves.
 */
import { createHash } from 'node:crypto'
import type { SigningKey } from '../../consensus/signer.ts'
import type { Verifier } from '../../consensus/replica-types.ts'
import { equalBytes } from '../../crypto/bytes.ts'

export class SignatureOracle implements Verifier {
  readonly #made = new Set<string>()

  /** A key that nobody else has. */
  keyOf(index: number): SigningKey & { readonly publicKey: Uint8Array } {
    const publicKey = createHash('sha256').update(`simulated key ${index}`).digest()
    return {
      publicKey,
      sign: (message) => {
        const signature = spell(publicKey, message)
        this.#made.add(signature.toString('latin1'))
        return signature
      },
    }
  }

  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    const expected = spell(publicKey, message)
    return equalBytes(signature, expected) && this.#made.has(expected.toString('latin1'))
  }
}

function spell(publicKey: Uint8Array, message: Uint8Array): Buffer {
  return createHash('sha512').update(publicKey).update(message).digest()
}
