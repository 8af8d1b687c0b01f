/** The scorer's memory as bytes: the feature store's, and the numbers behind its flags. */
import { CordonError } from '../../config/errors.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { Reader, Writer } from '../../crypto/codec.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import type { Assessment } from '../../fraud/types.ts'
import { parseExplanations } from './explanations.ts'

const VERSION = 1

/** @param explanations as `Explanations.toJson` gives them. */
export function encodeScorerSnapshot(store: Uint8Array, explanations: string): Uint8Array {
  return new Writer(store.length + 1_024).u16(VERSION).bytes(store).bytes(utf8(explanations)).finish()
}

/** @throws CordonError `format-version` or `data-inconsistent`. */
export function parseScorerSnapshot(bytes: Uint8Array): { store: Uint8Array; explanations: Assessment[] } {
  try {
    const reader = new Reader(bytes)
    const version = reader.u16()
    if (version !== VERSION) {
      throw new CordonError(
        'format-version',
        `the scorer's snapshot has version ${version}, this build knows version ${VERSION}; delete it, and the node rebuilds it`,
        { version },
      )
    }
    const store = reader.bytes(FRAUD_LIMITS.snapshotBytes)
    const explanations = parseExplanations(
      Buffer.from(reader.bytes(FRAUD_LIMITS.snapshotBytes)).toString('utf8'),
    )
    reader.end()
    return { store, explanations }
  } catch (error) {
    if (error instanceof CordonError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new CordonError(
      'data-inconsistent',
      `the scorer's snapshot is damaged (${why}); delete it, and the node rebuilds it`,
      { why },
      { cause: error },
    )
  }
}
