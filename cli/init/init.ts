/** `cordon init`: what flags and answers say becomes the directory of a node, or an error and no directory. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { genesisHash, type Genesis } from '../../config/genesis.ts'
import { NODE_CONFIG_FILE } from '../../config/node-config.ts'
import { DEFAULT_SETTINGS, type NodeSettings } from '../../config/node-settings.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { facts } from '../format.ts'
import { TERMINAL, type Terminal } from '../input.ts'
import type { JsonOptions } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import { makeNodeDirectory, type ValidatorKey } from './node-directory.ts'
import { multiaddrOf, PEER_ADDRESS_EXPECTED } from './peer-address.ts'
import { DEFAULT_PORTS, type PortName } from './ports.ts'
import { askMissing } from './questions.ts'

export interface InitOptions extends JsonOptions, Readonly<Partial<Record<PortName, number>>> {
  readonly dir: string
  /** Not given: there is none yet. */
  readonly genesis?: string
  /** A key file; true: make a new one. Not given: a full node. */
  readonly validatorKey?: string | true
  /** Hosts, hosts with ports, or multiaddrs. */
  readonly announce?: readonly string[]
  readonly bootstrap?: readonly string[]
  /** Ask nothing. */
  readonly yes?: boolean
}

type NodePorts = Readonly<Record<PortName, number>>

/** @param terminal where what flags did not say is asked. */
export async function init(given: InitOptions, terminal: Terminal = TERMINAL): Promise<CommandResult> {
  const root = resolve(given.dir)
  const configFile = join(root, NODE_CONFIG_FILE)
  if (existsSync(configFile))
    throw new CordonError(
      'usage',
      `${root} is the directory of a node already; choose another, or edit ${configFile}`,
      { dir: root },
    )
  const options = await askMissing(given, terminal)
  // All that can be wrong is looked at first: what cannot be used must not leave half a directory behind.
  const genesis = options.genesis === undefined ? null : readGenesisFile(options.genesis)
  const validatorKey = validatorKeyOf(options)
  const settings = settingsOf(options)
  const made = makeNodeDirectory(root, { settings, genesis, validatorKey })
  return describe(root, made.settings, genesis, made.publicKey)
}

function validatorKeyOf({ validatorKey }: InitOptions): ValidatorKey {
  if (validatorKey === undefined || validatorKey === true) return validatorKey === true ? 'new' : null
  const file = resolve(validatorKey)
  readKeyFile(file, 'validator')
  return { file }
}

function settingsOf(options: InitOptions): NodeSettings {
  const ports = portsOf(options)
  const { p2pPort, rpcPort, operatorPort } = ports
  return {
    ...DEFAULT_SETTINGS,
    listen: DEFAULT_SETTINGS.listen.map((address) => address.replace(/\d+$/, String(p2pPort))),
    announce: addressesOf('--announce', options.announce, p2pPort),
    bootstrap: addressesOf('--bootstrap', options.bootstrap, DEFAULT_PORTS.p2pPort),
    rpcPort,
    operatorPort,
  }
}

function portsOf({ p2pPort, rpcPort, operatorPort }: InitOptions): NodePorts {
  const ports = {
    p2pPort: p2pPort ?? DEFAULT_PORTS.p2pPort,
    rpcPort: rpcPort ?? DEFAULT_PORTS.rpcPort,
    operatorPort: operatorPort ?? DEFAULT_PORTS.operatorPort,
  }
  const all = Object.values(ports)
  if (new Set(all).size === all.length) return ports
  throw new CordonError(
    'usage',
    `expected three different ports for --p2p-port, --rpc-port and --operator-port, got ${all.join(', ')}`,
  )
}

function addressesOf(option: string, texts: readonly string[] = [], port: number): readonly string[] {
  return texts.map((text) => {
    const address = multiaddrOf(text, port)
    if (address !== null) return address
    throw new CordonError(
      'usage',
      `${option}: expected ${PEER_ADDRESS_EXPECTED}, got ${JSON.stringify(text.slice(0, 80))}`,
    )
  })
}

function describe(
  dir: string,
  settings: NodeSettings,
  genesis: Genesis | null,
  publicKey: Uint8Array | null,
): CommandResult {
  const validator =
    genesis?.validators.find((each) => publicKey !== null && equalBytes(each.publicKey, publicKey)) ?? null
  if (publicKey !== null && genesis !== null && validator === null)
    note(
      'this validator key is not in the genesis file: the node will not start as a validator until a genesis names it',
    )
  const data = {
    dir,
    network: genesis?.network ?? null,
    genesisHash: genesis === null ? null : toHex(genesisHash(genesis)),
    validatorKey: publicKey === null ? null : toHex(publicKey),
    validator: validator?.name ?? null,
    announce: settings.announce,
    bootstrap: settings.bootstrap,
  }
  const name = validator?.name ?? (genesis === null ? 'without a genesis yet' : 'that genesis does not name')
  const text = facts([
    ['directory', dir],
    ['chain', genesis === null ? 'none yet' : `${genesis.network} ${data.genesisHash ?? ''}`],
    ['role', data.validatorKey === null ? 'full node' : `validator ${name}`],
    ...(data.validatorKey === null ? [] : [['public key', data.validatorKey]]),
    ['reached at', (settings.announce.length > 0 ? settings.announce : settings.listen).join(', ')],
    ['connects to', settings.bootstrap.join(', ') || 'whoever connects to it'],
    ...nextSteps(dir, genesis, publicKey).map((step, index) => [index === 0 ? 'next' : '', step]),
  ])
  return { data, text }
}

function nextSteps(dir: string, genesis: Genesis | null, publicKey: Uint8Array | null): string[] {
  const start = `cordon start --dir ${dir}`
  if (genesis !== null) return [`look at ${join(dir, NODE_CONFIG_FILE)}, then: ${start}`]
  const file = join(dir, DEFAULT_SETTINGS.genesis)
  const line =
    publicKey === null
      ? []
      : [
          `cordon genesis validator NAME --dir ${dir} --account ACCOUNT --stake AMOUNT   prints what a genesis needs of it`,
        ]
  return [
    ...line,
    'cordon genesis create …   makes the genesis file, once for all nodes of the network',
    `put that file to ${file}, then: ${start}`,
  ]
}
