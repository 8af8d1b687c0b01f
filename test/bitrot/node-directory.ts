/**
 * The directory of a validator that has run for a while and was killed: real stores with several tables and a log each,
 * real signatures, holds, histories, payments on their way, a signer that voted. Made in process, the same every time.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { NODE_CONFIG_FILE, serialiseSettings } from '../../config/node-config.ts'
import { DEFAULT_SETTINGS } from '../../config/node-settings.ts'
import { NOTHING_RESTORED } from '../../consensus/replica-types.ts'
import { proposalId } from '../../consensus/wire.ts'
import type { SignedBatch } from '../../consensus/types.ts'
import { writeKeyFile } from '../../crypto/key-file.ts'
import { hash } from '../../crypto/hash.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { DecodedBatches } from '../../node/decoded-batches.ts'
import { Executor } from '../../node/executor.ts'
import { FraudMemory } from '../../node/fraud-memory.ts'
import { openSigner } from '../../node/signing/open-signer.ts'
import { NodeChain, type FinalBlock } from '../node/fixtures.ts'
import { keysOf, transferTo } from '../ledger/helpers.ts'
import { FeatureMemory } from './feature-memory.ts'

export const SELF = 0
export const VALIDATOR_KEY = 'signer/validator-key.json'
const ACCOUNTS = 120
const BLOCKS = 60
const TXS_PER_BLOCK = 4
/** The stores are closed and opened again this often, which turns their logs into tables. */
const BLOCKS_PER_RUN = 20
const PENDING = 12

/** What peers have: where a node gets again what it lost. */
export interface Peers {
  readonly finals: readonly FinalBlock[]
  readonly batches: readonly SignedBatch[]
}

export interface MadeDirectory extends Peers {
  readonly accounts: readonly string[]
  readonly txIds: readonly Uint8Array[]
  readonly pendingIds: readonly Uint8Array[]
}

/** Makes the directory; it must not exist. */
export async function makeNodeDirectory(directory: string): Promise<MadeDirectory> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => `account${index}`)
  await using chain = await NodeChain.open({ accounts })
  writeFiles(directory, chain)
  const maker = new Maker(directory, chain, accounts)
  for (let height = 1; height <= BLOCKS; height++) {
    if (height % BLOCKS_PER_RUN === 1) await maker.restart()
    await maker.addBlock(height)
  }
  await maker.finish()
  cpSync(chain.directory, join(directory, 'data'), { recursive: true })
  // As a process leaves it that was killed.
  writeFileSync(
    join(directory, 'signer/lock'),
    '{"pid":999999999,"born":"boot/1","token":"0123456789abcdef"}',
  )
  return maker
}

function writeFiles(directory: string, chain: NodeChain): void {
  for (const folder of ['config', 'signer']) mkdirSync(join(directory, folder), { recursive: true })
  writeKeyFile(join(directory, DEFAULT_SETTINGS.peerKey), 'peer', hash('devnet-key', utf8('peer')))
  writeKeyFile(join(directory, VALIDATOR_KEY), 'validator', hash('devnet-key', utf8(`validator${SELF}`)))
  writeFileSync(join(directory, DEFAULT_SETTINGS.genesis), serialiseGenesis(chain.chain.genesis))
  const settings = { ...DEFAULT_SETTINGS, validatorKey: VALIDATOR_KEY }
  writeFileSync(join(directory, NODE_CONFIG_FILE), serialiseSettings(settings))
}

class Maker implements MadeDirectory {
  readonly finals: FinalBlock[] = []
  readonly batches: SignedBatch[] = []
  readonly accounts: readonly string[]
  readonly txIds: Uint8Array[] = []
  readonly pendingIds: Uint8Array[] = []
  readonly #directory: string
  readonly #chain: NodeChain
  #ledger: Ledger | null = null
  #executor: Executor | null = null

  constructor(directory: string, chain: NodeChain, accounts: readonly string[]) {
    this.#directory = directory
    this.#chain = chain
    this.accounts = accounts
  }

