/** What the leader builds upon (consensus.md §6, selectParent). */
import type { BlockTree } from './block-tree.ts'
import type { CertificateStore } from './certificates.ts'
import type { Certificate, Digest } from './types.ts'

export type ParentChoice =
  | {
      readonly found: 'parent'
      readonly view: number
      readonly digest: Digest
      readonly certificate: Certificate | null
      /** The nullification of every view between, ascending. */
      readonly skips: readonly Certificate[]
    }
  /** No certificate of this view is held: the node jumped over it. */
  | { readonly found: 'hole'; readonly view: number }
  /** The view has a notarized block that is not held, and no nullification to skip it by. */
  | { readonly found: 'missing-block'; readonly certificate: Certificate }

/**
 * Goes down from the view below `view`: a notarized or finalized block that is held is the parent; a nullification is a
 * skip; anything else is a hole. "If both certificates exist for u, prefer the notarization: it keeps a possibly final
 * block. Falling back to the nullification when the block cannot be had in time is legal."
 */
export function selectParent(
  certificates: CertificateStore,
  tree: BlockTree,
  genesis: Digest,
  view: number,
  lastFinalView: number,
): ParentChoice {
  const skips: Certificate[] = []
  for (let below = view - 1; below >= lastFinalView; below--) {
    if (below === 0)
      return { found: 'parent', view: 0, digest: genesis, certificate: null, skips: skips.reverse() }
    const certificate = certificates.parentCertificate(below)
    const digest = certificate?.proposal?.blockDigest
    if (certificate !== null && digest !== undefined && tree.has(digest)) {
      return { found: 'parent', view: below, digest, certificate, skips: skips.reverse() }
    }
    const skip = certificates.get('nullify', below)
    if (skip === null)
      return certificate === null ? { found: 'hole', view: below } : { found: 'missing-block', certificate }
    skips.push(skip)
  }
  return { found: 'hole', view: lastFinalView }
}
