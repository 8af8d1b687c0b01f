/** What a scripted validator of the usual four sends, made by hand: the leader of view v is validator (v − 1) mod 4. */
import { sign } from '../../crypto/ed25519.ts'
import { EMPTY_ROOT } from '../../crypto/merkle.ts'
import type { Block, Certificate, Message, ProposalMessage, Vote } from '../../consensus/types.ts'
import { blockDigest, justHash, proposalId, voteMessage } from '../../consensus/wire.ts'
import { CREATED_MS, digestOf, GENESIS_HASH, keyPair, validatorSet } from './fixtures.ts'
import { LINK_MS, type LinkRule, type VirtualNetwork } from './virtual-network.ts'

const set = validatorSet()

/** Nothing from or to these gets through. */
export function cut(...nodes: number[]): LinkRule {
  return (from, to) => (nodes.includes(from) || nodes.includes(to) ? null : LINK_MS)
}

export function proposalBy(
  leader: number,
  view: number,
  block: Block,
  parent: Certificate | null = null,
  skips: readonly Certificate[] = [],
): ProposalMessage {
  const proposal = {
    epoch: 1,
    view,
    parentView: parent?.view ?? 0,
    blockDigest: blockDigest(block),
    justHash: justHash(parent, skips),
  }
  const message = voteMessage(set.context, 'notarize', 1, view, proposalId(set.context, proposal))
  return {
    proposal,
    block,
    parentCertificate: parent,
    skips,
    signature: sign(message, keyPair(leader).secretKey),
  }
}

export function firstBlock(author: number, timeMs = CREATED_MS + 1): Block {
  return {
    genesisHash: GENESIS_HASH,
    height: 1,
    parentDigest: GENESIS_HASH,
    epoch: 1,
    author,
    timeMs,
    payload: [],
    executed: { height: 0, stateRoot: digestOf('genesis state'), resultsRoot: EMPTY_ROOT },
    validatorSetHash: set.hash,
    nextValidatorSetHash: set.hash,
  }
}

export function voteOf(signer: number, kind: Vote['kind'], view: number, pid: Uint8Array | null): Message {
  const signature = sign(voteMessage(set.context, kind, 1, view, pid), keyPair(signer).secretKey)
  return { type: 'vote', vote: { kind, epoch: 1, view, pid, signer, signature } }
}

export function castBy(network: VirtualNetwork, index: number, kind: Vote['kind'], view: number): boolean {
  return network
    .node(index)
    .notes.some((note) => note.kind === 'vote-cast' && note.vote === kind && note.view === view)
}
