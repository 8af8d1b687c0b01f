/**
 * `cordon doctor repair`: finds out which stores of a stopped node are damaged, and moves those away that it gets again
 * by itself: the ledger from the final blocks, both from peers. Nothing is deleted. The pending log, whose payments
 * nobody else may have, is only touched if asked to, and the signer's folder never.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { CordonError } from '../config/errors.ts'
import { genesisHash as hashOfGenesis, type Genesis } from '../config/genesis.ts'
import { readGenesisFile } from '../config/genesis-file.ts'
import { readNodeConfig, type NodeConfig } from '../config/node-config.ts'
import { decodeRecords } from '../consensus/journal.ts'
import { equalBytes, fromHex, toHex } from '../crypto/bytes.ts'
import { Ledger } from '../ledger/ledger.ts'
import { SEALED } from '../ledger/store/sealed.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import { EPOCH } from './epoch.ts'
import { lockDirectory } from './directory-lock.ts'
import { JOURNAL_FILE } from './signing/file-journal.ts'
import { STORE_NAMES, STORES, type StoreName } from './storage.ts'
import { ChainStore } from './store/chain-store.ts'
import { checkDatabaseFiles } from './store/leveldb/check.ts'
import { wholeRecords } from './store/leveldb/log.ts'
import { putsOf, type Put } from './store/leveldb/write-batch.ts'
import { PENDING_TABLE, PendingStore } from './store/pending-store.ts'

/** In Node `level` is `classic-level`, whose tools its types leave out. */
const LevelTools = Level as typeof Level & { repair(location: string): Promise<void> }

export interface RepairOptions {
  /** The node's directory, with `config/cordon.toml`. */
  readonly directory: string
  /** Makes a damaged pending log anew from the transactions in it that can still be read. */
  readonly salvagePending: boolean
}

export interface RepairFinding {
  readonly part: StoreName | 'signer'
  /** What is wrong; null: nothing. */
  readonly damage: string | null
  /** What was done or is left to do; null: nothing. */
  readonly action: string | null
}

export interface RepairReport {
  readonly findings: readonly RepairFinding[]
  /** Whether the node can start now. */
  readonly startable: boolean
  /** Where damaged stores were moved, or null if none was. */
  readonly movedTo: string | null
}

/** @throws CordonError `directory-locked` while the node runs; `config-invalid`, `genesis-invalid`. */
export async function repairNode({ directory, salvagePending }: RepairOptions): Promise<RepairReport> {
  const { config } = readNodeConfig(directory, process.env)
  const genesis = readGenesisFile(config.genesisFile)
  const lock = existsSync(config.signerDirectory) ? await lockDirectory(config.signerDirectory) : null
  try {
    return await new Repair(config, genesis).run(salvagePending)
  } finally {
    await lock?.release()
  }
}

class Repair {
  readonly #config: NodeConfig
  readonly #genesis: Genesis
  readonly #genesisHash: Uint8Array
  readonly #findings: RepairFinding[] = []
  #movedTo: string | null = null
  #startable = true

  constructor(config: NodeConfig, genesis: Genesis) {
    this.#config = config
    this.#genesis = genesis
    this.#genesisHash = hashOfGenesis(genesis)
  }

  async run(salvagePending: boolean): Promise<RepairReport> {
    await this.#signer()
    const damage = new Map<StoreName, string>()
    for (const name of STORE_NAMES) {
      const found = await this.#damageOf(name)
      if (found !== null) damage.set(name, found)
    }
    if (damage.size === 0 && (await this.#ledgerIsAhead()))
      damage.set('chain', 'it lacks final blocks that the ledger has executed')
    // The ledger is not ahead of the final blocks (P5).
    if (damage.has('chain') && !damage.has('ledger'))
      damage.set('ledger', 'it may be ahead of the final blocks that are left')
    for (const name of STORE_NAMES) await this.#repair(name, damage.get(name) ?? null, salvagePending)
    return { findings: this.#findings, startable: this.#startable, movedTo: this.#movedTo }
  }

  async #signer(): Promise<void> {
    const path = join(this.#config.signerDirectory, JOURNAL_FILE)
    if (!existsSync(path)) return
    try {
      decodeRecords(await readFile(path))
      this.#findings.push({ part: 'signer', damage: null, action: null })
    } catch (error) {
      this.#startable = false
      this.#findings.push({
        part: 'signer',
        damage: messageOf(error),
        action: 'left as it is: nothing may be guessed of earlier votes',
      })
    }
  }

  async #damageOf(name: StoreName): Promise<string | null> {
    const directory = this.#directoryOf(name)
    if (!existsSync(directory)) return null
    const { mayLoseLast } = STORES[name]
    const { damage } = await checkDatabaseFiles(directory, { mayLoseLast, maxTableBytes: Infinity })
    if (damage.length > 0) return damage.map(({ file, what }) => `${file} ${what}`).join('; ')
    try {
      await this.#readThrough(name)
      return null
    } catch (error) {
      if (error instanceof CordonError && error.code === 'data-inconsistent') return error.message
      throw error
    }
  }

