/** `watch`: prints what happens to payments until it is told to stop, across breaks and nodes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PaymentEvents, RpcParams } from '../../client/api.ts'
import { isUnreachable } from '../../client/reachable.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { CordonError, EXIT } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { connectNode, keystorePaths } from '../context.ts'
import { Interruption } from '../interruption.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions } from '../options.ts'
import { note, stringify } from '../output.ts'
import { CursorFile, type Watched } from './cursor-file.ts'

/** How long one call waits for an event; well below what a call may ask for. */
const WAIT_MS = 25_000

export interface WatchOptions extends Omit<KeystoreOptions, 'json'> {
  readonly account?: string
  /** Cursor. */
  readonly from?: string
  readonly cursorFile?: string
  /** Stop after so many events. */
  readonly count?: number
  /** Stop once there is nothing to print. */
  readonly untilIdle?: boolean
}

/** Prints a line; resolves once it is written. */
type PrintLine = (line: string) => Promise<void>

/** @returns the exit code. @throws CordonError `cursor-invalid`, and whatever the node refuses. */
export async function watch(
  options: WatchOptions,
  print: PrintLine = printLine,
  interruption: Interruption = new Interruption(),
): Promise<number> {
  using stop = interruption
  const account =
    options.account === undefined ? null : new Names(keystorePaths(options)).resolve(options.account)
  const client = await connectNode(options)
  try {
    const source = await Source.open(client, account, stop.signal)
    await follow(source, options, print)
    return EXIT.done
  } finally {
    client.close()
  }
}

async function follow(
  source: Source,
  { from, cursorFile, count = Infinity, untilIdle = false }: WatchOptions,
  print: PrintLine,
): Promise<void> {
  const file = cursorFile === undefined ? null : new CursorFile(cursorFile, source.watched)
  let cursor = file?.read() ?? from ?? (await source.next(null, 0))?.cursor
  if (cursor === undefined) return
  file?.write(cursor) // so that a restart goes on from here even if nothing happens before it
  for (let left = count; left > 0; ) {
    const page = await source.next(cursor, untilIdle ? 0 : WAIT_MS)
    if (page === null) return
    for (const event of page.items.slice(0, left)) {
      await print(stringify(event))
      file?.write(event.cursor)
    }
    left -= page.items.length
    cursor = page.cursor
    if (untilIdle && isAtEnd(page)) return
  }
}

function isAtEnd({ items, cursor, executedHeight }: PaymentEvents): boolean {
  return items.length === 0 && Number(cursor.split('.')[0]) > executedHeight
}

/** Pages of events from whichever node answers. */
class Source {
  readonly watched: Watched
  readonly #client: RpcClient
  readonly #signal: AbortSignal

  private constructor(client: RpcClient, watched: Watched, signal: AbortSignal) {
    this.watched = watched
    this.#client = client
    this.#signal = signal
    signal.addEventListener('abort', () => client.close(), { once: true })
  }

  static async open(client: RpcClient, account: string | null, signal: AbortSignal): Promise<Source> {
    const { chainId } = await client.call('chain_info', {})
    return new Source(client, { chain: chainId, account }, signal)
  }

  /** The page from a cursor on, null: the next block; asks until there is an answer. Null once it was told to stop. */
  async next(cursor: string | null, timeoutMs: number): Promise<PaymentEvents | null> {
    const { account } = this.watched
    const params: RpcParams<'payments_follow'> = {
      ...(account === null ? {} : { address: account }),
      ...(cursor === null ? {} : { cursor }),
      limit: LIMITS.rpcPageItems,
      timeoutMs,
    }
    let pauseMs: number = LIMITS.watchRetryMinMs
    for (let isBroken = false; !this.#signal.aborted; isBroken = true) {
      try {
        return await this.#ask(params, isBroken)
      } catch (error) {
        if (this.#signal.aborted) return null // the client was closed in the middle of the call
        if (!isPassing(error)) throw error
        note(`${error.message}; asking again in ${pauseMs / 1_000} s`)
        await sleep(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined)
        pauseMs = Math.min(2 * pauseMs, LIMITS.watchRetryMaxMs)
      }
    }
    return null
  }

  /** After a break another node may answer: of another chain its cursors mean something else. */
  async #ask(params: RpcParams<'payments_follow'>, isBroken: boolean): Promise<PaymentEvents> {
    if (isBroken) {
      const { chainId } = await this.#client.call('chain_info', {}, { retry: false })
      if (chainId !== this.watched.chain)
        throw new CordonError(
          'cursor-invalid',
          `${this.#client.url} is of chain ${chainId} now, and this is a watch of chain ${this.watched.chain}; start it anew`,
        )
      note(`connected to ${this.#client.url}`)
    }
    return this.#client.call('payments_follow', params, { retry: false })
  }
}

/** What is over when the node, or another one, is back. */
function isPassing(error: unknown): error is CordonError {
  return isUnreachable(error) || (error instanceof CordonError && error.code === 'busy')
}

/** A reader that is gone ends the process (`main.ts`), and the event keeps the cursor before it. */
function printLine(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => {
      if (error instanceof Error) reject(error)
      else resolve()
    })
  })
}
