/** Faulty validators that run the real replica and differ in what leaves it. */
import type { SigningKey } from '../../consensus/signer.ts'
import type {
  Ack,
  BatchCertificate,
  CertifiedAck,
  Message,
  ProposalMessage,
  ValidatorSet,
} from '../../consensus/types.ts'
import { ackMessage, batchDigestOfCertificate, blockDigest, proposalId, voteMessage } from '../../consensus/wire.ts'
import { toHex } from '../../crypto/bytes.ts'
import { flagEverything, type Twist } from './node.ts'
import type { FaultyBehaviour } from './options.ts'
import type { Prng } from './prng.ts'

export interface TwistEnvironment {
  readonly set: ValidatorSet
  readonly key: SigningKey
  readonly index: number
  readonly prng: Prng
}

/** Null for those that run no replica of their own. */
export function twistOf(behaviour: FaultyBehaviour, env: TwistEnvironment): Twist | null {
  switch (behaviour) {
    case 'flagger':
      return { flags: flagEverything }
    case 'withholder':
      return withholder(env)
    case 'stripper':
      return new Stripper(env).twist
    case 'silent':
    case 'scripted':
      return null
  }
}

/** Its batches reach some validators only, it repeats none of them, and it serves no bodies. */
function withholder({ prng }: TwistEnvironment): Twist {
  return {
    audience: (others) => prng.sample(others, prng.int(0, others.length)),
    outgoing: (message) => (message.type === 'batches' || message.type === 'batch' ? null : message),
  }
}

/** Sends certificates and proposals with as few opinions against a transfer as a quorum of acks allows. */
export class Stripper {
  readonly #env: TwistEnvironment
  readonly #acks = new Map<string, Map<number, CertifiedAck>>()
  readonly #proposals = new Map<string, ProposalMessage>()

  constructor(env: TwistEnvironment) {
    this.#env = env
  }

  get twist(): Twist {
    return {
      flags: () => [],
      incoming: (message) => {
        if (message.type === 'ack') this.#learn(message.ack)
      },
      outgoing: (message) => this.#outgoing(message),
    }
  }

  #learn(ack: Ack): void {
    const key = toHex(ack.digest)
    const acks = this.#acks.get(key) ?? new Map<number, CertifiedAck>()
    this.#acks.set(key, acks.set(ack.signer, ack))
  }

  #outgoing(message: Message): Message {
    if (message.type === 'batch-certificate') return { ...message, certificate: this.strip(message.certificate) }
    if (message.type === 'proposal') return { ...message, proposal: this.#propose(message.proposal) }
    return message
  }

  strip(certificate: BatchCertificate): BatchCertificate {
    const { set, key, index } = this.#env
    const { epoch, author, seq } = certificate
    const digest = batchDigestOfCertificate(set.context, certificate)
    const acks = new Map([...certificate.acks, ...(this.#acks.get(toHex(digest))?.values() ?? [])].map((ack) => [ack.signer, ack]))
    const modelId = new Uint8Array(32)
    const unsigned = { epoch, author, seq, digest, flags: [], modelId }
    acks.set(index, { signer: index, flags: [], modelId, signature: key.sign(ackMessage(set.context, unsigned)) })
    const total = set.validators.reduce((sum, { weight }) => sum + weight, 0n)
    const chosen: CertifiedAck[] = []
    let weight = 0n
    for (const ack of [...acks.values()].sort((a, b) => a.flags.length - b.flags.length || a.signer - b.signer)) {
      if (weight >= (2n * total) / 3n + 1n) break
      chosen.push({ signer: ack.signer, flags: ack.flags, modelId: ack.modelId, signature: ack.signature })
      weight += set.validators[ack.signer]?.weight ?? 0n
    }
    const { createdMs, txCount, bytes, txsHash } = certificate
    return { epoch, author, seq, createdMs, txCount, bytes, txsHash, acks: chosen.sort((a, b) => a.signer - b.signer) }
  }

  #propose(message: ProposalMessage): ProposalMessage {
    const { set, key } = this.#env
    const { proposal, block } = message
    const name = toHex(proposalId(set.context, proposal))
    const known = this.#proposals.get(name)
    if (known !== undefined) return known
    const stripped = { ...block, payload: block.payload.map((certificate) => this.strip(certificate)) }
    const changed = { ...proposal, blockDigest: blockDigest(stripped) }
    const vote = voteMessage(set.context, 'notarize', proposal.epoch, proposal.view, proposalId(set.context, changed))
    const twisted = { ...message, proposal: changed, block: stripped, signature: key.sign(vote) }
    this.#proposals.set(name, twisted)
    return twisted
  }
}
