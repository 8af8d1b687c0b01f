/** One dissemination under test, between peers that a test plays by hand, with real keys. */
import { makeParameters, type Parameters } from '../../config/parameters.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { Dissemination } from '../../consensus/dissemination.ts'
import type { Abstention, Effect, Peer, Restored, Signer, Target } from '../../consensus/replica-types.ts'
import type {
  Ack,
  BatchCertificate,
  Block,
  CertifiedAck,
  Flag,
  Message,
  SignedBatch,
  ValidatorSet,
} from '../../consensus/types.ts'
import { ackMessage, batchDigestOfBatch, batchFields, batchMessage } from '../../consensus/wire.ts'
import { CREATED_MS, digestOf, keyPair, sampleBlock, validatorSet } from './fixtures.ts'

export const MODEL = digestOf('model')

export interface BenchOptions {
  readonly set?: ValidatorSet
  readonly self?: number | null
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly restored?: Partial<Pick<Restored, 'batches' | 'finalBlocks' | 'executed'>>
  readonly view?: number
  /** Of its signer. */
  readonly abstention?: Abstention
}

export class Bench {
  readonly set: ValidatorSet
  readonly self: number | null
  readonly parameters: Parameters
  /** Of its signer. */
  abstention: Abstention | null
  readonly dissemination: Dissemination
  /** Batch numbers to give out; empty: none is reserved. */
  seqs: number[] = Array.from({ length: 1_000 }, (_, i) => i + 1)
  nowMs = 1_000
  /** Of the wall clock. */
  skewMs = 0
  #effects: Effect[] = []

  constructor(options: BenchOptions = {}) {
    this.set = options.set ?? validatorSet()
    this.self = options.self === undefined ? 0 : options.self
    this.parameters = makeParameters('devnet', options.parameters)
    this.abstention = options.abstention ?? null
    this.dissemination = new Dissemination({
      set: this.set,
      parameters: this.parameters,
      self: this.self,
      signer: this.self === null ? null : this.#signer(this.self),
      verifier: { verify },
      restored: { batches: [], finalBlocks: [], executed: [], ...options.restored },
      emit: (effect) => {
        this.#effects.push(effect)
      },
      view: () => options.view ?? 1,
    })
    this.do(() => {
      this.dissemination.start()
    })
  }

