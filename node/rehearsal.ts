/**
 * Plays a few payments of a chain that exists only in memory through the code of a node, so that the first real one does
 * not meet code that never ran: it would take three times as long as the twentieth. Four replicas with keys of the
 * moment pass each other encoded messages, check and score batches with the parts of this node, and one ledger executes.
 */
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import { chainIdOf, genesisHash as hashOfGenesis, type Genesis } from '../config/genesis.ts'
import { makeParameters } from '../config/parameters.ts'
import { keyPairFromSeed, SEED_BYTES, SIGNATURE_BYTES, type KeyPair } from '../crypto/ed25519.ts'
import type { JournalStorage } from '../consensus/journal.ts'
import { Replica } from '../consensus/replica.ts'
import {
  NOTHING_RESTORED,
  type Effect,
  type Input,
  type Peer,
  type Verifier,
} from '../consensus/replica-types.ts'
import { openSigner, type SigningKey } from '../consensus/signer.ts'
import type { Block, ValidatorSet } from '../consensus/types.ts'
import { makeValidatorSet } from '../consensus/validator-set.ts'
import { heldTransfers } from '../consensus/verdict.ts'
import { decodeMessage, encodeMessage } from '../consensus/wire.ts'
import { Ledger } from '../ledger/ledger.ts'
import { signTransaction } from '../ledger/transaction.ts'
import { Assessor, batchKey } from './assessor.ts'
import { DecodedBatches } from './decoded-batches.ts'
import { refOfCertificate } from './executor.ts'
import type { Scorer } from './scoring/scorer.ts'
import type { SignatureChecker } from './scoring/signature-checker.ts'

const VALIDATORS = 4
const BALANCE = 1_000_000_000n
const AMOUNT = 1_000_000n
const FEE = 10_000n
const VALIDITY_MS = 60_000
/** Of the rehearsal's own clock. */
const TICK_MS = 5
/** A rehearsal that does not come to its end stops here; that it did not must not matter to the node. */
const MAX_TICKS = 400
const START_MS = 1_700_000_000_000
const PAYMENTS = 10

export interface RehearsalOptions {
  readonly scorer: Scorer
  readonly signatures: SignatureChecker
}

/** The rehearsal of a node before it calls itself ready. */
export class Rehearsal {
  readonly #options: RehearsalOptions
  readonly #log: Logger
  readonly #interrupted = new AbortController()

  constructor(options: RehearsalOptions, log: Logger) {
    this.#options = options
    this.#log = log
  }

  async play(): Promise<void> {
    try {
      await rehearse(this.#options, PAYMENTS, this.#interrupted.signal)
    } catch (error) {
      this.#log.warn({ err: error }, 'the rehearsal of a payment failed; the first real ones will be slower')
    }
  }

  /** A real payment is here: it must not wait for a play. */
  interrupt(): void {
    // Asked first: every call of abort makes an exception, and this is called for each payment.
    if (!this.#interrupted.signal.aborted) this.#interrupted.abort()
  }
}

/**
 * Plays payments, a few milliseconds at a time.
 * @param signal ends the play within one such step.
 * @returns how many were executed.
 */
export async function rehearse(
  options: RehearsalOptions,
  payments: number,
  signal: AbortSignal,
): Promise<number> {
  const stage = await Stage.open(options)
  try {
    for (let salt = 0; salt < payments && !signal.aborted; salt++) await stage.pay(BigInt(salt), signal)
    return stage.executed
  } finally {
    await stage.close()
  }
}

/** Nothing of a rehearsal is kept. */
const FORGETFUL: JournalStorage = {
  readAll: () => Promise.resolve(new Uint8Array(0)),
  append: () => Promise.resolve(),
  sync: () => Promise.resolve(),
  replace: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

/** Signatures are made and checked by native code, which needs no practice. */
const UNSIGNED: SigningKey = { sign: () => new Uint8Array(SIGNATURE_BYTES) }
const TRUSTING: Verifier = { verify: () => true }

class Stage {
  executed = 0
  readonly #scorer: Scorer
  readonly #set: ValidatorSet
  readonly #payer: KeyPair
  readonly #payee: KeyPair
  readonly #chain: Uint8Array
  readonly #ledger: Ledger
  readonly #assessor: Assessor
  readonly #replicas: Replica[] = []
  readonly #queue: (() => Promise<void> | void)[] = []
  /** Bodies by author and number. */
  readonly #bodies = new Map<string, readonly Uint8Array[]>()
  #nowMs = START_MS

  static async open(options: RehearsalOptions): Promise<Stage> {
    const validators = Array.from({ length: VALIDATORS }, () => keyPairFromSeed(randomBytes(SEED_BYTES)))
    const [payer, payee] = [
      keyPairFromSeed(randomBytes(SEED_BYTES)),
      keyPairFromSeed(randomBytes(SEED_BYTES)),
    ]
    const genesis: Genesis = {
      network: 'devnet',
      createdMs: START_MS,
      nonce: randomBytes(16),
      parameters: makeParameters('devnet', {}),
      validators: validators.map(({ publicKey }, index) => ({
        name: `r${index}`,
        publicKey,
        operator: publicKey,
        stake: 1n,
      })),
      accounts: [
        { id: payer.publicKey, balance: BALANCE },
        { id: payee.publicKey, balance: BALANCE },
      ],
    }
    const genesisHash = hashOfGenesis(genesis)
    const ledger = await Ledger.inMemory({ genesis, genesisHash, nextTurn: () => setImmediate() })
    const set = makeValidatorSet(
      { genesisHash },
      1,
      validators.map(({ publicKey }, index) => ({ name: `r${index}`, publicKey, weight: 1n })),
    )
    const stage = new Stage(options, { genesis, genesisHash, ledger, set, payer, payee })
    for (const index of validators.keys()) {
      const signer = await openSigner({ set, index, storage: FORGETFUL, key: UNSIGNED })
      stage.#replicas.push(
        new Replica({
          set,
          chain: { genesisHash, createdMs: START_MS, stateRoot: ledger.genesisStateRoot },
          parameters: genesis.parameters,
          self: index,
          signer,
          verifier: TRUSTING,
          restored: NOTHING_RESTORED,
        }),
      )
      stage.#give(index, { type: 'start' })
    }
    return stage
  }

  private constructor(
    { scorer, signatures }: RehearsalOptions,
    play: {
      readonly genesis: Genesis
      readonly genesisHash: Uint8Array
      readonly ledger: Ledger
      readonly set: ValidatorSet
      readonly payer: KeyPair
      readonly payee: KeyPair
    },
  ) {
    this.#scorer = scorer
    this.#set = play.set
    this.#payer = play.payer
    this.#payee = play.payee
    this.#chain = chainIdOf(play.genesisHash)
    this.#ledger = play.ledger
    const { parameters } = play.genesis
    this.#assessor = new Assessor({
      ledger: play.ledger,
      scorer,
      review: { judge: (_facts, assessment) => assessment }, // nobody's payment, so nobody's case
      signatures,
      decoded: new DecodedBatches(),
      parameters,
      chainId: this.#chain,
    })
  }

