/** What must hold of a proposal message before anything in it is believed (consensus.md §5, onProposalMsg; 4.1.5–6). */
import { equalBytes } from '../crypto/bytes.ts'
import { inlineSkipCount, inlineSkipView } from './skips.ts'
import type { ProposalMessage, ValidatorSet } from './types.ts'
import { blockDigest, justHash } from './wire.ts'

/** Null if the parts fit together, else the rule that is broken. Signatures of leader and certificates are not checked here. */
export function whyProposalMalformed(set: ValidatorSet, message: ProposalMessage): string | null {
  const { proposal, block, parentCertificate, skips } = message
  if (proposal.epoch !== set.epoch) return `expected epoch ${set.epoch}, got ${proposal.epoch}`
  // 4.1.4: 0 ≤ P.parentView < v
  if (proposal.parentView >= proposal.view)
    return `parent view ${proposal.parentView} is not below view ${proposal.view}`
  // 4.1.5: parentCert is a Notarization or Finalization of view parentView, or parentView is 0, the genesis of the epoch
  if ((parentCertificate === null) !== (proposal.parentView === 0))
    return 'parent certificate and parent view do not fit'
  if (
    parentCertificate !== null &&
    (parentCertificate.kind === 'nullify' || parentCertificate.view !== proposal.parentView)
  ) {
    return `expected a notarization or finalization of view ${proposal.parentView}, got a ${parentCertificate.kind} certificate of ${parentCertificate.view}`
  }
  return whySkipsWrong(message) ?? whyDigestsWrong(proposal, block, parentCertificate, skips)
}

/**
 * 4.1.6: for every view u with parentView < u < v a Nullification(u) is in skips; here exactly those, ascending. Of more
 * than 64 the first and the last 32 are (§8.8): that the voter holds the others is looked at when it votes (`guards.ts`).
 */
function whySkipsWrong({ proposal, skips }: ProposalMessage): string | null {
  const expected = inlineSkipCount(proposal)
  if (skips.length !== expected)
    return `expected ${expected} nullifications for the views between ${proposal.parentView} and ${proposal.view}, got ${skips.length}`
  for (const [position, skip] of skips.entries()) {
    const view = inlineSkipView(proposal, position)
    if (skip.kind !== 'nullify' || skip.view !== view)
      return `expected the nullification of view ${view}, got a ${skip.kind} certificate of ${skip.view}`
  }
  return null
}

function whyDigestsWrong(
  proposal: ProposalMessage['proposal'],
  block: ProposalMessage['block'],
  parentCertificate: ProposalMessage['parentCertificate'],
  skips: ProposalMessage['skips'],
): string | null {
  if (!equalBytes(blockDigest(block), proposal.blockDigest))
    return 'the block is not the one that the proposal names'
  if (!equalBytes(justHash(parentCertificate, skips), proposal.justHash))
    return 'the justification is not the one that the proposal names'
  return null
}
