/** The signer of this node: its key and its journal in the signer folder, which no reset touches. */
import type { Logger } from 'pino'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import type { NodeConfig } from '../../config/node-config.ts'
import type { JournalStorage } from '../../consensus/journal.ts'
import { identityOf, openSigner as openJournaledSigner, type SigningKey } from '../../consensus/signer.ts'
import { replayJournal } from '../../consensus/signer-state.ts'
import type { Restored, Signer } from '../../consensus/replica-types.ts'
import type { ValidatorIndex, ValidatorSet } from '../../consensus/types.ts'
import { weightOfIndex } from '../../consensus/validator-set.ts'
import { sign } from '../../crypto/ed25519.ts'
import { NOTHING_FAILS, type Reached } from '../fail-points.ts'
import { FileJournal } from './file-journal.ts'
import { noteSigning, signedBefore, type KeyOnChain } from './signed-before.ts'

export interface OpenSignerOptions {
  readonly config: Pick<NodeConfig, 'directory' | 'signerDirectory'>
  readonly genesisHash: Uint8Array
  readonly set: ValidatorSet
  readonly index: ValidatorIndex
  readonly keyPair: { readonly secretKey: Uint8Array }
  /** Chain data: it may show votes that the journal does not have. */
  readonly restored: Restored
  /** The operator wants to wait until a lost table cannot matter any more (P10). */
  readonly lostWait: boolean
  readonly log: Pick<Logger, 'warn' | 'fatal'>
  readonly reached?: Reached
}

/**
 * Opens the signer over the journal of its folder.
 * @throws CordonError `directory-locked`, and those of `openSignerOver`.
 */
export async function openSigner(options: OpenSignerOptions): Promise<Signer> {
  const { config, genesisHash, set, index, keyPair, restored, log, reached = NOTHING_FAILS } = options
  const storage = await FileJournal.open(config.signerDirectory, reached)
  try {
    const key: KeyOnChain = { genesisHash, publicKey: identityOf(set, index).publicKey }
    const signer = await openSignerOver({
      ...options,
      key: { sign: (message) => sign(message, keyPair.secretKey) },
      storage,
      witness: () => signedBefore(config, key, { restored, self: index }),
      nowMs: Date.now(),
    })
    reached('batch-numbers-reserved')
    await noteSigning(config, key).catch((error: unknown) => {
      log.warn(
        { err: error },
        'it could not be noted in config/ that this key signs; if signer/ and data/ are both lost, nothing will warn',
      )
    })
    tellAbstention(signer, log)
    return signer
  } catch (error) {
    await storage.close()
    throw error
  }
}

export interface OpenSignerOverOptions extends Pick<
  OpenSignerOptions,
  'config' | 'set' | 'index' | 'lostWait' | 'log'
> {
  readonly key: SigningKey
  readonly storage: JournalStorage
  /** What says that the key has signed on this chain, in words, or null. Asked if the journal does not say it. */
  readonly witness: () => Promise<string | null>
  readonly nowMs: number
}

/**
 * The same over a journal wherever it lies.
 * @throws CordonError `data-inconsistent` or `other-chain`; `signer-lost` if the key has signed before and the journal is
 * not there.
 */
export async function openSignerOver(options: OpenSignerOverOptions): Promise<Signer> {
  const { set, index, key, storage, lostWait, nowMs, log } = options
  const { state } = replayJournal(await storage.readAll(), identityOf(set, index))
  if (!state.named && !lostWait) await refuseLost(options)
  if (lostWait && state.named && state.abstention === null)
    log.warn('--signer-lost-wait has no effect: the signer has its table. Leave the option out')
  if (lostWait && (!state.named || state.conflict !== null)) refuseEndlessWait(set, index)
  return openJournaledSigner({
    set,
    index,
    storage,
    key,
    // More milliseconds have passed since 1970 than this validator can have written batches.
    ...(lostWait && { lost: { firstBatchSeq: nowMs } }),
  })
}

async function refuseLost({ config, set, index, witness }: OpenSignerOverOptions): Promise<void> {
  const seen = await witness()
  if (seen === null) return
  throw new CordonError(
    'signer-lost',
    `validator ${set.validators[index]?.name ?? index} has signed on this chain before (${seen}), but ${config.signerDirectory} does not have its votes; voting could contradict them and forfeit the stake. ` +
      `Put the folder back or import an export made after its last vote (cordon signer import --dir ${config.directory} --file FILE), or run it with a new validator key, ` +
      `or, if the votes are lost for good, start once with --signer-lost-wait: it then votes again when ${LIMITS.lostSignerViews} more views are final (docs/signer.md)`,
    { directory: config.signerDirectory },
  )
}

/** The wait ends with a finalization, for which the others need a quorum of their own. */
function refuseEndlessWait(set: ValidatorSet, index: ValidatorIndex): void {
  if (set.totalWeight - weightOfIndex(set, index) >= set.quorumWeight) return
  throw new CordonError(
    'signer-lost',
    `--signer-lost-wait would never end: without the stake of validator ${set.validators[index]?.name ?? index} nothing becomes final. Put the signer folder back or import an export of it (docs/signer.md)`,
  )
}

function tellAbstention({ abstention }: Signer, log: Pick<Logger, 'warn' | 'fatal'>): void {
  if (abstention === 'signer-lost')
    log.warn(
      `the signing state of this validator was lost: it follows without voting until ${LIMITS.lostSignerViews} more views than it finds are final. This is no proof of safety: validators of at most a third of the stake may be in this state at one time (docs/signer.md)`,
    )
  if (abstention === 'key-used-elsewhere')
    log.fatal(
      'another process voted with the key of this validator: it follows and signs nothing, also after this restart. Stop the other one and import what it signed: cordon signer import (docs/signer.md)',
    )
}
