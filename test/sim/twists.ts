/** Faulty validators that run the real replica and differ in what enters or leaves it. */
import type { SigningKey } from '../../consensus/signer.ts'
import type {
  Ack,
  BatchCertificate,
  Block,
  CertifiedAck,
  Certificate,
  Flag,
  Message,
  ProposalMessage,
  ValidatorSet,
} from '../../consensus/types.ts'
import {
  ackMessage,
  batchDigestOfCertificate,
  blockDigest,
  decodeMessage,
  encodeMessage,
  proposalId,
  voteMessage,
} from '../../consensus/wire.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { Outgoing, Twist } from './node-environment.ts'
import type { FaultyBehaviour } from './options.ts'
import type { Prng } from './prng.ts'

/** Messages that a replayer keeps. */
const REPLAY_MEMORY = 256
const SPAM_COPIES = 8

export interface TwistEnvironment {
  readonly set: ValidatorSet
  readonly key: SigningKey
  readonly index: number
  readonly prng: Prng
}

/** Null for those that run no replica of their own, or one that is as it should be. */
export function twistOf(behaviour: FaultyBehaviour, env: TwistEnvironment): Twist | null {
  switch (behaviour) {
    case 'flagger':
      return { flags: flagEverything }
    case 'withholder':
      return withholder(env)
    case 'stripper':
      return new Stripper(env).twist
    case 'nullifier':
      return nullifier(env)
    case 'replayer':
      return replayer(env)
    case 'garbler':
      return garbler(env)
    case 'forger':
      return forger(env)
    case 'slow-signer':
      return slowSigner(env)
    case 'hoarder':
      return hoarder()
    case 'spammer':
      return spammer(env)
    case 'silent':
    case 'scripted':
    case 'twin':
      return null
  }
}

/** Its batches reach some validators only, it repeats none of them, and it serves no bodies. */
function withholder({ prng }: TwistEnvironment): Twist {
  return {
    audience: (others) => prng.sample(others, prng.int(0, others.length)),
    outgoing: (message) => (message.type === 'batches' || message.type === 'batch' ? [] : [{ message }]),
  }
}

/** Whatever vote it should give, it nullifies the view; and it never proposes. */
function nullifier({ set, key, index }: TwistEnvironment): Twist {
  const nullify = (view: number): Outgoing => {
    const signature = key.sign(voteMessage(set.context, 'nullify', set.epoch, view, null))
    const vote = { kind: 'nullify' as const, epoch: set.epoch, view, pid: null, signer: index, signature }
    return { message: { type: 'vote', vote } }
  }
  return {
    outgoing: (message) => {
      if (message.type === 'vote') return [nullify(message.vote.view)]
      return message.type === 'proposal' ? [nullify(message.proposal.proposal.view)] : [{ message }]
    },
  }
}

/** What it sent and heard before comes back, late and out of order. */
function replayer({ prng }: TwistEnvironment): Twist {
  const memory: Message[] = []
  const keep = (message: Message): void => {
    memory.push(message)
    if (memory.length > REPLAY_MEMORY) memory.splice(prng.below(memory.length), 1)
  }
  return {
    incoming: (message) => {
      keep(message)
      return [message]
    },
    outgoing: (message) => {
      keep(message)
      const again = Array.from({ length: prng.int(0, 3) }, () => ({
        message: prng.pick(memory),
        delayMs: prng.real(0, 2_000),
      }))
      return [{ message }, ...again]
    },
  }
}

/** A part of what it sends has some bytes changed; what no longer decodes would not get past the wire. */
function garbler({ prng }: TwistEnvironment): Twist {
  return {
    outgoing: (message) => {
      if (prng.chance(0.5)) return [{ message }]
      const bytes = Uint8Array.from(encodeMessage(message))
      for (let i = prng.int(1, 3); i > 0; i--) bytes[prng.below(bytes.length)] = prng.below(256)
      return decoded(bytes)
    },
  }
}

