/** Faulty validators that run the real replica and differ in what enters or leaves it. */
import type { SigningKey } from '../../consensus/signer.ts'
import type { Ack, BatchCertificate, CertifiedAck, Message, ValidatorSet } from '../../consensus/types.ts'
import { ackMessage, batchDigestOfCertificate } from '../../consensus/wire.ts'
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
