/** The part of a scorer that remembers, without its workers. */
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import type { TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import type { FraudMemoryOptions } from '../../node/fraud-memory.ts'

export class FeatureMemory implements Required<FraudMemoryOptions['scorer']> {
  readonly #features = new FeatureStore({
    maxAccounts: FRAUD_LIMITS.accounts,
    maxProvisional: FRAUD_LIMITS.provisionalTransfers,
  })

  executed(outcomes: readonly TransferOutcome[]): void {
    this.#features.executed(outcomes)
  }

  released(transfers: readonly TransferFacts[]): void {
    this.#features.released(transfers)
  }

  snapshot(): Uint8Array {
    return this.#features.snapshot()
  }

  restore(bytes: Uint8Array): void {
    this.#features.restore(bytes)
  }
}