/** What does not decode is refused before it comes to a replica. */
function decoded(bytes: Uint8Array): Outgoing[] {
  try {
    return [{ message: decodeMessage(bytes) }]
  } catch {
    return []
  }
}

function decodable(message: Message): Outgoing[] {
  try {
    return decoded(encodeMessage(message))
  } catch {
    return []
  }
}

/**
 * Certificates whose fields do not fit what was signed, alone and in the blocks it proposes; and proposals in the name
 * of other leaders, which only it has signed.
 */
function forger({ set, key, prng }: TwistEnvironment): Twist {
  let heard: ProposalMessage | null = null
  const propose = (message: ProposalMessage, block: Block): Outgoing[] => {
    const proposal = { ...message.proposal, blockDigest: blockDigest(block) }
    const { epoch, view } = proposal
    const signature = key.sign(
      voteMessage(set.context, 'notarize', epoch, view, proposalId(set.context, proposal)),
    )
    return decodable({ type: 'proposal', proposal: { ...message, proposal, block, signature } })
  }
  /** The block of somebody else, a little later, before others have seen it. */
  const usurp = (): Outgoing[] => {
    if (heard === null || prng.chance(0.5)) return []
    const { block } = heard
    return propose(heard, { ...block, timeMs: block.timeMs + 1 })
  }
  const forgePayload = (message: ProposalMessage): Outgoing[] => {
    const { block } = message
    const forged = prng.below(Math.max(1, block.payload.length))
    const payload = block.payload.map((certificate, i) =>
      i === forged ? forgeBatch(certificate) : certificate,
    )
    try {
      return propose(message, { ...block, payload })
    } catch {
      return [] // such a payload has no bytes, and no digest either
    }
  }
  const forgeBatch = (certificate: BatchCertificate): BatchCertificate => {
    const [first, ...others] = certificate.acks
    const forgeries: BatchCertificate[] = [
      { ...certificate, txCount: certificate.txCount + 1 },
      { ...certificate, createdMs: certificate.createdMs + prng.int(1, 1_000) },
      { ...certificate, seq: certificate.seq + 1 },
      { ...certificate, acks: others },
      { ...certificate, acks: certificate.acks.map((ack) => ({ ...ack, flags: [] })) },
    ]
    if (first !== undefined) forgeries.push({ ...certificate, acks: [first, ...certificate.acks] })
    return prng.pick(forgeries)
  }
  const forge = (certificate: Certificate): Certificate => {
    const { signers, signatures } = certificate
    const forgeries: Certificate[] = [
      { ...certificate, view: certificate.view + 1 },
      { ...certificate, signers: signers.slice(1), signatures: signatures.slice(1) },
      {
        ...certificate,
        signatures: signatures.map((_, i) => signatures[0] ?? signatures[i]) as Uint8Array[],
      },
      { ...certificate, kind: certificate.kind === 'notarize' ? 'finalize' : certificate.kind },
    ]
    return prng.pick(forgeries)
  }
  return {
    incoming: (message) => {
      if (message.type === 'proposal') heard = message.proposal
      return [message]
    },
    outgoing: (message) => {
      if (message.type === 'vote') return [...usurp(), { message }]
      if (prng.chance(0.5)) return [{ message }]
      if (message.type === 'proposal') return forgePayload(message.proposal)
      if (message.type === 'batch-certificate')
        return decodable({ ...message, certificate: forgeBatch(message.certificate) })
      if (message.type === 'certificate')
        return decodable({ ...message, certificate: forge(message.certificate) })
      if (message.type === 'certificates')
        return decodable({ ...message, certificates: message.certificates.map(forge) })
      return [{ message }]
    },
  }
}

function slowSigner({ prng }: TwistEnvironment): Twist {
  return { outgoing: (message) => [{ message, delayMs: prng.real(50, 1_500) }] }
}

function hoarder(): Twist {
  return { outgoing: (message) => (message.type === 'batch-certificate' ? [] : [{ message }]) }
}

