/**
 * Evidence on its way to the ledger: what consensus proves of a validator becomes a transaction of the system, which any
 * validator puts into a batch, and the ledger records once (consensus.md §10).
 */
import type { Logger } from 'pino'
import { CordonError } from '../config/errors.ts'
import { decodeEvidence, encodeEvidence, judgeEvidence } from '../consensus/evidence.ts'
import type { Effect, Verifier } from '../consensus/replica-types.ts'
import type { ValidatorSet } from '../consensus/types.ts'
import { DecodeError } from '../crypto/codec.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { SYSTEM_SENDER } from '../ledger/rules.ts'
import { encodeTransaction } from '../ledger/transaction.ts'
import type { EvidenceJudge } from '../ledger/types.ts'

/** Long enough for an outage; as long as an unordered transaction may be valid, less what clocks differ. */
const VALIDITY_MS = 9 * 60_000
/** A node that is busy, or a record that did not come to pass, is tried again. */
const RETRY_MS = 5_000

/** What the ledger asks consensus about evidence. */
export function evidenceJudge(set: ValidatorSet, verifier: Verifier): EvidenceJudge {
  return (bytes) => {
    try {
      return judgeEvidence(set, verifier, decodeEvidence(bytes))
    } catch (error) {
      if (error instanceof DecodeError) return null
      throw error
    }
  }
}

export interface EvidenceReporterOptions {
  readonly set: ValidatorSet
  readonly ledger: Pick<Ledger, 'validators'>
  /** First 8 bytes of the genesis hash. */
  readonly chain: Uint8Array
  readonly submit: (bytes: Uint8Array) => Promise<unknown>
  readonly log: Logger
}

export class EvidenceReporter {
  readonly #options: EvidenceReporterOptions
  /** Validators whose offence is being reported. */
  readonly #reporting = new Map<number, NodeJS.Timeout | null>()
  #stopped = false

  constructor(options: EvidenceReporterOptions) {
    this.#options = options
  }

  /** Reports the first offence of a validator until the ledger has one of it. */
  report({ offence, evidence }: Extract<Effect, { type: 'offence' }>): void {
    const { set, log } = this.#options
    const { validator } = offence
    if (this.#reporting.has(validator) || this.#isRecorded(validator)) return
    log.error(
      { ...offence, name: set.validators[validator]?.name },
      'a validator contradicted itself; reporting it',
    )
    this.#submit(validator, encodeEvidence(evidence))
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#reporting.values()) if (timer !== null) clearTimeout(timer)
  }

  #submit(validator: number, evidence: Uint8Array): void {
    this.#reporting.set(validator, null)
    if (this.#stopped || this.#isRecorded(validator)) return
    const { chain, submit, log } = this.#options
    const bytes = encodeTransaction({
      chain,
      sender: SYSTEM_SENDER,
      sequence: 0n,
      validUntilMs: Date.now() + VALIDITY_MS,
      salt: 0n,
      fee: 0n,
      actions: [{ type: 'evidence', evidence }],
      auth: [],
    })
    const again = (): void => {
      if (this.#stopped || this.#isRecorded(validator)) return
      const timer = setTimeout(() => {
        this.#submit(validator, evidence)
      }, RETRY_MS)
      this.#reporting.set(validator, timer)
    }
    submit(bytes).then(again, (error: unknown) => {
      if (!(error instanceof CordonError)) log.error({ err: error }, 'evidence could not be submitted')
      again()
    })
  }

  #isRecorded(validator: number): boolean {
    return (this.#options.ledger.validators()[validator]?.offence ?? null) !== null
  }
}
