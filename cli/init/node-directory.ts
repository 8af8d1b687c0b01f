/** Makes the directory of a node: configuration, keys, and the genesis if there is one. Nothing that exists is overwritten. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import type { Genesis } from '../../config/genesis.ts'
import { NODE_CONFIG_FILE, serialiseSettings } from '../../config/node-config.ts'
import { VALIDATOR_KEY_FILE, type NodeSettings } from '../../config/node-settings.ts'
import { makeOperatorToken } from '../../config/tokens.ts'
import { makeKeyFile, readKeyFile } from '../../crypto/key-file.ts'
import { makeFolder } from '../../crypto/write-once.ts'

/** One that is there, a new one, or null: a full node. */
export type ValidatorKey = { readonly file: string } | 'new' | null

interface NodePlan {
  /** Its `validatorKey` comes from the plan's. */
  readonly settings: NodeSettings
  readonly genesis: Genesis | null
  readonly validatorKey: ValidatorKey
}

export interface MadeNode {
  readonly settings: NodeSettings
  /** Of the validator; null for a full node. */
  readonly publicKey: Uint8Array | null
}

/** @param root absolute. */
export function makeNodeDirectory(root: string, { settings, genesis, validatorKey }: NodePlan): MadeNode {
  makeFolder(join(root, settings.signer))
  makeKeyFile(join(root, settings.peerKey), 'peer')
  if (validatorKey === 'new') makeKeyFile(join(root, VALIDATOR_KEY_FILE), 'validator')
  makeOperatorToken(root, Date.now())
  if (genesis !== null) writeFileSync(join(root, settings.genesis), serialiseGenesis(genesis), { flag: 'wx' })
  const keyFile = validatorKey === 'new' ? VALIDATOR_KEY_FILE : (validatorKey?.file ?? null)
  const complete = { ...settings, validatorKey: keyFile }
  // Last: a directory with a configuration is complete.
  writeFileSync(join(root, NODE_CONFIG_FILE), serialiseSettings(complete), { flag: 'wx', flush: true })
  const publicKey = keyFile === null ? null : readKeyFile(resolve(root, keyFile), 'validator').publicKey
  return { settings: complete, publicKey }
}
