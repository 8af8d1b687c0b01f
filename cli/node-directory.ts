/** Makes the directory of a node: configuration, genesis and keys. Nothing that exists is overwritten. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { readGenesisFile, serialiseGenesis } from '../config/genesis-file.ts'
import { genesisHash, type Genesis } from '../config/genesis.ts'
import { NODE_CONFIG_FILE, serialiseSettings } from '../config/node-config.ts'
import { DEFAULT_SETTINGS, VALIDATOR_KEY_FILE } from '../config/node-settings.ts'
import { makeOperatorToken } from '../config/tokens.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { SEED_BYTES } from '../crypto/ed25519.ts'
import { readKeyFile, writeKeyFile } from '../crypto/key-file.ts'
import { facts } from './format.ts'
import type { JsonOptions } from './options.ts'
import { note, type CommandResult } from './output.ts'

export interface InitOptions extends JsonOptions {
  readonly dir: string
  readonly genesis: string
  /** A key file; true: make a new one. Not given: a full node. */
  readonly validatorKey?: string | true
}

export async function init(options: InitOptions): Promise<CommandResult> {
  const root = resolve(options.dir)
  const configFile = join(root, NODE_CONFIG_FILE)
  if (existsSync(configFile))
    throw new CordonError(
      'usage',
      `${root} is the directory of a node already; choose another, or edit ${configFile}`,
      { dir: root },
    )
  const genesis = readGenesisFile(options.genesis)
  // A key that cannot be used must not leave half a directory behind.
  const given = typeof options.validatorKey === 'string' ? resolve(options.validatorKey) : null
  if (given !== null) readKeyFile(given, 'validator')

  const peerKey = join(root, DEFAULT_SETTINGS.peerKey)
  const validatorKey = options.validatorKey === true ? VALIDATOR_KEY_FILE : given
  makeFolder(dirname(peerKey))
  makeFolder(join(root, DEFAULT_SETTINGS.signer))
  writeKeyFile(peerKey, 'peer', randomBytes(SEED_BYTES))
  if (options.validatorKey === true)
    writeKeyFile(join(root, VALIDATOR_KEY_FILE), 'validator', randomBytes(SEED_BYTES))
  makeOperatorToken(root, Date.now())
  writeFileSync(join(root, DEFAULT_SETTINGS.genesis), serialiseGenesis(genesis), { flag: 'wx' })
  // Last: a directory with a configuration is complete.
  writeFileSync(configFile, serialiseSettings({ ...DEFAULT_SETTINGS, validatorKey }), { flag: 'wx' })
  return describe(
    root,
    genesis,
    validatorKey === null ? null : readKeyFile(resolve(root, validatorKey), 'validator').publicKey,
  )
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

function describe(dir: string, genesis: Genesis, validatorKey: Uint8Array | null): CommandResult {
  const member =
    validatorKey === null
      ? null
      : (genesis.validators.find(({ publicKey }) => equalBytes(publicKey, validatorKey)) ?? null)
  if (validatorKey !== null && member === null) {
    note(
      'this validator key is not in the genesis file: the node will not start as a validator until a genesis names it',
    )
  }
  const data = {
    dir,
    network: genesis.network,
    genesisHash: toHex(genesisHash(genesis)),
    validatorKey: validatorKey === null ? null : toHex(validatorKey),
    validator: member?.name ?? null,
  }
  const role =
    validatorKey === null
      ? 'full node'
      : `validator ${member?.name ?? 'that genesis does not name'}, public key ${toHex(validatorKey)}`
  const text = facts([
    ['directory', dir],
    ['chain', `${genesis.network} ${data.genesisHash}`],
    ['role', role],
    ['next', `edit ${join(dir, NODE_CONFIG_FILE)}, then: cordon start --dir ${dir}`],
  ])
  return { data, text }
}
