/**
 * What was approved of payment requests of one payer. A log of one file an approval, `1.json`, `2.json`, …, each
 * written once: whoever wants to spend has to write the next number, so that of two processes that read the same sums
 * only one gets it, and the other reads again. What was approved counts whatever became of the payment.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { Fields } from '../../config/fields.ts'
import { writeOnce } from '../../crypto/write-once.ts'
import { isRequestId } from './request.ts'

const FORMAT = 'cordon-spending/1'
const DAY_MS = 24 * 3_600_000

export interface Spent {
  /** In the last 24 hours. */
  readonly dayUnits: bigint
  readonly totalUnits: bigint
}

interface Spending {
  /** Of the request. */
  readonly id: string
  readonly amountUnits: bigint
  readonly timeMs: number
}

interface Entry extends Spending {
  readonly number: number
  /** With this one. */
  readonly totalUnits: bigint
}

export class SpendingLog {
  readonly #directory: string

  /** @param directory of this payer alone. */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws CordonError `policy-invalid` if the log is damaged. */
  spent(nowMs: number): Spent {
    return spentOf(this.#entriesSince(nowMs - DAY_MS), nowMs)
  }

  /**
   * Counts an approval before anything is signed for it. One that was counted in the last 24 hours is not counted again:
   * its signing was interrupted.
   * @param check throws if the sums so far leave no room; it is asked again if another process was faster.
   * @throws CordonError `policy-invalid` if the log is damaged; what `check` throws.
   */
  reserve(spending: Spending, check: (spent: Spent) => void): void {
    const { id, timeMs } = spending
    for (;;) {
      const entries = this.#entriesSince(timeMs - DAY_MS)
      if (dayOf(entries, timeMs).some((entry) => entry.id === id)) return
      check(spentOf(entries, timeMs))
      if (this.#append(entries[0] ?? null, spending)) return
    }
  }

  #append(newest: Entry | null, { id, amountUnits, timeMs }: Spending): boolean {
    const content = {
      format: FORMAT,
      id,
      amount: String(amountUnits),
      // Never before the one before it, so that reading can stop at the first that is too old.
      timeMs: Math.max(timeMs, newest?.timeMs ?? 0),
      total: String((newest?.totalUnits ?? 0n) + amountUnits),
    }
    const path = this.#pathOf((newest?.number ?? 0) + 1)
    return writeOnce(path, `${JSON.stringify(content)}\n`)
  }

  /** The newest first: those after `sinceMs`, and one more if there is one, since it has the sum. */
  #entriesSince(sinceMs: number): readonly Entry[] {
    const entries: Entry[] = []
    for (let number = this.#newestNumber(); number > 0; number--) {
      const entry = this.#read(number)
      const after = entries.at(-1)
      if (after !== undefined && after.totalUnits !== entry.totalUnits + after.amountUnits)
        throw damaged(this.#pathOf(after.number), 'its sum does not follow from the one before')
      entries.push(entry)
      if (entry.timeMs <= sinceMs) return entries
    }
    const first = entries.at(-1)
    if (first !== undefined && first.totalUnits !== first.amountUnits)
      throw damaged(this.#pathOf(first.number), 'its sum is not its amount, and there is none before it')
    return entries
  }

  #newestNumber(): number {
    try {
      const numbers = readdirSync(this.#directory).map((file) => /^([1-9]\d{0,8})\.json$/.exec(file)?.[1])
      return numbers.reduce((newest, number) => Math.max(newest, Number(number ?? 0)), 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
      throw error
    }
  }

  #read(number: number): Entry {
    const path = this.#pathOf(number)
    try {
      return { number, ...parseEntry(readFileSync(path, 'utf8')) }
    } catch (error) {
      throw damaged(path, (error as Error).message)
    }
  }

  #pathOf(number: number): string {
    return join(this.#directory, `${number}.json`)
  }
}

function dayOf(entries: readonly Entry[], nowMs: number): readonly Entry[] {
  return entries.filter(({ timeMs }) => timeMs > nowMs - DAY_MS)
}

/** @param entries of at least a day, the newest first. */
function spentOf(entries: readonly Entry[], nowMs: number): Spent {
  return {
    dayUnits: dayOf(entries, nowMs).reduce((sum, { amountUnits }) => sum + amountUnits, 0n),
    totalUnits: entries[0]?.totalUnits ?? 0n,
  }
}

function parseEntry(text: string): Omit<Entry, 'number'> {
  const fields = new Fields(
    JSON.parse(text),
    '',
    (path, expected) => new RangeError(`expected ${path} as ${expected}`),
  )
  const units = (name: string): bigint => BigInt(fields.matching(name, 'an amount in uCRD', /^\d{1,24}$/))
  fields.constant('format', FORMAT)
  const entry = {
    id: fields.text('id', 'the id of a request', (id) => (isRequestId(id) ? id : null)),
    amountUnits: units('amount'),
    timeMs: fields.integer('timeMs', 0, 2 ** 48 - 1),
    totalUnits: units('total'),
  }
  fields.end()
  return entry
}

function damaged(path: string, problem: string): CordonError {
  return new CordonError(
    'policy-invalid',
    `${path} is damaged (${problem}); what was spent is not known, so nothing is approved until the folder is restored or removed`,
    { path },
  )
}
