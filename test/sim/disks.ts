/** All that a simulated node has on its disks, what happens to it, and what an operator does about that. */
import { CordonError } from '../../config/errors.ts'
import { decodeRecords } from '../../consensus/journal.ts'
import { STORES } from '../../node/storage.ts'
import { damagedFile } from '../../node/store/leveldb/damage.ts'
import type { SimApplication } from './application.ts'
import type { DamageKind } from './options.ts'
import type { Prng } from './prng.ts'
import { VirtualDatabase, VirtualJournal } from './storage.ts'

export class Disks {
  readonly journal = new VirtualJournal()
  /** Whether `config/` says that the key has signed; no reset touches it. */
  hasSigned = false
  /** Whether the operator starts the node so that it waits until a lost table does not matter (P10). */
  lostWait = false
  /** How often the chain store was moved away. */
  wipes = 0
  readonly #makeApplication: () => SimApplication
  #database = new VirtualDatabase()
  #application: SimApplication

  constructor(makeApplication: () => SimApplication) {
    this.#makeApplication = makeApplication
    this.#application = makeApplication()
  }

  /** Under the chain store. */
  get database(): VirtualDatabase {
    return this.#database
  }

  get application(): SimApplication {
    return this.#application
  }

  crash(prng: Prng): void {
    this.journal.crash(prng)
    this.#database.crash(prng)
    if (prng.chance(0.5)) this.#application.rollback(prng.int(0, 5))
  }

  async damage(kind: DamageKind, prng: Prng): Promise<void> {
    switch (kind) {
      case 'signer-flip':
        this.journal.flip(prng)
        return
      case 'signer-gone':
        this.journal.lose()
        return
      case 'chain-flip':
        this.#database.flip(prng)
        return
      case 'ledger-flip':
        await this.#application.flip(prng)
    }
  }

  /**
   * Looks through the files of the stores. That flips are found there is for `test/bitrot` to show.
   * @throws CordonError `data-inconsistent`
   */
  check(): void {
    const [name] = [
      ...(this.#database.damaged ? (['chain'] as const) : []),
      ...(this.#application.damaged ? (['ledger'] as const) : []),
    ]
    if (name !== undefined)
      throw damagedFile(name, { file: 'a file', what: 'has a flipped bit' }, STORES[name].means)
  }

  /**
   * What a refusal to start says: `cordon doctor repair`, which moves damaged stores away; and for a signer without its
   * journal, or with a damaged one, the last of the ways of docs/signer.md.
   */
  async repair(refusal: CordonError): Promise<void> {
    if (refusal.code === 'signer-lost') this.lostWait = true
    if (await this.#hasDamagedJournal()) this.journal.lose()
    if (this.#database.damaged) {
      this.#database = new VirtualDatabase()
      this.wipes++
    } else if (!this.#application.damaged) return
    // The ledger is not ahead of the final blocks (P5).
    this.#application = this.#makeApplication()
  }

  async #hasDamagedJournal(): Promise<boolean> {
    try {
      decodeRecords(await this.journal.readAll())
      return false
    } catch (error) {
      if (error instanceof CordonError) return true
      throw error
    }
  }
}