  #signer(self: number): Signer {
    const refuse = (): never => {
      throw new Error('dissemination signs batches and acks only')
    }
    const abstention = (): Abstention | null => this.abstention
    return {
      index: self,
      notarize: refuse,
      nullify: refuse,
      finalize: refuse,
      signHello: refuse,
      ownVotes: refuse,
      raiseFloor: refuse,
      flush: refuse,
      close: refuse,
      dirty: false,
      stop: refuse,
      resumeAbove: refuse,
      knownAbove: 0,
      get abstention() {
        return abstention()
      },
      nextBatchSeq: () => this.seqs.shift() ?? null,
      signBatch: (digest) => sign(batchMessage(digest), keyPair(self).secretKey),
      signAck: (message) => sign(message, keyPair(self).secretKey),
    }
  }

  /** The effects since the last call, those of the constructor first. */
  effects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** One step: sets the clock, acts, does what is due. Returns the effects. */
  do(action: () => void): Effect[] {
    this.dissemination.setClock({ monotonicMs: this.nowMs, wallMs: this.wallMs })
    action()
    this.dissemination.progress()
    return this.#effects
  }

  get wallMs(): number {
    return CREATED_MS + this.nowMs + this.skewMs
  }

  /** Lets time pass and does what is due. */
  after(ms: number): Effect[] {
    this.nowMs += ms
    this.do(() => undefined)
    return this.effects()
  }

  step(action: () => void): Effect[] {
    this.effects()
    this.do(action)
    return this.effects()
  }

  peer(index: number): Peer {
    return { id: `peer-${index}`, validator: index < this.set.validators.length ? index : null }
  }

  batchOf(
    author: number,
    seq: number,
    change: { readonly txs?: readonly Uint8Array[]; readonly createdMs?: number } = {},
  ): SignedBatch {
    const batch = {
      epoch: this.set.epoch,
      author,
      seq,
      createdMs: change.createdMs ?? this.wallMs,
      txs: change.txs ?? [tx(author, seq)],
    }
    const digest = batchDigestOfBatch(this.set.context, batch)
    return { batch, digest, signature: sign(batchMessage(digest), keyPair(author).secretKey) }
  }

  ackOf(signer: number, { batch, digest }: SignedBatch, flags: readonly Flag[] = []): Ack {
    const unsigned = {
      epoch: batch.epoch,
      author: batch.author,
      seq: batch.seq,
      digest,
      flags,
      modelId: MODEL,
    }
    return {
      ...unsigned,
      signer,
      signature: sign(ackMessage(this.set.context, unsigned), keyPair(signer).secretKey),
    }
  }

  certificateOf(signed: SignedBatch, acks: readonly Ack[]): BatchCertificate {
    const opinions = acks.map(
      ({ signer, flags, modelId, signature }): CertifiedAck => ({ signer, flags, modelId, signature }),
    )
    return { ...batchFields(signed.batch), acks: opinions.sort((a, b) => a.signer - b.signer) }
  }

  blockWith(payload: readonly BatchCertificate[]): Block {
    return { ...sampleBlock(this.set, payload), timeMs: this.wallMs }
  }

  /** The validator answers an `assess`. */
  assessed(signed: SignedBatch, flags: readonly Flag[] = [], valid = true): Effect[] {
    const { epoch, author, seq } = signed.batch
    return this.step(() => {
      this.dissemination.onAssessed({
        type: 'assessed',
        ref: { epoch, author, seq, digest: signed.digest },
        valid,
        flags,
        modelId: MODEL,
      })
    })
  }

  gossiped(signed: SignedBatch, from = signed.batch.author): Effect[] {
    return this.step(() => {
      this.dissemination.onBatch(this.peer(from), signed, false)
    })
  }

  asked(signed: SignedBatch, from = signed.batch.author): Effect[] {
    return this.step(() => {
      this.dissemination.onBatch(this.peer(from), signed, true)
    })
  }

  acked(ack: Ack): Effect[] {
    return this.step(() => {
      this.dissemination.heard(this.peer(ack.signer))
      this.dissemination.onAck(this.peer(ack.signer), ack)
    })
  }

  /** Makes and closes an own batch of the transactions; returns it. */
  write(txs: readonly Uint8Array[]): SignedBatch {
    const effects = this.step(() => {
      this.dissemination.submit(txs)
    })
    const batch = gossipOf([...effects, ...this.after(this.parameters.batchIntervalMs)])[0]
    if (batch === undefined) throw new Error('no batch was closed')
    return batch
  }

  select(
    change: {
      readonly timeMs?: number
      readonly maxBytes?: number
      readonly excluded?: (seq: number) => boolean
    } = {},
  ): readonly BatchCertificate[] {
    return this.dissemination.select({
      timeMs: change.timeMs ?? this.wallMs,
      excluded: ({ seq }) => change.excluded?.(seq) ?? false,
      maxBytes: change.maxBytes ?? 1_000_000,
    })
  }
}

/** 64 bytes with both numbers in them. */
export function tx(a: number, b = 0): Uint8Array {
  const bytes = new Uint8Array(64)
  new DataView(bytes.buffer).setUint32(0, a)
  new DataView(bytes.buffer).setUint32(4, b)
  return bytes
}

export function flag(index: number): Flag {
  return { tx: index, action: 0, score: 200, reasons: 1 }
}

export function gossipOf(effects: readonly Effect[]): SignedBatch[] {
  return effects.flatMap((effect) => (effect.type === 'publish-batch' ? [effect.batch] : []))
}

/** Messages of one type with where they go. */
export function sent<Type extends Message['type']>(
  effects: readonly Effect[],
  type: Type,
): { readonly to: string; readonly message: Extract<Message, { type: Type }> }[] {
  return effects.flatMap((effect) =>
    effect.type === 'send' && effect.message.type === type
      ? [{ to: nameOf(effect.to), message: effect.message as Extract<Message, { type: Type }> }]
      : [],
  )
}

function nameOf(target: Target): string {
  switch (target.kind) {
    case 'validator':
      return `v${target.index}`
    case 'peer':
      return target.id
    default:
      return target.kind
  }
}

export function typesOf(effects: readonly Effect[]): string[] {
  return effects.map((effect) =>
    effect.type === 'send'
      ? `send ${effect.message.type}`
      : effect.type === 'store'
        ? `store ${effect.record.kind}`
        : effect.type,
  )
}
