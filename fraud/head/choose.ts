/** Heads by name or from files. */
import { CordonError } from '../../config/errors.ts'
import { decodeHead } from './file.ts'
import type { Head } from './head.ts'
import { pretrainedHead } from './pretrained.ts'

/** The name of the head that comes with Cordon, and of none: the label-free tail. */
export const PRETRAINED = 'pretrained'
export const LABEL_FREE = 'label-free'

/**
 * The head of a name or of a file; null: the label-free tail judges.
 * @param read the text of a file.
 * @throws CordonError `not-found` for a file that cannot be read, `model-invalid` for one with something else in it.
 */
export function chooseHead(nameOrPath: string, read: (path: string) => string): Head | null {
  if (nameOrPath === LABEL_FREE) return null
  if (nameOrPath === PRETRAINED) return pretrainedHead()
  try {
    return decodeHead(read(nameOrPath)).head
  } catch (error) {
    if (error instanceof CordonError)
      throw new CordonError(error.code, `${nameOrPath}: ${error.message}`, error.payload, { cause: error })
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CordonError(
      'not-found',
      `model ${nameOrPath} cannot be read (${code})`,
      { path: nameOrPath },
      { cause: error },
    )
  }
}
