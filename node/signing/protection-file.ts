/**
 * What operators do with a signer folder while its node is stopped: look at it, export what was signed, and import it into
 * another one (consensus.md §9 P9). Only looking is allowed while the node runs.
 */
import { readGenesisFile } from '../../config/genesis-file.ts'
import { genesisHash as hashOfGenesis } from '../../config/genesis.ts'
import { CordonError } from '../../config/errors.ts'
import type { NodeConfig } from '../../config/node-config.ts'
import type { HighWater } from '../../consensus/high-water.ts'
import { checkProtection, parseProtection, serialiseProtection } from '../../consensus/protection.ts'
import { mergeProtection, protectionOf } from '../../consensus/protection-merge.ts'
import type { Abstention } from '../../consensus/replica-types.ts'
import { identityOf } from '../../consensus/signer.ts'
import { replayJournal, type SignerIdentity, type SignerState } from '../../consensus/signer-state.ts'
import { verify } from '../../crypto/ed25519.ts'
import { readOwnValidator, validatorSetOf } from '../own-validator.ts'
import { lockHolder } from '../directory-lock.ts'
import { FileJournal, readJournal } from './file-journal.ts'
import { noteSigning, signedBefore } from './signed-before.ts'

type Config = Pick<NodeConfig, 'directory' | 'genesisFile' | 'signerDirectory' | 'validatorKeyFile'>

/** `lost`: the key has signed before, and the folder does not have its votes. `unused`: neither. */
export type SignerCondition = 'signing' | 'minimal' | 'unused' | 'lost' | Abstention

export interface SignerReport {
  readonly validator: string
  readonly publicKey: Uint8Array
  readonly genesisHash: Uint8Array
  readonly directory: string
  readonly condition: SignerCondition
  /** The process that has the folder open, or null. */
  readonly pid: number | null
  /** Votes at or below this view are refused for ever. */
  readonly floor: number
  readonly highWater: HighWater
  /** Votes above the floor that are known one by one. */
  readonly votes: number
  /** Batch numbers below this may have been used. */
  readonly reservedBatchSeq: number
}

interface Owner {
  readonly name: string
  readonly identity: SignerIdentity & { readonly genesisHash: Uint8Array }
}

/**
 * How the signer of a node is; the node may run.
 * @throws CordonError of the configuration, the key, or a damaged journal.
 */
export async function signerReport(config: Config): Promise<SignerReport> {
  const { name, identity } = ownerOf(config)
  const { publicKey, genesisHash } = identity
  const journal = (await readJournal(config.signerDirectory)) ?? new Uint8Array()
  const { state } = replayJournal(journal, identity)
  const { table, reserved } = state
  return {
    validator: name,
    publicKey,
    genesisHash,
    directory: config.signerDirectory,
    condition: await conditionOf(config, identity, state),
    pid: await lockHolder(config.signerDirectory),
    floor: table.floor,
    highWater: table.highWater(),
    votes: table.votes().length,
    reservedBatchSeq: reserved,
  }
}

async function conditionOf(
  config: Config,
  identity: Owner['identity'],
  state: SignerState,
): Promise<SignerCondition> {
  if (!state.named) return (await signedBefore(config, identity, null)) === null ? 'unused' : 'lost'
  return state.abstention ?? (state.table.mark === null ? 'signing' : 'minimal')
}

/**
 * The protection file of a stopped node.
 * @throws CordonError `directory-locked` while it runs, `signer-lost` if there is nothing that could be exported.
 */
export async function exportProtection(config: Config): Promise<string> {
  const { identity } = ownerOf(config)
  if ((await readJournal(config.signerDirectory)) === null) throw nothingHere(config)
  const storage = await FileJournal.open(config.signerDirectory)
  try {
    const { state } = replayJournal(await storage.readAll(), identity)
    if (!state.named) throw nothingHere(config)
    return serialiseProtection(protectionOf(state, identity))
  } finally {
    await storage.close()
  }
}

/**
 * Merges a protection file into the folder of a stopped node. It is durable when this resolves.
 * @param source Names the text in errors.
 * @throws CordonError `directory-locked` while the node runs, `protection-invalid`, `format-version`, `other-chain`,
 * `double-sign`; nothing is changed then.
 */
export async function importProtection(config: Config, text: string, source: string): Promise<void> {
  const { identity } = ownerOf(config)
  const protection = parseProtection(text, source)
  checkProtection(protection, identity, { verify }, source)
  const storage = await FileJournal.open(config.signerDirectory)
  try {
    const { state } = replayJournal(await storage.readAll(), identity)
    mergeProtection(state, protection)
    await storage.replace(state.encode(identity))
    await noteSigning(config, identity)
  } finally {
    await storage.close()
  }
}

function ownerOf({ genesisFile, validatorKeyFile }: Config): Owner {
  if (validatorKeyFile === null)
    throw new CordonError(
      'config-invalid',
      'this is the directory of a full node: it has no validator_key in its configuration, and so no signer',
    )
  const genesis = readGenesisFile(genesisFile)
  const genesisHash = hashOfGenesis(genesis)
  const set = validatorSetOf(genesis, genesisHash)
  const { index } = readOwnValidator(validatorKeyFile, set)
  return {
    name: set.validators[index]?.name ?? String(index),
    identity: { ...identityOf(set, index), genesisHash },
  }
}

function nothingHere({ signerDirectory }: Config): CordonError {
  return new CordonError(
    'signer-lost',
    `${signerDirectory} holds no votes: nothing was signed with this folder, or it was lost (docs/signer.md)`,
    { directory: signerDirectory },
  )
}
