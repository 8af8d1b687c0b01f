/**
 * The stores of a node, opened together: first every checksum in their files, then each store, then whether they agree
 * (consensus.md §9 P5). What does not is refused with what to do, never guessed at.
 */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { Genesis } from '../config/genesis.ts'
import { Ledger } from '../ledger/ledger.ts'
import type { EvidenceJudge } from '../ledger/types.ts'
import { lockDirectory } from './directory-lock.ts'
import { bytesBelow } from './disk-usage.ts'
import { NOTHING_FAILS, type Reached } from './fail-points.ts'
import { ChainStore, type FinalEntry } from './store/chain-store.ts'
import { CheckedStore } from './store/checked-store.ts'
import { makeDirectory } from './store/database.ts'
import { checkDatabaseFiles, liveTables } from './store/leveldb/check.ts'
import { damagedFile, damagedInUse, type FileDamage } from './store/leveldb/damage.ts'
import { keepTables } from './store/leveldb/kept-tables.ts'
import { startMergeCheck } from './store/leveldb/merge-check.ts'
import { startScrub } from './store/leveldb/scrub.ts'
import { PendingStore } from './store/pending-store.ts'

/** The folders of the stores in the data directory, with what it means if one is damaged. */
export const STORES = {
  chain: {
    // Records that votes rest on are synced: one that is not there any more must not be passed over.
    mayLoseLast: false,
    means: 'blocks and certificates may be lost; they can be had again from peers',
  },
  ledger: {
    // Not synced: what is lost at the end is executed again.
    mayLoseLast: true,
    means: 'balances may be wrong; they can be had again by executing the final blocks',
  },
  pending: {
    mayLoseLast: false,
    means: 'payments that this node accepted may be lost before they are final',
  },
} as const

export type StoreName = keyof typeof STORES

export const STORE_NAMES = Object.keys(STORES) as readonly StoreName[]

/** Size of the files of each store. */
export async function storeBytes(dataDirectory: string): Promise<Readonly<Record<StoreName, number>>> {
  const sizes = STORE_NAMES.map(async (name) => [name, await bytesBelow(join(dataDirectory, name))] as const)
  return Object.fromEntries(await Promise.all(sizes)) as Record<StoreName, number>
}

export interface Storage {
  readonly ledger: Ledger
  readonly store: ChainStore
  readonly pendingStore: PendingStore
  /** The newest final block, or null. */
  readonly newest: FinalEntry | null
  /** Whether every checksum was checked; else it takes too long before a start. */
  readonly checkedAll: boolean
}

export interface StorageOptions {
  readonly dataDirectory: string
  readonly genesis: Genesis
  readonly genesisHash: Uint8Array
  readonly epoch: number
  readonly judgeEvidence: EvidenceJudge
  /** Told of every fail point that is passed. */
  readonly reached?: Reached
}

/**
 * @param opened Closes the stores again.
 * @throws CordonError with an exit code of the daemon.
 */
export async function openStorage(options: StorageOptions, opened: AsyncDisposableStack): Promise<Storage> {
  const { dataDirectory, genesis, genesisHash, epoch, judgeEvidence, reached = NOTHING_FAILS } = options
  makeDirectory(dataDirectory)
  // LevelDB has locks of its own, but what comes before it opens must not meet another process either.
  const lock = await lockDirectory(dataDirectory)
  opened.defer(() => lock.release())
  const checkedAll = await checkFiles(dataDirectory)
  // Before LevelDB opens them, which may merge some right away.
  for (const directory of STORE_NAMES.map((name) => join(dataDirectory, name)))
    await keepTables(directory, await liveTables(directory))
  const store = await ChainStore.open(join(dataDirectory, 'chain'), genesisHash, epoch, reached)
  opened.defer(() => store.close())
  const ledger = await Ledger.over(
    await CheckedStore.open(join(dataDirectory, 'ledger'), {
      writing: () => reached('ledger-writing'),
      written: () => reached('ledger-written'),
    }),
    { genesis, genesisHash, nextTurn: () => setImmediate(), judgeEvidence },
  )
  opened.defer(() => ledger.close())
  const pendingStore = await PendingStore.open(join(dataDirectory, 'pending'), genesisHash, reached)
  opened.defer(() => pendingStore.close())
  const newest = await store.newestFinal()
  if (ledger.height > (newest?.height ?? 0)) {
    throw new CordonError(
      'data-inconsistent',
      `the ledger executed height ${ledger.height}, but consensus knows only ${newest?.height ?? 0} as final; move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers`,
      { ledgerHeight: ledger.height, finalHeight: newest?.height ?? 0 },
    )
  }
  return { ledger, store, pendingStore, newest, checkedAll }
}

export interface WatchOptions {
  /** Of `openStorage`. */
  readonly checkedAll: boolean
  /** The node has to stop. */
  readonly onFatal: (error: unknown) => void
  readonly log: { warn(fields: object, message: string): void }
}

/** Looks after the files of open stores. @returns how to end that. */
export function watchStorage(
  dataDirectory: string,
  { checkedAll, onFatal, log }: WatchOptions,
): () => Promise<void> {
  const options = {
    directories: STORE_NAMES.map((name) => join(dataDirectory, name)),
    onDamage: (directory: string, damage: FileDamage) => {
      onFatal(damagedInUse(directory, damage))
    },
    onFailure: onFatal,
  }
  const stopScrub = startScrub({ ...options, atOnce: !checkedAll })
  const stopMergeCheck = startMergeCheck({
    ...options,
    onUnlinkable: (directory) => {
      log.warn(
        { directory },
        'its file system has no hard links: bits that flip before LevelDB merges go unnoticed',
      )
    },
  })
  return async () => {
    await Promise.all([stopScrub(), stopMergeCheck()])
  }
}

/**
 * @returns whether everything was read.
 * @throws CordonError `data-inconsistent` naming the first damaged file.
 */
async function checkFiles(dataDirectory: string): Promise<boolean> {
  const checked = await Promise.all(
    STORE_NAMES.map(async (name) => {
      const directory = join(dataDirectory, name)
      const { mayLoseLast, means } = STORES[name]
      const options = { mayLoseLast, maxTableBytes: LIMITS.startCheckBytes }
      return { directory, means, ...(await checkDatabaseFiles(directory, options)) }
    }),
  )
  for (const { directory, means, damage } of checked)
    if (damage[0] !== undefined) throw damagedFile(directory, damage[0], means)
  return checked.every(({ incomplete }) => !incomplete)
}
