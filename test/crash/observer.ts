/**
 * The eye on the wire: a libp2p host in the process of the runner, so that it lives through every crash. It holds a key
 * of the validator set with next to no stake, and therefore gets every vote, proposal, certificate and batch that the
 * validators send to each other; it signs and says nothing. What it sees is what a peer would have been bound by.
 */
import { rmSync } from 'node:fs'
import { genesisHash as hashOfGenesis } from '../../config/genesis.ts'
import { readGenesisFile, writeGenesisFile } from '../../config/genesis-file.ts'
import type { Block, Certificate, ProposalMessage, SignedBatch, ValidatorSet } from '../../consensus/types.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import {
  batchDigestOfBatch,
  batchMessage,
  decodeMessage,
  proposalId,
  voteMessage,
} from '../../consensus/wire.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { deriveKey, keySeed } from '../../devnet/keys.ts'
import { devnetPaths, LOOPBACK, readDevnetFile, writeDevnetFile } from '../../devnet/layout.ts'
import { createNetwork } from '../../p2p/network.ts'
import type { Network } from '../../p2p/types.ts'
import { VoteBook, type Kind } from './vote-book.ts'

const NAME = 'observer'
/** One uCRD: no quorum needs it, and it leads one view of some thousands. */
const STAKE = 1n
const EPOCH = 1

/** Puts the observer into the genesis of a devnet that was made and not started. */
export function addObserver(dir: string): void {
  const { genesis: path } = devnetPaths(dir)
  const file = readDevnetFile(dir)
  const genesis = readGenesisFile(path)
  const observer = {
    name: NAME,
    publicKey: deriveKey(file.seed, 'validator', NAME).publicKey,
    operator: deriveKey(file.seed, 'operator', NAME).publicKey,
    stake: STAKE,
  }
  const withObserver = { ...genesis, validators: [...genesis.validators, observer] }
  rmSync(path)
  writeGenesisFile(path, withObserver)
  writeDevnetFile(dir, { ...file, genesisHash: toHex(hashOfGenesis(withObserver)) })
}

export class Observer {
  readonly book = new VoteBook()
  readonly #set: ValidatorSet
  /** Newest view that each validator itself sent a vote of. */
  readonly #views: number[]
  readonly #waiting = new Set<() => void>()
  #network: Network | null = null

  private constructor(set: ValidatorSet) {
    this.#set = set
    this.#views = set.validators.map(() => 0)
  }

  /** Connects to the nodes of a devnet, and again whenever they come back. */
  static async start(dir: string): Promise<Observer> {
    const file = readDevnetFile(dir)
    const genesis = readGenesisFile(devnetPaths(dir).genesis)
    const genesisHash = hashOfGenesis(genesis)
    const set = makeValidatorSet(
      { genesisHash },
      EPOCH,
      genesis.validators.map(({ name, publicKey, stake }) => ({ name, publicKey, weight: stake })),
    )
    const index = set.validators.findIndex(({ name }) => name === NAME)
    const key = deriveKey(file.seed, 'validator', NAME)
    const observer = new Observer(set)
    const quiet = (): undefined => undefined
    observer.#network = await createNetwork({
      genesisHash,
      listen: [`/ip4/${LOOPBACK}/tcp/0`],
      announce: [],
      bootstrap: file.nodes.map(({ p2p }) => p2p),
      mdns: false,
      identitySeed: keySeed(file.seed, 'peer', NAME),
      validatorKeys: set.validators.map(({ publicKey }) => publicKey),
      validator: { index, signHello: (message) => sign(message, key.secretKey) },
      userAgent: 'cordon-crash-observer/1',
      topics: [], // it is told as the validators are
      handlers: {
        onMessage: ({ validator }, bytes) => observer.#onMessage(validator, bytes),
        onGossip: () => 'accept',
        onRequest: () => Promise.reject(new Error('an observer answers nothing')),
        onPeerReady: quiet,
        onPeerGone: quiet,
      },
      log: { debug: quiet, info: quiet, warn: quiet },
    })
    await observer.#network.start()
    return observer
  }

  /** Newest view anybody was seen to vote in. */
  get newestView(): number {
    return Math.max(...this.#views)
  }

  /** Resolves to true when this validator has sent a vote of a view above `view`; to false when the signal aborts. */
  votesAbove(validator: number, view: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): boolean => (this.#views[validator] ?? 0) > view
      const look = (): void => {
        if (!done() && !signal.aborted) return
        this.#waiting.delete(look)
        signal.removeEventListener('abort', look)
        resolve(done())
      }
      this.#waiting.add(look)
      signal.addEventListener('abort', look)
      look()
    })
  }

  async stop(): Promise<void> {
    await this.#network?.stop()
  }

  #onMessage(sender: number | null, bytes: Uint8Array): void {
    const message = decodeMessage(bytes)
    switch (message.type) {
      case 'vote': {
        const { kind, view, pid, signer, signature } = message.vote
        this.#onVote(signer, view, kind, pid, signature, sender)
        break
      }
      case 'proposal':
        this.#onProposal(message.proposal, sender)
        break
      case 'certificate':
        this.#onCertificate(message.certificate)
        break
      case 'certificates':
        for (const certificate of message.certificates) this.#onCertificate(certificate)
        break
      case 'batch':
        this.#onBatch(message.batch)
        break
      case 'batches':
        for (const batch of message.batches) this.#onBatch(batch)
        break
      default:
    }
  }

  #onVote(
    validator: number,
    view: number,
    kind: Kind,
    pid: Uint8Array | null,
    signature: Uint8Array,
    sender: number | null,
  ): void {
    const vote = { validator, view, kind, pid: pid === null ? null : toHex(pid) }
    if (!this.book.has(vote)) {
      const publicKey = this.#set.validators[validator]?.publicKey
      const message = voteMessage(this.#set.context, kind, EPOCH, view, pid)
      if (publicKey === undefined || !verify(signature, message, publicKey)) return
      this.book.vote(vote)
    }
    if (sender !== validator || view <= (this.#views[validator] ?? 0)) return
    this.#views[validator] = view
    for (const look of [...this.#waiting]) look()
  }

  /** The leader's proposal is its notarize vote. */
  #onProposal(
    { proposal, block, signature, parentCertificate, skips }: ProposalMessage,
    sender: number | null,
  ): void {
    const { author }: Block = block
    this.#onVote(
      author,
      proposal.view,
      'notarize',
      proposalId(this.#set.context, proposal),
      signature,
      sender,
    )
    if (parentCertificate !== null) this.#onCertificate(parentCertificate)
    for (const skip of skips) this.#onCertificate(skip)
  }

  /** Votes that reached somebody else first are in the certificates made of them. */
  #onCertificate({ kind, view, proposal, signers, signatures }: Certificate): void {
    const pid = proposal === null ? null : proposalId(this.#set.context, proposal)
    for (const [at, signer] of signers.entries())
      this.#onVote(signer, view, kind, pid, signatures[at] ?? new Uint8Array(0), null)
  }

  #onBatch({ batch, digest, signature }: SignedBatch): void {
    const publicKey = this.#set.validators[batch.author]?.publicKey
    if (publicKey === undefined || !equalBytes(batchDigestOfBatch(this.#set.context, batch), digest)) return
    if (verify(signature, batchMessage(digest), publicKey))
      this.book.batch(batch.author, batch.seq, toHex(digest))
  }
}