  /** One payment, from signed bytes to its execution. */
  async pay(salt: bigint, signal: AbortSignal): Promise<void> {
    const { bytes } = signTransaction(
      {
        chain: this.#chain,
        sender: this.#payer.publicKey,
        sequence: 0n,
        validUntilMs: this.#nowMs + VALIDITY_MS,
        salt,
        fee: FEE,
        actions: [{ type: 'transfer', to: this.#payee.publicKey, amount: AMOUNT, memo: new Uint8Array(0) }],
      },
      [this.#payer],
    )
    const before = this.executed
    this.#give(0, { type: 'submit', txs: [bytes] })
    for (let tick = 0; tick < MAX_TICKS && this.executed === before; tick++) {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (signal.aborted) return
        await next()
        await setImmediate()
      }
      this.#nowMs += TICK_MS
      for (const index of this.#replicas.keys()) this.#give(index, { type: 'tick' })
    }
  }

  close(): Promise<void> {
    return this.#ledger.close()
  }

  #give(index: number, input: Input): void {
    this.#queue.push(() => {
      const clock = { monotonicMs: this.#nowMs, wallMs: this.#nowMs }
      for (const effect of this.#replicas[index]?.step(input, clock) ?? []) this.#take(index, effect)
    })
  }

  #take(from: number, effect: Effect): void {
    switch (effect.type) {
      case 'send': {
        const bytes = encodeMessage(effect.message)
        const { to } = effect
        for (const index of this.#others(from))
          if (to.kind !== 'validator' || to.index === index)
            this.#give(index, { type: 'message', from: peerOf(from), message: decodeMessage(bytes) })
        return
      }
      case 'publish-batch': {
        const bytes = encodeMessage({ type: 'batch', batch: effect.batch })
        const { author, seq, txs } = effect.batch.batch
        this.#bodies.set(`${author}/${seq}`, txs)
        for (const index of this.#others(from))
          this.#give(index, { type: 'message', from: peerOf(from), message: decodeMessage(bytes) })
        return
      }
      case 'assess':
        this.#queue.push(async () => {
          const assessment = await this.#assessor.assess(effect)
          this.#scorer.dropBatch(batchKey(effect.ref))
          this.#give(from, { type: 'assessed', ...assessment })
        })
        return
      case 'deliver':
        if (from === 0) this.#queue.push(() => this.#execute(effect.digest, effect.block))
        return
      default: // disks, gossip of final blocks and complaints have no part in this play
    }
  }

  async #execute(digest: Uint8Array, { height, timeMs, payload }: Block): Promise<void> {
    const batches = payload.map((certificate) => ({
      ...refOfCertificate(this.#set, certificate),
      createdMs: certificate.createdMs,
      txs: this.#bodies.get(`${certificate.author}/${certificate.seq}`) ?? null,
      held: heldTransfers(this.#set, certificate),
    }))
    const result = await this.#ledger.execute({ height, digest, timeMs, batches })
    this.executed += result.receipts.length
    for (const index of this.#replicas.keys()) this.#give(index, { type: 'executed', result })
  }

  #others(from: number): number[] {
    return [...this.#replicas.keys()].filter((index) => index !== from)
  }
}

function peerOf(validator: number): Peer {
  return { id: `r${validator}`, validator }
}
