/** `cordon init`: what flags and answers say becomes the directory of a node, or an error and no directory. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { NODE_CONFIG_FILE } from '../../config/node-config.ts'
import { DEFAULT_SETTINGS, type NodeSettings } from '../../config/node-settings.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { TERMINAL, type Terminal } from '../input.ts'
import type { JsonOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { describeNode } from './description.ts'
import { makeNodeDirectory, type ValidatorKey } from './node-directory.ts'
import { multiaddrOf, PEER_ADDRESS_EXPECTED } from './peer-address.ts'
import { DEFAULT_PORTS, requireDifferent, type NodePorts } from './ports.ts'
import { askMissing } from './questions.ts'

export interface InitOptions extends JsonOptions, Partial<NodePorts> {
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
  return describeNode(root, makeNodeDirectory(root, { settings, genesis, validatorKey }), genesis)
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
  requireDifferent(ports)
  return ports
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
