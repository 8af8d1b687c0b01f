/**
 * Opens a node directory as a node does when it starts, lets it get from its peers what it lacks, and asks everything that
 * can be asked of it: the whole answer as one text, to be compared with that of the sound directory.
 */
import { join } from 'node:path'
import { genesisHash as hashOfGenesis } from '../../config/genesis.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { readNodeConfig, type NodeConfig } from '../../config/node-config.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { verify } from '../../crypto/ed25519.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { Replica } from '../../consensus/replica.ts'
import type { Signer } from '../../consensus/replica-types.ts'
import { encodeBlock, encodeCertificate, encodeSignedBatch } from '../../consensus/wire.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { EPOCH } from '../../node/epoch.ts'
import { DecodedBatches } from '../../node/decoded-batches.ts'
import { Executor } from '../../node/executor.ts'
import { FraudMemory } from '../../node/fraud-memory.ts'
import { openSigner } from '../../node/signing/open-signer.ts'
import { openStorage, type Storage } from '../../node/storage.ts'
import { refOf } from '../../node/store/chain-store.ts'
import { idOf } from '../ledger/helpers.ts'
import { validatorSetOf } from '../node/fixtures.ts'
import { FeatureMemory } from './feature-memory.ts'
import { SELF, type MadeDirectory } from './node-directory.ts'

const RESULTS = 64
const OPEN_MS = 60_500
const PAGE_ITEMS = 50
const SILENT = { warn: () => undefined, fatal: () => undefined }

export interface Examination {
  /** By what was asked. */
  readonly answers: Readonly<Record<string, string>>
  readonly settings: string
  /** Whether anything was executed again, or came from peers. */
  readonly repaired: boolean
}

/** @param opened Called when everything is open and caught up, before any question. */
export async function examine(
  directory: string,
  made: MadeDirectory,
  opened: () => void = () => undefined,
): Promise<Examination> {
  await using closing = new AsyncDisposableStack()
  const { config } = readNodeConfig(directory, {})
  const genesis = readGenesisFile(config.genesisFile)
  const genesisHash = hashOfGenesis(genesis)
  const set = validatorSetOf({ genesis, genesisHash })
  readKeyFile(config.peerKeyFile, 'peer')
  const storage = await openStorage(
    { dataDirectory: config.dataDirectory, genesis, genesisHash, epoch: EPOCH, judgeEvidence: () => null },
    closing,
  )
  const { ledger, store } = storage
  const restored = await store.restore(ledger.recentResults(RESULTS), OPEN_MS)
  let signer: Signer | null = null
  if (config.validatorKeyFile !== null) {
    const keyPair = readKeyFile(config.validatorKeyFile, 'validator')
    signer = await openSigner({
      config,
      genesisHash,
      set,
      index: SELF,
      keyPair,
      restored,
      lostWait: false,
      log: SILENT,
    })
    closing.defer(() => signer?.close())
  }
  const chain = { genesisHash, createdMs: genesis.createdMs, stateRoot: ledger.genesisStateRoot }
  const verifier = { verify }
  new Replica({ set, chain, parameters: genesis.parameters, self: SELF, signer, verifier, restored })
  const caughtUp = await catchUp(storage, set, made)
  const memory = await rememberedBy(config, ledger)
  opened()
  const answers = await answersOf(storage, made)
  return {
    answers: textsOf({
      ...answers,
      votes: [signer?.ownVotes(), signer?.knownAbove],
      fraudMemory: memory.snapshot,
    }),
    settings: JSON.stringify({
      ...config,
      directory: '',
      genesisFile: '',
      secondReviewerAboveUnits: String(config.secondReviewerAboveUnits),
    }),
    repaired: caughtUp || memory.replayed,
  }
}

async function rememberedBy(
  config: NodeConfig,
  ledger: Ledger,
): Promise<{ readonly snapshot: string; readonly replayed: boolean }> {
  const scorer = new FeatureMemory()
  let replayed = false
  const log = {
    warn: () => {
      replayed = true
    },
  }
  const file = join(config.dataDirectory, 'fraud-memory.bin')
  await new FraudMemory({ scorer, ledger, file, log }).open()
  return { snapshot: toHex(scorer.snapshot()), replayed }
}

/** As syncing does: final blocks and bodies come from peers, and are executed. @returns whether anything had to come. */
async function catchUp(
  { ledger, store, newest }: Storage,
  set: ConstructorParameters<typeof Executor>[0]['set'],
  { finals, batches }: MadeDirectory,
): Promise<boolean> {
  let [fetched, failure] = [false, null as unknown]
  const executor: Executor = new Executor({
    set,
    ledger,
    store,
    decoded: new DecodedBatches(),
    needBatches: (certificates) => {
      fetched = true
      const wanted = batches.filter(({ batch }) => certificates.some(({ seq }) => seq === batch.seq))
      void store
        .write(
          wanted.map((batch) => ({ kind: 'batch', batch, ack: null })),
          false,
        )
        .then(() => {
          executor.bodiesArrived()
        })
    },
    onExecuted: () => Promise.resolve(),
    onFatal: (error) => {
      failure = error
    },
  })
  const before = ledger.height
  executor.catchUp(newest?.height ?? 0)
  for (const { digest, block, finalization } of finals.slice(newest?.height ?? 0)) {
    await store.write(
      [
        { kind: 'block', digest, block },
        { kind: 'finalized', height: block.height, digest, finalization },
      ],
      false,
    )
    executor.deliver(digest, block)
  }
  await executor.idle()
  if (failure !== null) throw failure as Error
  return fetched || ledger.height !== before
}

async function answersOf(
  { ledger, store, pendingStore }: Storage,
  made: MadeDirectory,
): Promise<Record<string, unknown>> {
  const { accounts, txIds, finals, batches, pendingIds } = made
  const pending: string[] = []
  for await (const { txId, bytes } of pendingStore.all()) pending.push(`${toHex(txId)} ${toHex(bytes)}`)
  return {
    root: [ledger.height, ledger.stateRoot, ledger.totals(), ledger.outcomes],
    audit: await ledger.audit(),
    accounts: await ledger.accounts(accounts.map(idOf)),
    histories: await Promise.all(accounts.map((name) => ledger.history(idOf(name), { limit: PAGE_ITEMS }))),
    transactions: await Promise.all(
      txIds.map(async (id) => [await ledger.transaction(id), await ledger.receiptProof(id)]),
    ),
    blocks: await Promise.all(
      finals.map(async ({ block, digest }) => {
        const [result, final, stored] = await Promise.all([
          ledger.result(block.height),
          store.final(block.height),
          store.block(digest),
        ])
        return [
          result,
          final !== null && equalBytes(final.digest, digest) && toHex(encodeCertificate(final.finalization)),
          stored !== null && toHex(encodeBlock(stored)),
        ]
      }),
    ),
    bodies: await Promise.all(
      batches.map(async (batch) => {
        const stored = await store.batch(refOf(batch))
        // A body that is damaged is fetched again by who needs it; another one in its place would be wrong.
        return stored === null || toHex(encodeSignedBatch(stored)) === toHex(encodeSignedBatch(batch))
      }),
    ),
    holds: [await ledger.holdsOpen({ limit: PAGE_ITEMS }), await ledger.holdsEnded({ limit: PAGE_ITEMS })],
    pending: pending.sort(),
    expired: await Promise.all(pendingIds.map((id) => pendingStore.expired(id))),
  }
}

function textsOf(answers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answers).map(([question, answer]) => [question, JSON.stringify(hexed(answer))]),
  )
}

function hexed(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(hexed)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hexed(item)]))
  return value
}
