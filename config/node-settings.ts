/**
 * The settings of a node: where each stands in its configuration file, what it takes, its default and what it is for. The
 * file, the variables, `docs/configuration.md` and `cordon config` are all made of this table.
 */
import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { parseAmount } from './amount.ts'

/** Where `cordon init` puts a new validator key, in the node's directory. */
export const VALIDATOR_KEY_FILE = 'signer/validator-key.json'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Parts of a node that log. */
export const LOG_MODULES = ['node', 'consensus', 'p2p', 'rpc', 'fraud', 'review', 'signer'] as const
export type LogModule = (typeof LOG_MODULES)[number]

/** What the file says; paths as written, relative ones count from the node's directory. */
export interface NodeSettings {
  readonly genesis: string
  readonly data: string
  readonly signer: string
  /** Seed of the peer identity. */
  readonly peerKey: string
  /** Null: a full node. */
  readonly validatorKey: string | null
  readonly logLevel: LogLevel
  /** `MODULE=LEVEL`, for modules that differ. */
  readonly logModules: readonly string[]
  /** Multiaddrs to listen on. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead, if any. */
  readonly announce: readonly string[]
  readonly bootstrap: readonly string[]
  readonly mdns: boolean
  readonly rpcHost: string
  /** 0: any free port. */
  readonly rpcPort: number
  readonly operatorHost: string
  /** 0: any free port. */
  readonly operatorPort: number
  /** `pretrained`, `label-free`, or the path of a model. */
  readonly fraudModel: string
  /** Whether it learns from the outcomes of holds. */
  readonly fraudLearn: boolean
  /** Score from which this validator flags a transfer, 1–255. */
  readonly fraudHoldScore: number
  /** Score from which a case is opened, at most `fraudHoldScore`. */
  readonly fraudAlertScore: number
  /** Amount with its unit. */
  readonly secondReviewerAbove: string
  /** Key of an operator account, to vote on holds with. Null: this node votes on none. */
  readonly reviewKeyFile: string | null
  /** Its password. */
  readonly reviewPasswordFile: string | null
}

export const DEFAULT_SETTINGS: NodeSettings = {
  genesis: 'config/genesis.json',
  data: 'data',
  signer: 'signer',
  peerKey: 'config/peer-key.json',
  validatorKey: null,
  logLevel: 'info',
  logModules: [],
  listen: ['/ip4/0.0.0.0/tcp/7311'],
  announce: [],
  bootstrap: [],
  mdns: false,
  rpcHost: '127.0.0.1',
  rpcPort: 7310,
  operatorHost: '127.0.0.1',
  operatorPort: 7312,
  fraudModel: 'pretrained',
  fraudLearn: true,
  fraudHoldScore: 128,
  fraudAlertScore: 96,
  secondReviewerAbove: '10000CRD',
  reviewKeyFile: null,
  reviewPasswordFile: null,
}

/** Models that are no files. */
const MODEL_NAMES: readonly string[] = ['pretrained', 'label-free']

/** Whether a `fraudModel` is the path of one. */
export function isModelFile(fraudModel: string): boolean {
  return !MODEL_NAMES.includes(fraudModel)
}

/** Of the entries of `logModules`; the last one of a module counts. */
export function moduleLevels(entries: readonly string[]): ReadonlyMap<LogModule, LogLevel> {
  return new Map(entries.map((entry) => entry.split('=') as [LogModule, LogLevel]))
}

function isModuleLevel(entry: unknown): entry is string {
  if (typeof entry !== 'string') return false
  const [module, level, ...rest] = entry.split('=')
  return (
    rest.length === 0 &&
    LOG_MODULES.some((known) => known === module) &&
    LOG_LEVELS.some((known) => known === level)
  )
}

interface SettingRow<Value> {
  /** Shown in a new file where the default is that there is none. */
  readonly example?: string
  /** Table and key in the file. */
  readonly key: readonly [table: string | null, key: string]
  readonly expected: string
  readonly about: string
  /** The value, or null if it is not one. Given a text from the environment, or whatever the file has. */
  readonly parse: (value: unknown) => Value | null
  /** Environment texts to file values. */
  readonly fromText: (text: string) => unknown
}

const asIs = (text: string): unknown => text
const asList = (text: string): unknown =>
  text.trim() === '' ? [] : text.split(',').map((part) => part.trim())
const asNumber = (text: string): unknown => (/^\d{1,5}$/.test(text) ? Number(text) : text)
const asBoolean = (text: string): unknown =>
  ({ true: true, '1': true, false: false, '0': false })[text.toLowerCase()] ?? text

const path = (key: string, about: string, table: string | null = null): SettingRow<string> => ({
  key: [table, key],
  expected: 'a path',
  about,
  parse: (value) => (typeof value === 'string' && value !== '' && !value.includes('\0') ? value : null),
  fromText: asIs,
})

const addresses = (key: string, about: string): SettingRow<readonly string[]> => ({
  key: ['p2p', key],
  expected: 'a list of multiaddrs such as "/ip4/127.0.0.1/tcp/7311"',
  about,
  parse: (value) => (Array.isArray(value) && value.every(isMultiaddr) ? value : null),
  fromText: asList,
})

const host = (table: string, about: string): SettingRow<string> => ({
  key: [table, 'host'],
  expected: 'an IP address or "localhost"',
  about,
  parse: (value) =>
    typeof value === 'string' && (value === 'localhost' || isIP(value) !== 0) ? value : null,
  fromText: asIs,
})