  async restart(): Promise<void> {
    await this.#ledger?.close()
    await this.#chain.reopen()
    const directory = join(this.#chain.directory, 'ledger')
    this.#ledger = await Ledger.open({ directory, ...this.#chain.chain })
    this.#executor = new Executor({
      set: this.#chain.set,
      ledger: this.#ledger,
      store: this.#chain.store,
      decoded: new DecodedBatches(),
      needBatches: fail,
      onExecuted: () => Promise.resolve(),
      onFatal: fail,
    })
  }

  async addBlock(height: number): Promise<void> {
    const txs = Array.from({ length: TXS_PER_BLOCK }, (_, i) => {
      const [from, to] = [height * TXS_PER_BLOCK + i, height * 7 + i + 1].map(
        (index) => this.accounts[index % ACCOUNTS] as string,
      )
      return this.#chain.tx(from as string, [transferTo(to as string, BigInt(1_000 * height + i), 'rent')])
    })
    this.txIds.push(...txs.map(({ id }) => id))
    const batch = this.#chain.batch(txs)
    this.batches.push(batch)
    const flags = height % 9 === 0 ? [{ tx: 0, action: 0, score: 240, reasons: 3 }] : []
    const final = this.#chain.block([this.#chain.certificate(batch, { flags })])
    this.finals.push(final)
    await this.#chain.storeBatch(batch)
    await this.#chain.store.write(
      [
        { kind: 'certificate', certificate: this.#chain.certify('notarize', final.block) },
        { kind: 'certificate', certificate: final.finalization },
      ],
      true,
    )
    await this.#chain.storeFinal(final)
    this.#executor?.deliver(final.digest, final.block)
    await this.#executor?.idle()
  }

  async finish(): Promise<void> {
    await this.#sign()
    await this.#accept()
    const ledger = this.#ledger as Ledger
    const file = join(this.#chain.directory, 'fraud-memory.bin')
    const memory = new FraudMemory({ scorer: new FeatureMemory(), ledger, file, log: { warn: fail } })
    await memory.open()
    await memory.save()
    await ledger.close()
    await this.#chain.store.close()
  }

  async #sign(): Promise<void> {
    const { set } = this.#chain
    const signer = await openSigner({
      config: { directory: this.#directory, signerDirectory: join(this.#directory, 'signer') },
      genesisHash: this.#chain.chain.genesisHash,
      set,
      index: SELF,
      keyPair: keysOf(`validator${SELF}`),
      restored: NOTHING_RESTORED,
      lostWait: false,
      log: { warn: fail, fatal: fail },
    })
    for (const { block, finalization } of this.finals) {
      if (finalization.proposal === null) continue
      const pid = proposalId(set.context, finalization.proposal)
      signer.notarize(block.height, pid)
      await signer.flush()
      signer.finalize(block.height, pid)
      await signer.flush()
    }
    await signer.close()
  }

  async #accept(): Promise<void> {
    const store = await this.#chain.pendingStore()
    for (let i = 0; i < PENDING; i++) {
      const tx = this.#chain.tx(this.accounts[i] as string, [transferTo('account7', BigInt(i + 1))])
      await store.put(tx.id, tx.bytes)
      this.pendingIds.push(tx.id)
    }
    await store.close()
    const again = await this.#chain.pendingStore()
    const late = this.#chain.tx('account50', [transferTo('account51', 5n)])
    await again.put(late.id, late.bytes)
    this.pendingIds.push(late.id)
    const expired = this.#chain.tx('account60', [transferTo('account61', 5n)])
    await again.put(expired.id, expired.bytes)
    await again.expire([{ txId: expired.id, validUntilMs: 77_000 }], 80_000)
    await again.close()
    rmSync(join(this.#chain.directory, 'pending', 'LOG.old'), { force: true })
  }
}

function fail(error: unknown): never {
  throw error instanceof Error ? error : new Error(`did not expect ${JSON.stringify(error)}`)
}
