/**
 * Plays a trace of the model on real engines, one per honest validator, and compares after every step: the view, votes
 * and certificates on disk, the final chain, and what has left. Faulty validators sign here what the model has them sign.
 */
import assert from 'node:assert/strict'
import type { Block, Certificate, Message, Proposal, ProposalMessage, Vote } from '../../consensus/types.ts'
import type { ValidatorSet } from '../../consensus/types.ts'
import { leader, weightOf } from '../../consensus/validator-set.ts'
import { blockDigest, justHash, proposalId, voteMessage } from '../../consensus/wire.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import { EMPTY_ROOT } from '../../crypto/merkle.ts'
import { GENESIS_HASH, keyPair, validatorSet } from '../consensus/fixtures.ts'
import { EngineNode, STATE_ROOT, votesIn, WALL_MS } from './engine-node.ts'
import { instanceOf } from './instances.ts'
import {
  certificateName,
  proposalName,
  voteName,
  type ModelCertificate,
  type ModelEvent,
  type ModelInput,
  type ModelNode,
  type ModelProposal,
  type ModelStep,
  type ModelTrace,
  type ModelVote,
} from './trace.ts'

const NETWORK = { id: 'network', validator: null }

export class Replay {
  readonly set: ValidatorSet
  readonly #faulty: readonly number[]
  readonly #nodes = new Map<number, EngineNode>()
  /** Proposals by the model's name. */
  readonly #proposals = new Map<number, ProposalMessage>()
  readonly #blocks = new Map<string, Block>()
  /** Signatures of honest validators that have left, by what is signed. */
  readonly #sent = new Map<string, Map<number, Uint8Array>>()

  constructor(instance: string) {
    const { weights, faulty } = instanceOf(instance)
    this.set = validatorSet(weights)
    this.#faulty = faulty
    for (const index of weights.keys()) {
      if (faulty.includes(index)) continue
      const node = new EngineNode({
        set: this.set,
        index,
        blockOf: (hex) => this.#blocks.get(hex) ?? null,
        onProposalStored: (message) => this.#learn(message),
      })
      this.#nodes.set(index, node)
    }
  }

  /** Takes one step on the engines and compares. */
  async step({ event, nodes, sent }: ModelStep): Promise<void> {
    const left = await this.#act(event)
    assert.deepEqual(left.sort(), sent, 'what left honest validators')
    for (const expected of nodes) await this.#compare(expected)
  }

  /** Returns the names of what left honest validators for the first time. */
  async #act(event: ModelEvent): Promise<string[]> {
    switch (event.type) {
      case 'start': {
        const names: string[] = []
        for (const node of this.#nodes.values()) names.push(...this.#send(node.index, await node.start()))
        return names
      }
      case 'faulty-proposal':
        this.#makeFaulty(event.proposal)
        return []
      case 'crash':
        this.#node(event.node).crash()
        return []
      case 'recover':
        return this.#send(event.node, await this.#node(event.node).start())
      case 'input':
        return this.#send(event.node, await this.#take(event))
    }
  }