  /** @throws CordonError `data-inconsistent` if a record of the store contradicts others. */
  async #readThrough(name: StoreName): Promise<void> {
    const directory = this.#directoryOf(name)
    await using opened = new AsyncDisposableStack()
    switch (name) {
      case 'chain': {
        const store = await ChainStore.open(directory, this.#genesisHash, EPOCH)
        opened.defer(() => store.close())
        await store.restore([], 0)
        return
      }
      case 'ledger': {
        const ledger = await this.#openLedger()
        opened.defer(() => ledger.close())
        await ledger.audit()
        return
      }
      case 'pending': {
        const store = await PendingStore.open(directory, this.#genesisHash)
        opened.defer(() => store.close())
        for await (const _ of store.all());
        return
      }
    }
  }

  #openLedger(): Promise<Ledger> {
    return Ledger.open({
      directory: this.#directoryOf('ledger'),
      genesis: this.#genesis,
      genesisHash: this.#genesisHash,
    })
  }

  async #ledgerIsAhead(): Promise<boolean> {
    if (!existsSync(this.#directoryOf('ledger'))) return false
    await using opened = new AsyncDisposableStack()
    const ledger = await this.#openLedger()
    opened.defer(() => ledger.close())
    const store = await ChainStore.open(this.#directoryOf('chain'), this.#genesisHash, EPOCH)
    opened.defer(() => store.close())
    return ledger.height > ((await store.newestFinal())?.height ?? 0)
  }

  async #repair(part: StoreName, damage: string | null, salvagePending: boolean): Promise<void> {
    if (damage === null) {
      this.#findings.push({ part, damage, action: null })
    } else if (part !== 'pending') {
      const to = await this.#moveAway(part)
      const again =
        part === 'chain' ? 'the node syncs from its peers' : 'it is built again from the final blocks'
      this.#findings.push({ part, damage, action: `moved to ${to}: ${again}` })
    } else if (salvagePending) {
      const { kept, lost } = await this.#salvage()
      const action = `made anew with the ${kept} transactions that can be read; the old one is in ${String(this.#movedTo)}`
      this.#findings.push({
        part,
        damage,
        action: lost === 0 ? action : `${action}; ${lost} records cannot be read`,
      })
    } else {
      this.#startable = false
      const action =
        'left as it is: payments that this node accepted may be in it alone. To go on with those that can be read: cordon doctor repair --salvage-pending'
      this.#findings.push({ part, damage, action })
    }
  }

  async #moveAway(name: StoreName): Promise<string> {
    if (this.#movedTo === null) {
      let count = 1
      while (existsSync(`${this.#config.dataDirectory}-damaged-${count}`)) count++
      this.#movedTo = `${this.#config.dataDirectory}-damaged-${count}`
      await mkdir(this.#movedTo)
    }
    const to = join(this.#movedTo, name)
    await rename(this.#directoryOf(name), to)
    return to
  }

  /** What ended meanwhile may come back: the node finds it in the ledger when it starts, and forgets it again. */
  async #salvage(): Promise<{ readonly kept: number; readonly lost: number }> {
    const old = await this.#moveAway('pending')
    const found = new Map<string, Uint8Array | null>()
    for await (const { key, value } of putsIn(old)) {
      if (key[0] !== PENDING_TABLE) continue
      const name = toHex(key.subarray(1))
      found.set(name, found.get(name) ?? transactionOf(key.subarray(1), value))
    }
    const target = await PendingStore.open(this.#directoryOf('pending'), this.#genesisHash)
    try {
      for (const [name, bytes] of found) if (bytes !== null) await target.put(fromHex(name), bytes)
    } finally {
      await target.close()
    }
    const kept = [...found.values()].filter((bytes) => bytes !== null).length
    return { kept, lost: found.size - kept }
  }

  #directoryOf(name: StoreName): string {
    return join(this.#config.dataDirectory, name)
  }
}

/** Everything in the logs and, as far as LevelDB's own repair gets, in the tables of a database. */
async function* putsIn(directory: string): AsyncGenerator<Put> {
  // First: the repair takes the logs away.
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  const records = await Promise.all(logs.map((name) => readFile(join(directory, name))))
  await LevelTools.repair(directory)
  for (const bytes of records) for (const record of wholeRecords(bytes)) yield* putsOf(record)
  const level = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  try {
    for await (const [key, value] of level.iterator()) yield { key, value }
  } finally {
    await level.close()
  }
}

/** The bytes of the transaction with this id, or null if they are not. */
function transactionOf(id: Uint8Array, stored: Uint8Array): Uint8Array | null {
  try {
    const bytes = SEALED.decode(stored)
    return equalBytes(decodeTransaction(bytes).id, id) ? bytes : null
  } catch {
    return null
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
