/**
 * The key of an operator account, in the hands of a node: it signs votes on holds and nothing else. Everything that this
 * process can do with the key stands in this file.
 */
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { signActions, type SigningChain } from '../../client/signing.ts'
import { CordonError } from '../../config/errors.ts'
import type { Genesis } from '../../config/genesis.ts'
import { LIMITS } from '../../config/limits.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import type { ReviewKeyFiles } from '../../config/node-config.ts'
import { keyOf } from '../../config/node-settings.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import type { KeyPair } from '../../crypto/ed25519.ts'
import { openKey, type OpenKey } from '../../crypto/keystore.ts'
import type { ReviewSide } from '../../ledger/actions/index.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'

const EXTENSION = '.json'

export class OperatorKey {
  readonly address: string
  /** Names of the validators with whose stake it votes; at least one. */
  readonly validators: readonly string[]
  readonly #key: KeyPair

  /** @throws CordonError `config-invalid` if genesis names the account as operator of no validator. */
  constructor(key: KeyPair, genesis: Genesis) {
    const prefix = ADDRESS_PREFIX[genesis.network]
    this.address = encodeAddress(prefix, key.publicKey)
    this.validators = genesis.validators
      .filter(({ operator }) => equalBytes(operator, key.publicKey))
      .map(({ name }) => name)
    this.#key = key
    if (this.validators.length > 0) return
    const operators = genesis.validators.map(
      ({ name, operator }) => `${encodeAddress(prefix, operator)} of ${name}`,
    )
    throw new CordonError(
      'config-invalid',
      `${keyOf('reviewKeyFile')}: expected the key of an operator that genesis names (${operators.slice(0, 4).join(', ')}${operators.length > 4 ? ', …' : ''}), got that of ${this.address}`,
      { key: keyOf('reviewKeyFile') },
    )
  }

  /** A transaction with one vote in it, at the lowest fee. @param hold id, 32 bytes. */
  signVote(chain: SigningChain, hold: Uint8Array, side: ReviewSide): DecodedTransaction {
    return signActions(chain, this.#key, [{ type: 'hold.review', hold, side }])
  }
}

/**
 * Opens the key that the configuration names.
 * @throws CordonError `config-invalid`, `keystore-invalid` or `format-version`, naming the setting.
 */
export async function openOperatorKey(
  { keyFile, passwordFile }: ReviewKeyFiles,
  genesis: Genesis,
): Promise<OperatorKey> {
  return new OperatorKey(await opened(keyFile, readPassword(passwordFile)), genesis)
}

/** What the keystore says to somebody at a terminal, a daemon says of its configuration. */
async function opened(keyFile: string, password: string): Promise<OpenKey> {
  const key = keyOf('reviewKeyFile')
  if (!keyFile.endsWith(EXTENSION))
    throw new CordonError('config-invalid', `${key}: expected a key file NAME${EXTENSION}, got ${keyFile}`, {
      key,
    })
  try {
    return await openKey(dirname(keyFile), basename(keyFile, EXTENSION), password)
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    const code =
      error.code === 'keystore-invalid' || error.code === 'format-version' ? error.code : 'config-invalid'
    throw new CordonError(code, `${key}: ${error.message}`, { key }, { cause: error })
  }
}

function readPassword(path: string): string {
  const key = keyOf('reviewPasswordFile')
  const refuse = (problem: string): CordonError =>
    new CordonError('config-invalid', `${key}: ${path} ${problem}`, { key })
  let text: string
  try {
    const { mode, size } = statSync(path)
    if ((mode & 0o077) !== 0)
      throw refuse(`can be read by others, expected mode 0600; run: chmod 600 ${path}`)
    if (size > 2 * LIMITS.passwordBytes)
      throw refuse(`has ${size} bytes; expected a password of at most ${LIMITS.passwordBytes}`)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
  const password = text.split(/\r?\n/, 1)[0] ?? ''
  if (password === '') throw refuse('is empty; expected the password on its first line')
  return password
}