const port = (table: string, about: string): SettingRow<number> => ({
  key: [table, 'port'],
  expected: 'a port from 0 to 65535',
  about,
  parse: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : null,
  fromText: asNumber,
})

const score = (key: string, about: string): SettingRow<number> => ({
  key: ['fraud', key],
  expected: 'a score from 1 to 255',
  about,
  parse: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 255 ? value : null,
  fromText: asNumber,
})

/** The settings: where they stand in the file, what they take, and what they are for. */
export const SETTINGS: { readonly [Name in keyof NodeSettings]: SettingRow<NodeSettings[Name]> } = {
  genesis: path(
    'genesis',
    'The genesis file: which chain this is. Relative paths count from the node directory.',
  ),
  data: path('data', 'Chain, state and indexes. Can be rebuilt from peers.'),
  signer: path(
    'signer',
    'Signing state of a validator. Never delete it and never copy it to a second machine.',
  ),
  peerKey: path('peer_key', 'Identity of this node towards its peers.'),
  validatorKey: {
    ...path('validator_key', 'Key of the validator. Leave it out to run a full node.'),
    example: VALIDATOR_KEY_FILE,
  },
  logLevel: {
    key: ['log', 'level'],
    expected: `one of ${LOG_LEVELS.join(', ')}`,
    about: 'What goes into the log.',
    parse: (value) => LOG_LEVELS.find((level) => level === value) ?? null,
    fromText: asIs,
  },
  logModules: {
    key: ['log', 'modules'],
    expected: `a list such as ["p2p=debug"], of ${LOG_MODULES.join(', ')}`,
    about: 'Parts that say more or less than the rest.',
    parse: (value) => (Array.isArray(value) && value.every(isModuleLevel) ? value : null),
    fromText: asList,
  },
  listen: addresses('listen', 'Where peers reach this node.'),
  announce: addresses('announce', 'Told to peers instead of `listen`, for nodes behind address translation.'),
  bootstrap: addresses('bootstrap', 'Peers to connect to and stay connected with.'),
  mdns: {
    key: ['p2p', 'mdns'],
    expected: 'true or false',
    about: 'Find peers in the local network by multicast DNS.',
    parse: (value) => (typeof value === 'boolean' ? value : null),
    fromText: asBoolean,
  },
  rpcHost: host(
    'rpc',
    'Address of JSON-RPC, WebSocket, health and metrics. Other than loopback: everyone who reaches it may read and submit.',
  ),
  rpcPort: port('rpc', '0 takes any free port.'),
  operatorHost: host(
    'operator',
    'Address of the operator methods, which need a token (cordon token create). It speaks plain HTTP: to reach it from elsewhere, put a tunnel or a proxy with TLS in front.',
  ),
  operatorPort: port(
    'operator',
    '0 takes any free port; which one, `data/operator-url` says while the node runs.',
  ),
  fraudModel: {
    key: ['fraud', 'model'],
    expected: '"pretrained", "label-free", or the path of a model',
    about:
      'What judges transfers: the model that comes with Cordon, one that uses no labels, or a file of cordon fraud train.',
    parse: (value) => (typeof value === 'string' && value !== '' && !value.includes('\0') ? value : null),
    fromText: asIs,
  },
  fraudLearn: {
    key: ['fraud', 'learn'],
    expected: 'true or false',
    about: 'Whether the model learns from the outcomes of holds while the node runs.',
    parse: (value) => (typeof value === 'boolean' ? value : null),
    fromText: asBoolean,
  },
  fraudHoldScore: score('hold_score', 'Score from which this validator flags a transfer and opens a case.'),
  fraudAlertScore: score(
    'alert_score',
    'Score from which it opens a case without a flag; at most `hold_score`.',
  ),
  secondReviewerAbove: {
    key: ['review', 'second_reviewer_above'],
    expected: 'an amount with its unit such as "10000CRD"',
    about:
      'A case about more than this closes only when somebody with another token has confirmed its outcome.',
    parse: (value) => (typeof value === 'string' && isAmount(value) ? value : null),
    fromText: asIs,
  },
  reviewKeyFile: {
    ...path(
      'key_file',
      'Key file NAME.json of an operator account (cordon wallet export NAME), with which whoever has a token of scope review votes on holds through this node. Leave it out to vote from elsewhere: cordon quarantine release.',
      'review',
    ),
    example: 'config/operator.json',
  },
  reviewPasswordFile: {
    ...path('password_file', 'Password of `key_file` on its first line; mode 0600.', 'review'),
    example: 'config/operator-password',
  },
}

export type SettingName = keyof NodeSettings
export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS) as SettingName[]

/** A setting as people name it: `rpc.port`, or `data` for one outside of every table. */
export function keyOf(name: SettingName): string {
  const [table, key] = SETTINGS[name].key
  return table === null ? key : `${table}.${key}`
}

/** The variable that overrides a setting: `CORDON_RPC_PORT` for `rpc.port`, `CORDON_NODE_DATA` for `data`. */
export function variableOf(name: SettingName): string {
  const [table, key] = SETTINGS[name].key
  return ['CORDON', table ?? 'node', key].join('_').toUpperCase()
}

function isAmount(text: string): boolean {
  try {
    parseAmount(text)
    return true
  } catch {
    return false
  }
}

function isMultiaddr(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    multiaddr(value)
    return value.startsWith('/') && value !== '/'
  } catch {
    return false
  }
}
