/** What must hold of a proposal message before anything in it is believed (consensus.md §5, onProposalMsg; 4.1.5–6). */
import { LIMITS } from '../config/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import type { ProposalMessage, ValidatorSet } from './types.ts'
import { blockDigest, encodeCertificate, justHash } from './wire.ts'

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

/** 4.1.6: for every view u with parentView < u < v a Nullification(u) is in skips; here exactly those, ascending. */
function whySkipsWrong({ proposal, skips }: ProposalMessage): string | null {
  const expected = proposal.view - proposal.parentView - 1
  if (skips.length !== expected)
    return `expected ${expected} nullifications between view ${proposal.parentView} and ${proposal.view}, got ${skips.length}`
  if (skips.length > LIMITS.skipsPerProposal)
    return `expected at most ${LIMITS.skipsPerProposal} nullifications, got ${skips.length}`
  for (const [position, skip] of skips.entries()) {
    const view = proposal.parentView + 1 + position
    if (skip.kind !== 'nullify' || skip.view !== view)
      return `expected the nullification of view ${view}, got a ${skip.kind} certificate of ${skip.view}`
  }
  const bytes = skips.reduce((sum, skip) => sum + encodeCertificate(skip).length, 0)
  return bytes <= LIMITS.skipBytesPerProposal
    ? null
    : `expected at most ${LIMITS.skipBytesPerProposal} bytes of nullifications, got ${bytes}`
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
