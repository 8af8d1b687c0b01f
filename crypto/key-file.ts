/**
 * Key files of a node: the validator's signing seed and the seed of its peer identity. Unlike a wallet's keystore they
 * carry no password, since a daemon must start unattended; their protection is mode 0600 and a folder that no reset
 * touches.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { CordonError } from '../config/errors.ts'
import { equalBytes, fromHex, toHex } from './bytes.ts'
import { SEED_BYTES, keyPairFromSeed, type KeyPair } from './ed25519.ts'
import { writeOnce } from './write-once.ts'

export type KeyPurpose = 'validator' | 'peer'

const FORMAT = 'cordon-key/1'

/** Writes the file of a key that can be made again, with mode 0600. Fails if the file exists: a key is never overwritten. */
export function writeKeyFile(path: string, purpose: KeyPurpose, seed: Uint8Array): void {
  writeFileSync(path, textOf(purpose, seed), { mode: 0o600, flag: 'wx' })
  chmodSync(path, 0o600)
}

/**
 * Makes a new key in a file with mode 0600, which a power cut does not take away any more when this returns: others may
 * have been told of the key then.
 * @throws CordonError `config-invalid` if the file exists or cannot be written.
 */
export function makeKeyFile(path: string, purpose: KeyPurpose): void {
  if (!writeOnce(path, textOf(purpose, randomBytes(SEED_BYTES))))
    throw new CordonError('config-invalid', `${path} exists, and a key is never overwritten`, { path })
}

function textOf(purpose: KeyPurpose, seed: Uint8Array): string {
  const { publicKey } = keyPairFromSeed(seed)
  const content = { format: FORMAT, purpose, publicKey: toHex(publicKey), seed: toHex(seed) }
  return `${JSON.stringify(content, null, 2)}\n`
}

/**
 * Reads a key file back.
 * @throws CordonError `keystore-invalid` if it is missing, readable by others, or not what it should be.
 */
export function readKeyFile(path: string, purpose: KeyPurpose): KeyPair & { readonly seed: Uint8Array } {
  const refuse = (problem: string): CordonError =>
    new CordonError('keystore-invalid', `${purpose} key file ${path}: ${problem}`, { path })
  let text: string
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      throw refuse(`expected mode 0600, others may read it; run: chmod 600 ${path}`)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw refuse(
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); restore it from a backup or make one with cordon init`,
    )
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw refuse('is not JSON; restore it from a backup')
  }
  const fields = (typeof content === 'object' && content !== null ? content : {}) as Record<string, unknown>
  if (fields.format !== FORMAT)
    throw refuse(`expected format ${FORMAT}, got ${JSON.stringify(fields.format)}`)
  if (fields.purpose !== purpose)
    throw refuse(`expected a ${purpose} key, got ${JSON.stringify(fields.purpose)}`)
  try {
    const seed = fromHex(String(fields.seed), SEED_BYTES)
    const keyPair = keyPairFromSeed(seed)
    if (!equalBytes(keyPair.publicKey, fromHex(String(fields.publicKey), 32)))
      throw refuse('its seed and public key do not belong together; restore it from a backup')
    return { ...keyPair, seed }
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw refuse(`expected seed and publicKey as 64 hex digits each (${(error as Error).message})`)
  }
}
