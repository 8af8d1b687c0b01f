/** Which validator this node is: the set that genesis names, and the place of the node's key in it. */
import { CordonError } from '../config/errors.ts'
import type { Genesis } from '../config/genesis.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import { makeValidatorSet } from '../consensus/validator-set.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { readKeyFile } from '../crypto/key-file.ts'

/** The only epoch there is for now; stake is constant. */
export const EPOCH: number = 1

export interface OwnValidator {
  readonly index: ValidatorIndex
  readonly keyPair: ReturnType<typeof readKeyFile>
}

export function validatorSetOf(genesis: Genesis, genesisHash: Uint8Array): ValidatorSet {
  return makeValidatorSet(
    { genesisHash },
    EPOCH,
    genesis.validators.map(({ name, publicKey, stake }) => ({ name, publicKey, weight: stake })),
  )
}

/** @throws CordonError `keystore-invalid`; `config-invalid` if genesis does not name the key. */
export function readOwnValidator(path: string, set: ValidatorSet): OwnValidator {
  const keyPair = readKeyFile(path, 'validator')
  const index = set.validators.findIndex((entry) => equalBytes(entry.publicKey, keyPair.publicKey))
  if (index === -1) {
    throw new CordonError(
      'config-invalid',
      `the validator key ${toHex(keyPair.publicKey)} of ${path} is not in the genesis file; use the right key, or remove validator_key from the configuration to run a full node`,
      { path },
    )
  }
  return { index, keyPair }
}
