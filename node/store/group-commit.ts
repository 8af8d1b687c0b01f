/** Joins writes that arrive while one is under way into a single synced batch: one fsync covers many. */
import type { Database } from '../../ledger/store/database.ts'
import type { StoreChange } from '../../ledger/store/store.ts'

export class GroupCommit {
  readonly #database: Database
  #waiting: { changes: readonly StoreChange[]; resolve: () => void; reject: (error: unknown) => void }[] = []
  #running = false

  constructor(database: Database) {
    this.#database = database
  }

  /** Resolves when `changes` are on disk. They become visible and durable together. */
  write(changes: readonly StoreChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#database.write(
          group.flatMap((entry) => entry.changes),
          { sync: true },
        )
        for (const entry of group) entry.resolve()
      } catch (error) {
        for (const entry of group) entry.reject(error)
      }
    }
    this.#running = false
  }
}
