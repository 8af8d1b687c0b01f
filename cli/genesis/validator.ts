/** `genesis validator`: what the makers of a genesis need to know of a node. */
import { parseAmount } from '../../config/amount.ts'
import { CordonError } from '../../config/errors.ts'
import { isValidatorName, VALIDATOR_NAME_EXPECTED } from '../../config/genesis-rules.ts'
import { readNodeConfig } from '../../config/node-config.ts'
import { toHex } from '../../crypto/bytes.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { keystorePaths } from '../context.ts'
import { Names } from '../names.ts'
import type { JsonOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

interface ValidatorOptions extends JsonOptions {
  readonly dir: string
  readonly account: string
  readonly stake: string
  readonly keystore?: string
}

export async function validator(
  { dir, account, stake, keystore }: ValidatorOptions,
  name: string,
): Promise<CommandResult> {
  if (!isValidatorName(name))
    throw new CordonError(
      'usage',
      `expected a name of ${VALIDATOR_NAME_EXPECTED}, got ${JSON.stringify(name.slice(0, 80))}`,
    )
  parseAmount(stake)
  const operator = new Names(keystorePaths(keystore === undefined ? {} : { keystore })).resolve(account)
  const publicKey = toHex(publicKeyOf(dir))
  return { data: { name, publicKey, operator, stake }, text: [name, publicKey, operator, stake].join(',') }
}

/** Variables count as for the node itself: they may name another key. */
function publicKeyOf(dir: string): Uint8Array {
  const { validatorKeyFile } = readNodeConfig(dir, process.env).config
  if (validatorKeyFile === null)
    throw new CordonError(
      'usage',
      `expected the directory of a validator, got ${dir}, which is a full node; make one with: cordon init --validator-key`,
      { dir },
    )
  return readKeyFile(validatorKeyFile, 'validator').publicKey
}