/** As much as limits of the wire let through, and questions that cost the one who answers. */
function spammer({ prng }: TwistEnvironment): Twist {
  return {
    outgoing: (message) => {
      const copies = Array.from({ length: prng.int(1, SPAM_COPIES) }, () => ({ message }))
      const digest = Buffer.alloc(32, prng.below(256))
      const questions: Message[] = [
        { type: 'block-request', digest, maxBlocks: 64 },
        { type: 'certificates-request', fromView: 1, toView: 1 + prng.below(64) },
      ]
      return [...copies, { message: prng.pick(questions) }]
    },
  }
}

/**
 * Leaves out opinions, as author and as leader: its replica gets to see no more of them than a quorum needs, those with
 * the fewest flags first. So whatever it certifies or includes is stripped, and it contradicts itself nowhere.
 */
class Stripper {
  readonly #env: TwistEnvironment
  readonly #quorum: bigint
  readonly #withheld = new Map<string, Map<number, Ack>>()
  /** Batches of which a quorum was let through. */
  readonly #done = new Set<string>()

  constructor(env: TwistEnvironment) {
    this.#env = env
    const total = env.set.validators.reduce((sum, { weight }) => sum + weight, 0n)
    this.#quorum = (2n * total) / 3n + 1n
  }

  get twist(): Twist {
    return { flags: () => [], incoming: (message) => this.#incoming(message) }
  }

  #incoming(message: Message): Message[] {
    if (message.type === 'ack') return this.#onAck(message.ack).map((ack) => ({ type: 'ack', ack }))
    if (message.type !== 'batch-certificate') return [message]
    const name = toHex(batchDigestOfCertificate(this.#env.set.context, message.certificate))
    if (this.#done.has(name)) return []
    this.#done.add(name)
    return [{ ...message, certificate: this.#strip(message.certificate) }]
  }

  #onAck(ack: Ack): Ack[] {
    const name = toHex(ack.digest)
    if (this.#done.has(name)) return ack.flags.length === 0 ? [ack] : []
    const acks = this.#withheld.get(name) ?? new Map<number, Ack>()
    this.#withheld.set(name, acks.set(ack.signer, ack))
    const chosen = this.#fewestFlags([...acks.values()], this.#weightOf(this.#env.index))
    if (chosen === null) return []
    this.#done.add(name)
    this.#withheld.delete(name)
    return chosen
  }

  #weightOf(signer: number): bigint {
    return this.#env.set.validators[signer]?.weight ?? 0n
  }

  /** Null if all of them, with the weight there is, make no quorum. */
  #fewestFlags<Opinion extends CertifiedAck>(acks: readonly Opinion[], weight: bigint): Opinion[] | null {
    const chosen: Opinion[] = []
    let reached = weight
    for (const ack of acks.toSorted((a, b) => a.flags.length - b.flags.length || a.signer - b.signer)) {
      if (reached >= this.#quorum) break
      chosen.push(ack)
      reached += this.#weightOf(ack.signer)
    }
    return reached < this.#quorum ? null : chosen
  }

  /** The certificate with its own ack, which has no flags, in the place of one that has. */
  #strip(certificate: BatchCertificate): BatchCertificate {
    const { set, key, index } = this.#env
    const { epoch, author, seq } = certificate
    const digest = batchDigestOfCertificate(set.context, certificate)
    const modelId = new Uint8Array(32)
    const signature = key.sign(ackMessage(set.context, { epoch, author, seq, digest, flags: [], modelId }))
    const others = certificate.acks.filter(({ signer }) => signer !== index)
    const chosen = this.#fewestFlags([...others, { signer: index, flags: [], modelId, signature }], 0n)
    return chosen === null
      ? certificate
      : { ...certificate, acks: chosen.sort((a, b) => a.signer - b.signer) }
  }
}

/** Flags every transfer. */
function flagEverything(txs: readonly Uint8Array[]): Flag[] {
  return txs.map((_, tx) => ({ tx, action: 0, score: 255, reasons: 1 }))
}
