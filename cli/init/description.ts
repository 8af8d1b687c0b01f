/** What `cordon init` says of the directory it made, and what comes next. */
import { join } from 'node:path'
import { genesisHash, type Genesis } from '../../config/genesis.ts'
import { NODE_CONFIG_FILE } from '../../config/node-config.ts'
import { DEFAULT_SETTINGS } from '../../config/node-settings.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { facts } from '../format.ts'
import { note, type CommandResult } from '../output.ts'
import type { MadeNode } from './node-directory.ts'

/** @param genesis null: there is none yet. */
export function describeNode(
  dir: string,
  { settings, publicKey }: MadeNode,
  genesis: Genesis | null,
): CommandResult {
  const data = {
    dir,
    network: genesis?.network ?? null,
    genesisHash: genesis === null ? null : toHex(genesisHash(genesis)),
    validatorKey: publicKey === null ? null : toHex(publicKey),
    validator: publicKey === null ? null : nameIn(genesis, publicKey),
    announce: settings.announce,
    bootstrap: settings.bootstrap,
  }
  const text = facts([
    ['directory', dir],
    ['chain', genesis === null ? 'none yet' : `${genesis.network} ${toHex(genesisHash(genesis))}`],
    ...(publicKey === null ? [['role', 'full node']] : validatorRows(genesis, publicKey)),
    ['reached at', (settings.announce.length > 0 ? settings.announce : settings.listen).join(', ')],
    ['connects to', settings.bootstrap.join(', ') || 'whoever connects to it'],
    ...nextSteps(dir, genesis, publicKey !== null).map((step, index) => [index === 0 ? 'next' : '', step]),
  ])
  return { data, text }
}

/** What genesis calls the validator with this key, or null. */
function nameIn(genesis: Genesis | null, publicKey: Uint8Array): string | null {
  return genesis?.validators.find((each) => equalBytes(each.publicKey, publicKey))?.name ?? null
}

function validatorRows(genesis: Genesis | null, publicKey: Uint8Array): string[][] {
  const name = nameIn(genesis, publicKey)
  if (genesis !== null && name === null)
    note(
      'this validator key is not in the genesis file: the node will not start as a validator until a genesis names it',
    )
  return [
    ['role', `validator ${name ?? 'that no genesis names yet'}`],
    ['public key', toHex(publicKey)],
  ]
}

function nextSteps(dir: string, genesis: Genesis | null, isValidator: boolean): string[] {
  const start = `cordon start --dir ${dir}`
  if (genesis !== null) return [`look at ${join(dir, NODE_CONFIG_FILE)}, then: ${start}`]
  const line = `cordon genesis validator NAME --dir ${dir} --account ACCOUNT --stake AMOUNT   prints what a genesis needs of it`
  return [
    ...(isValidator ? [line] : []),
    'cordon genesis create …   makes the genesis file, once for all nodes of the network',
    `put that file to ${join(dir, DEFAULT_SETTINGS.genesis)}, then: ${start}`,
  ]
}
