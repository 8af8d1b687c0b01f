/** Joins writes that arrive while one is under way into a single synced batch: one fsync covers many. */
import type { Database, Operation } from './database.ts'

export class GroupCommit {
  readonly #database: Database
  #waiting: { operations: readonly Operation[]; resolve: () => void; reject: (error: unknown) => void }[] = []
  #running = false

  constructor(database: Database) {
    this.#database = database
  }

  /** Resolves when `operations` are on disk. They become visible and durable together. */
  write(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#database.batch(
          group.flatMap((entry) => entry.operations),
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
