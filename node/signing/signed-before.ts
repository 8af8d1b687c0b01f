/**
 * Whether a key has signed before, told without the signer folder, so that a folder that was lost is not taken for one
 * that was never used (consensus.md §9 P10). Two witnesses: a note beside the configuration, written when the key first
 * may sign, and the chain data. Who lost both as well is left with P11.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { NodeConfig } from '../../config/node-config.ts'
import type { Restored } from '../../consensus/replica-types.ts'
import type { ValidatorIndex } from '../../consensus/types.ts'
import { toHex } from '../../crypto/bytes.ts'
import { syncDirectory } from './file-journal.ts'

const NOTE_FILE = join('config', 'has-signed.json')

/** Which key, on which chain. */
export interface KeyOnChain {
  readonly genesisHash: Uint8Array
  readonly publicKey: Uint8Array
}

/** What says that the key has signed on this chain, in words, or null. */
export async function signedBefore(
  config: Pick<NodeConfig, 'directory'>,
  key: KeyOnChain,
  traces: { readonly restored: Restored; readonly self: ValidatorIndex } | null,
): Promise<string | null> {
  if (await isNoted(config, key)) return `${join(config.directory, NOTE_FILE)} says so`
  return traces !== null && hasTraces(traces.restored, traces.self) ? 'the chain data shows it' : null
}

/** Writes the note, unless it is there. It outlives data/ and signer/. */
export async function noteSigning(config: Pick<NodeConfig, 'directory'>, key: KeyOnChain): Promise<void> {
  if (await isNoted(config, key)) return
  const path = join(config.directory, NOTE_FILE)
  await mkdir(dirname(path), { recursive: true })
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(noteOf(key))
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  await syncDirectory(dirname(path))
}

async function isNoted(config: Pick<NodeConfig, 'directory'>, key: KeyOnChain): Promise<boolean> {
  try {
    return (await readFile(join(config.directory, NOTE_FILE), 'utf8')) === noteOf(key)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function noteOf({ genesisHash, publicKey }: KeyOnChain): string {
  return `${JSON.stringify({ format: 'cordon-has-signed/1', chainId: toHex(genesisHash), publicKey: toHex(publicKey) })}\n`
}

/** Whether chain data shows that a validator has signed: its votes in certificates, or batches and acks of its own. */
export function hasTraces({ certificates, batches }: Restored, self: ValidatorIndex): boolean {
  return (
    certificates.some(({ signers }) => signers.includes(self)) ||
    batches.some(({ batch, ack }) => batch.batch.author === self || ack?.signer === self)
  )
}
