/** The signer of this node: its key and its journal in the signer folder, which no reset touches. */
import { openSigner as openJournaledSigner } from '../../consensus/signer.ts'
import type { Signer } from '../../consensus/replica-types.ts'
import type { ValidatorIndex, ValidatorSet } from '../../consensus/types.ts'
import { sign } from '../../crypto/ed25519.ts'
import { NOTHING_FAILS, type Reached } from '../fail-points.ts'
import { FileJournal } from './file-journal.ts'

export interface OpenSignerOptions {
  /** The signer folder. */
  readonly directory: string
  readonly set: ValidatorSet
  readonly index: ValidatorIndex
  readonly keyPair: { readonly secretKey: Uint8Array }
  readonly reached?: Reached
}

/** @throws CordonError `directory-locked`, `data-inconsistent` or `other-chain`. */
export async function openSigner({
  directory,
  set,
  index,
  keyPair,
  reached = NOTHING_FAILS,
}: OpenSignerOptions): Promise<Signer> {
  const storage = await FileJournal.open(directory, reached)
  try {
    const signer = await openJournaledSigner({
      set,
      index,
      storage,
      key: { sign: (message) => sign(message, keyPair.secretKey) },
    })
    reached('batch-numbers-reserved')
    return signer
  } catch (error) {
    await storage.close()
    throw error
  }
}