  #take({ node, input, fate }: Extract<ModelEvent, { type: 'input' }>): Promise<Message[]> {
    const engine = this.#node(node)
    if (input.type === 'timer') return engine.fireTimers(fate)
    const message = this.#messageOf(input)
    return engine.step((ordering, clock) => {
      if (message.type === 'proposal') ordering.onProposal(NETWORK, message.proposal, clock)
      else if (message.type === 'vote') ordering.onVote(NETWORK, message.vote, clock)
      else if (message.type === 'certificate') ordering.onCertificate(NETWORK, message.certificate, clock)
    }, fate)
  }

  #messageOf(input: Exclude<ModelInput, { type: 'timer' }>): Message {
    if (input.type === 'proposal') return { type: 'proposal', proposal: this.#proposal(input.proposal.pid) }
    if (input.type === 'vote') return { type: 'vote', vote: this.#vote(input.vote) }
    return { type: 'certificate', certificate: this.#certificate(input.certificate) }
  }

  #node(index: number): EngineNode {
    const node = this.#nodes.get(index)
    assert.ok(node, `validator ${index} is faulty and takes no steps`)
    return node
  }

  #proposal(pid: number): ProposalMessage {
    const message = this.#proposals.get(pid)
    assert.ok(message, `no engine has made the proposal ${pid}`)
    return message
  }

  // ---- names of the model and things of the engine ----

  /** An honest leader's proposal has number 0; those of faulty leaders are made here and known already. */
  #learn(message: ProposalMessage): void {
    const { view } = message.proposal
    if (this.#faulty.includes(leader(this.set, view))) return
    const earlier = this.#proposals.get(10 * view)
    if (earlier !== undefined)
      assert.deepEqual(message.proposal, earlier.proposal, `two proposals in view ${view}`)
    this.#register(10 * view, message)
  }

  #register(pid: number, message: ProposalMessage): void {
    this.#proposals.set(pid, message)
    this.#blocks.set(toHex(message.proposal.blockDigest), message.block)
  }

  #pidOf(digest: Uint8Array | null): number {
    if (digest === null) return 0
    for (const [pid, { proposal }] of this.#proposals)
      if (toHex(proposalId(this.set.context, proposal)) === toHex(digest)) return pid
    throw new Error(`no proposal has the id ${toHex(digest)}`)
  }

  #pidOfBlock(digest: Uint8Array): number {
    for (const [pid, { proposal }] of this.#proposals)
      if (toHex(proposal.blockDigest) === toHex(digest)) return pid
    throw new Error(`no proposal has the block ${toHex(digest)}`)
  }

  #signature({ kind, view, pid }: ModelCertificate, by: number): Uint8Array {
    const digest = kind === 'nullify' ? null : proposalId(this.set.context, this.#proposal(pid).proposal)
    return sign(voteMessage(this.set.context, kind, this.set.epoch, view, digest), keyPair(by).secretKey)
  }

  #vote(vote: ModelVote): Vote {
    const { kind, view, by } = vote
    const pid = kind === 'nullify' ? null : proposalId(this.set.context, this.#proposal(vote.pid).proposal)
    const signature = this.#faulty.includes(by)
      ? this.#signature(vote, by)
      : this.#sent.get(certificateName(vote))?.get(by)
    assert.ok(signature, `${voteName(vote)} was never sent`)
    return { kind, epoch: this.set.epoch, view, pid, signer: by, signature }
  }

  /** Of what was sent, and of the faulty who sign on demand; or one that a validator has stored. */
  #certificate(wanted: ModelCertificate): Certificate {
    const { kind, view, pid } = wanted
    const signatures = new Map(this.#sent.get(certificateName(wanted)))
    for (const by of this.#faulty) signatures.set(by, this.#signature(wanted, by))
    if (weightOf(this.set, signatures.keys()) < this.set.quorumWeight) {
      for (const node of this.#nodes.values()) {
        const stored = node.certificates.get(`${kind} ${view}`)
        if (stored !== undefined) return stored
      }
      throw new Error(`${certificateName(wanted)}: no quorum was sent, and no validator has it`)
    }
    const signers = [...signatures.keys()].sort((left, right) => left - right)
    return {
      kind,
      epoch: this.set.epoch,
      view,
      proposal: kind === 'nullify' ? null : this.#proposal(pid).proposal,
      signers,
      signatures: signers.map((signer) => signatures.get(signer) as Uint8Array),
    }
  }

  // ---- the faulty ----

  #makeFaulty({ pid, view, parent, skips, valid }: ModelProposal): void {
    const parentCertificate = parent.pid === 0 ? null : this.#certificate(parent)
    const parentBlock = parent.pid === 0 ? null : this.#proposal(parent.pid).block
    const nullifications = skips
      .toSorted((left, right) => left - right)
      .map((skip) => this.#certificate({ kind: 'nullify', view: skip, pid: 0 }))
    const author = leader(this.set, view)
    // Two variants differ in time; a time that is not after the parent's breaks the rules of blocks.
    const parentMs = parentBlock?.timeMs ?? WALL_MS
    const block: Block = {
      genesisHash: GENESIS_HASH,
      height: (parentBlock?.height ?? 0) + 1,
      parentDigest: parentBlock === null ? GENESIS_HASH : blockDigest(parentBlock),
      epoch: this.set.epoch,
      author,
      timeMs: valid ? parentMs + (pid % 10) : 1,
      payload: [],
      executed: { height: 0, stateRoot: STATE_ROOT, resultsRoot: EMPTY_ROOT },
      validatorSetHash: this.set.hash,
      nextValidatorSetHash: this.set.hash,
    }
    const proposal: Proposal = {
      epoch: this.set.epoch,
      view,
      parentView: parent.view,
      blockDigest: blockDigest(block),
      justHash: justHash(parentCertificate, nullifications),
    }
    const id = proposalId(this.set.context, proposal)
    const signature = sign(
      voteMessage(this.set.context, 'notarize', this.set.epoch, view, id),
      keyPair(author).secretKey,
    )
    this.#register(pid, { proposal, block, parentCertificate, skips: nullifications, signature })
  }

  // ---- what left ----

  #send(by: number, messages: readonly Message[]): string[] {
    const names: string[] = []
    const note = (
      kind: Vote['kind'],
      view: number,
      digest: Uint8Array | null,
      signature: Uint8Array,
    ): void => {
      const vote = { kind, view, pid: this.#pidOf(digest), by }
      const signatures = this.#sent.get(certificateName(vote)) ?? new Map<number, Uint8Array>()
      if (!signatures.has(by)) names.push(voteName(vote))
      this.#sent.set(certificateName(vote), signatures.set(by, signature))
    }
    for (const { kind, view, pid, signer, signature } of votesIn(messages)) {
      assert.equal(signer, by)
      note(kind, view, pid, signature)
    }
    for (const message of messages) {
      if (message.type !== 'proposal') continue
      const { proposal, signature, parentCertificate, skips } = message.proposal
      const id = proposalId(this.set.context, proposal)
      note('notarize', proposal.view, id, signature)
      const parent =
        parentCertificate === null
          ? { kind: 'notarize' as const, view: 0, pid: 0 }
          : this.#nameOf(parentCertificate)
      const name = proposalName({
        pid: this.#pidOf(id),
        view: proposal.view,
        parent,
        skips: skips.map(({ view }) => view),
      })
      if (!this.#proposed.has(name)) names.push(name)
      this.#proposed.add(name)
    }
    return names
  }

  readonly #proposed = new Set<string>()

  #nameOf({ kind, view, proposal }: Certificate): ModelCertificate {
    return {
      kind,
      view,
      pid: this.#pidOf(proposal === null ? null : proposalId(this.set.context, proposal)),
    }
  }

  // ---- comparing ----

  async #compare({ index, up, view, votes, certificates, final }: ModelNode): Promise<void> {
    const node = this.#node(index)
    const finalView = Math.max(0, ...final.map((pid) => Math.floor(pid / 10)))
    const isOpen = (vote: { readonly view: number }): boolean => vote.view > finalView
    const journaled = (await node.durableVotes())
      .filter(isOpen)
      .map(({ kind, view: votedView, pid }) =>
        voteName({ kind, view: votedView, pid: this.#pidOf(pid), by: index }),
      )
    const actual = {
      up: node.ordering !== null,
      view: node.ordering?.view ?? 0,
      votes: journaled.sort(),
      certificates: [...node.certificates.values()]
        .map((certificate) => certificateName(this.#nameOf(certificate)))
        .sort(),
      final: node.final.map(({ digest }) => this.#pidOfBlock(digest)),
    }
    assert.deepEqual(
      actual,
      { up, view, votes: votes.filter((name) => viewOfName(name) > finalView), certificates, final },
      `validator ${index}`,
    )
    if (node.ordering !== null) assert.equal(node.ordering.lastFinalView, finalView, `validator ${index}`)
  }
}

/** `nullify 3 by 1` is of view 3, `notarize 31 by 1` too. */
function viewOfName(name: string): number {
  const [kind, number] = name.split(' ')
  return kind === 'nullify' ? Number(number) : Math.floor(Number(number) / 10)
}

/** Plays the whole trace. @throws AssertionError that names the step at the first difference. */
export async function replay(trace: ModelTrace): Promise<void> {
  const run = new Replay(trace.instance)
  for (const [position, step] of trace.steps.entries()) {
    try {
      await run.step(step)
    } catch (error) {
      throw new Error(`step ${position}, ${JSON.stringify(step.event)}: model and engine differ`, {
        cause: error,
      })
    }
  }
}
