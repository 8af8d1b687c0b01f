/** A payout under way: its rows in transactions, each of which is paid exactly once (`wallet/pay-once.ts`). */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { OpenKey } from '../../crypto/keystore.ts'
import { isUnreachable } from '../../client/reachable.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { minimumFee } from '../../ledger/rules.ts'
import { readChain, signActions } from '../../client/signing.ts'
import { transferAction } from '../transfers.ts'
import { payOnce, type Attempts } from '../wallet/pay-once.ts'
import { ChunkAttempts, type ChunkAttempt } from './attempts.ts'
import { chunksOf, type Chunk, type Plan, type PayoutOrigin } from './plan.ts'
import { totalOf, type PayoutRow } from './rows.ts'
import { allRows, askStanding, endedStanding, UNPAID, type RowStanding } from './standing.ts'

/** What a run would move. */
export interface Bill {
  readonly rows: readonly PayoutRow[]
  /** In uCRD, without fees. */
  readonly total: bigint
  readonly fees: bigint
}

interface PayOptions {
  readonly key: OpenKey
  /** For one transaction. */
  readonly timeoutMs: number
  /** No further transaction is begun once it is aborted, and none is waited for. */
  readonly signal: AbortSignal
  readonly onProgress: (share: number) => void
}

export class Payout {
  readonly rows: readonly PayoutRow[]
  readonly #folder: string
  readonly #origin: PayoutOrigin
  readonly #chunks: readonly Chunk[]
  readonly #client: RpcClient
  readonly #standings: RowStanding[]

  constructor(folder: string, origin: PayoutOrigin, plan: Plan, client: RpcClient) {
    this.rows = plan.flatMap((part) => part.rows)
    this.#folder = folder
    this.#origin = origin
    this.#chunks = chunksOf(plan)
    this.#client = client
    this.#standings = allRows(this.rows.length, 'pending', null, null)
  }

  /** One for each row; always the same array, kept up to date. */
  get standings(): readonly RowStanding[] {
    return this.#standings
  }

  /** Asks the node how everything stands. */
  async ask(): Promise<void> {
    await inParallel(this.#chunks, async (chunk) => {
      const newest = this.#attemptsOf(chunk).newest()
      this.#note(chunk, await askStanding(this.#client, newest, chunk.transfers.length))
      return true
    })
  }

  /** What is not on its way and not paid. `minFee` in uCRD. */
  bill(minFee: number): Bill {
    const chunks = this.#unpaid().filter((chunk) => !this.#isOnItsWay(chunk))
    const transfers = chunks.flatMap((chunk) => chunk.transfers)
    return {
      rows: chunks.flatMap(({ firstRow, transfers: { length } }) =>
        this.rows.slice(firstRow, firstRow + length),
      ),
      total: totalOf(transfers),
      fees: minimumFee(minFee, transfers.length),
    }
  }

  get hasUnpaid(): boolean {
    return this.#unpaid().length > 0
  }

  /** Pays what is not paid. An outcome that is unknown stops it from beginning more. */
  async pay(options: PayOptions): Promise<void> {
    const { signal, onProgress } = options
    const unpaid = this.#unpaid()
    let ended = 0
    const paying = inParallel(unpaid, async (chunk) => {
      if (signal.aborted) return false
      const isKnown = await this.#payChunk(chunk, options)
      onProgress(++ended / unpaid.length)
      return isKnown
    })
    await Promise.race([paying, aborted(signal)])
  }

  /** @returns whether its end is known. */
  async #payChunk(chunk: Chunk, { key, timeoutMs }: PayOptions): Promise<boolean> {
    const kept = this.#attemptsOf(chunk)
    const client = this.#client
    const attempts: Attempts<ChunkAttempt> = {
      newest: () => kept.newest(),
      sign: async (number) => {
        const chain = await readChain(client) // each time: its clock says how long the attempt is valid
        const actions = chunk.transfers.map((terms) => transferAction(terms, chain.info.addressPrefix))
        const attempt = kept.add(number, signActions(chain, key, actions))
        this.#note(chunk, allRows(actions.length, 'pending', toHex(attempt.txId), null))
        return attempt
      },
      markRefused: (attempt, refusal) => kept.markRefused(attempt, refusal),
      unmarkRefused: (attempt) => kept.unmarkRefused(attempt),
    }
    try {
      const { info } = await payOnce({ client, attempts, timeoutMs, againIfFailed: true })
      this.#note(
        chunk,
        info.status === 'expired'
          ? allRows(chunk.transfers.length, 'expired', info.txId, 'not executed within its validity')
          : await endedStanding(client, info),
      )
      return true
    } catch (error) {
      return this.#noteFailure(chunk, kept.newest(), error)
    }
  }

  #noteFailure(chunk: Chunk, newest: ChunkAttempt | null, error: unknown): boolean {
    if (!(error instanceof CordonError)) throw error
    const txId = newest === null ? null : toHex(newest.txId)
    const isRefused = newest?.refused === true
    if (!isRefused && !isUnknown(error)) throw error
    const why = `${error.code}: ${error.message}`
    this.#note(chunk, allRows(chunk.transfers.length, isRefused ? 'failed' : 'pending', txId, why))
    return isRefused
  }

  #unpaid(): Chunk[] {
    return this.#chunks.filter(({ firstRow }) =>
      UNPAID.includes((this.#standings[firstRow] as RowStanding).state),
    )
  }

  #isOnItsWay({ firstRow }: Chunk): boolean {
    const { state, txId } = this.#standings[firstRow] as RowStanding
    return state === 'pending' && txId !== null
  }

  #attemptsOf(chunk: Chunk): ChunkAttempts {
    return new ChunkAttempts(this.#folder, this.#origin, chunk)
  }

  #note({ firstRow }: Chunk, standings: readonly RowStanding[]): void {
    this.#standings.splice(firstRow, standings.length, ...standings)
  }
}

/** Whether nobody can say what became of a transaction. */
function isUnknown(error: CordonError): boolean {
  return error.code === 'outcome-unknown' || isUnreachable(error)
}

/** Runs `use` on each, some at once, until one says false. */
async function inParallel<Item>(
  items: readonly Item[],
  use: (item: Item) => Promise<boolean>,
): Promise<void> {
  const waiting = [...items]
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
      if (!(await use(item))) waiting.length = 0
  }
  await Promise.all(Array.from({ length: LIMITS.payoutTxsInFlight }, work))
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
