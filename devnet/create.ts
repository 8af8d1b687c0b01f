/** Makes the directory of a new devnet: chain, keys and one folder per node. Nothing in it runs yet. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { genesisHash, type Genesis } from '../config/genesis.ts'
import { writeGenesisFile } from '../config/genesis-file.ts'
import { LIMITS } from '../config/limits.ts'
import { ADDRESS_PREFIX } from '../config/networks.ts'
import { serialiseSettings } from '../config/node-config.ts'
import { DEFAULT_SETTINGS } from '../config/node-settings.ts'
import { makeParameters } from '../config/parameters.ts'
import { makeOperatorToken } from '../config/tokens.ts'
import { toHex } from '../crypto/bytes.ts'
import { writeKeyFile } from '../crypto/key-file.ts'
import { KEY_COSTS, createKey } from '../crypto/keystore.ts'
import {
  DEFAULT_LOAD_ACCOUNTS,
  MAX_LOAD_ACCOUNTS,
  STAKE_UNITS,
  genesisAccounts,
  namedAccounts,
} from './accounts.ts'
import { DEFAULT_SEED, deriveKey, keySeed } from './keys.ts'
import {
  DEVNET_FORMAT,
  LOOPBACK,
  devnetPaths,
  nodePaths,
  writeDevnetFile,
  type DevnetFile,
  type DevnetNode,
} from './layout.ts'
import { FEWEST_LOAD_ACCOUNTS } from './load/plan.ts'
import { peerIdOf } from './peer-id.ts'
import { freePorts, portsFrom } from './ports.ts'
import { whileStopped } from './stopped.ts'

const DEFAULT_VALIDATORS = 4
/** More processes than this do no good on one machine. */
const MAX_NODES = 64
const SEED_CHARACTERS = 128

/** What makes a devnet what it is. What is left out takes its default in a new one, and anything in an existing one. */
export interface DevnetShape {
  readonly validators?: number
  readonly fullNodes?: number
  /** First port; else free ones are taken. */
  readonly basePort?: number
  readonly seed?: string
  /** Genesis parameters, unchecked. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly loadAccounts?: number
}

/** Told when the folders of the nodes are there, in `draft` until the devnet is made and in `dir` after that. */
type OnFolders = (dir: string, draft: string, nodes: readonly DevnetNode[]) => void

/** Whether the directory holds a devnet. */
export function devnetExists(dir: string): boolean {
  return existsSync(devnetPaths(dir).file)
}

/**
 * Makes a devnet in a directory that is empty or not there. It appears at once or not at all.
 * @throws CordonError `usage`, `parameter-invalid`, `port-in-use`.
 */
export async function createDevnet(
  dir: string,
  shape: DevnetShape,
  onFolders: OnFolders = () => undefined,
): Promise<void> {
  const target = devnetPaths(dir).dir
  const checked = checkShape(shape)
  checkEmpty(target)
  const ports = await choosePorts(shape.basePort, 2 * (checked.validators + checked.fullNodes))
  mkdirSync(dirname(target), { recursive: true })
  const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.draft`)
  try {
    await fill(draft, checked, ports, (nodes) => {
      onFolders(target, draft, nodes)
    })
    renameSync(draft, target)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOTEMPTY' || code === 'EEXIST')
      throw new CordonError('devnet-running', `another process has just made a devnet in ${target}`, { dir })
    throw error
  }
}

/**
 * Refuses options that contradict how the devnet was made.
 * @throws CordonError `devnet-differs` naming option, wanted and actual value.
 */
export function checkSameShape(dir: string, file: DevnetFile, shape: DevnetShape): void {
  const count = (validator: boolean): number =>
    file.nodes.filter((node) => node.validator === validator).length
  const wanted = shape.parameters === undefined ? undefined : makeParameters('devnet', shape.parameters)
  const made = makeParameters('devnet', file.parameters)
  const rows: [option: string, wanted: unknown, actual: unknown][] = [
    ['--validators', shape.validators, count(true)],
    ['--full-nodes', shape.fullNodes, count(false)],
    ['--base-port', shape.basePort, Number(new URL(file.nodes[0]?.rpc ?? 'http://localhost:0').port)],
    ['--seed', shape.seed, file.seed],
    ['--load-accounts', shape.loadAccounts, file.loadAccounts],
    ...(Object.keys(shape.parameters ?? {}) as (keyof typeof made)[]).map(
      (name): [string, unknown, unknown] => [`--param ${name}`, wanted?.[name], made[name]],
    ),
  ]
  const different = rows.find(([, want, actual]) => want !== undefined && want !== actual)
  if (different === undefined) return
  const [option, want, actual] = different
  throw new CordonError(
    'devnet-differs',
    `the devnet in ${dir} was made with ${option} ${String(actual)}, not ${String(want)}; leave the option out to go on with it, or use another --dir`,
    { option, wanted: want, actual },
  )
}

interface ResetResult {
  /** Hex. */
  readonly oldGenesisHash: string
  readonly genesisHash: string
  /** Where signing state, review logs and learned models of the old chain are kept. */
  readonly kept: string
}

/**
 * Ends the chain of a stopped devnet and makes a new one with the same nodes, keys, ports and accounts. Chain data is
 * removed; signing state, review log and learned models of the old chain are moved aside and never deleted.
 * @throws CordonError `devnet-missing`, `devnet-running`.
 */
export function resetDevnet(dir: string): ResetResult {
  return whileStopped(dir, (file) => beginAnew(dir, file))
}

function beginAnew(dir: string, file: DevnetFile): ResetResult {
  const paths = devnetPaths(dir)
  const kept = join(paths.oldChains, `${file.genesisHash.slice(0, 16)}-${Date.now()}`)
  for (const node of file.nodes) {
    const { data, signer, review, models } = nodePaths(paths.dir, node)
    rmSync(data, { recursive: true, force: true })
    for (const [name, folder] of Object.entries({ signer, review, models })) {
      if (!existsSync(folder)) continue
      mkdirSync(join(kept, node.name), { recursive: true })
      renameSync(folder, join(kept, node.name, name))
    }
  }
  rmSync(paths.attacks, { recursive: true, force: true })
  mkdirSync(kept, { recursive: true })
  if (existsSync(paths.genesis)) renameSync(paths.genesis, join(kept, 'genesis.json'))
  const genesis = makeGenesis(file)
  writeGenesisFile(paths.genesis, genesis)
  for (const node of file.nodes) makeSigner(paths.dir, node, file.seed)
  const hash = toHex(genesisHash(genesis))
  const nodes = file.nodes.map((node) => ({ ...node, pid: null }))
  const fresh = {
    createdMs: genesis.createdMs,
    genesisHash: hash,
    nodes,
    supervisor: null,
    aheadMs: 0,
    identities: {},
  }
  writeDevnetFile(dir, { ...file, ...fresh })
  return { oldGenesisHash: file.genesisHash, genesisHash: hash, kept }
}

interface CheckedShape {
  readonly validators: number
  readonly fullNodes: number
  readonly seed: string
  readonly parameters: Readonly<Record<string, number | string>>
  readonly loadAccounts: number
}

function checkShape(shape: DevnetShape): CheckedShape {
  const {
    validators = DEFAULT_VALIDATORS,
    fullNodes = 0,
    seed = DEFAULT_SEED,
    loadAccounts = DEFAULT_LOAD_ACCOUNTS,
  } = shape
  checkCount('--validators', validators, 1, MAX_NODES)
  checkCount('--full-nodes', fullNodes, 0, MAX_NODES - validators)
  if (loadAccounts !== 0) checkCount('--load-accounts', loadAccounts, FEWEST_LOAD_ACCOUNTS, MAX_LOAD_ACCOUNTS)
  if (seed.length < 1 || seed.length > SEED_CHARACTERS)
    throw new CordonError('usage', `--seed must have 1 to ${SEED_CHARACTERS} characters, got ${seed.length}`)
  const checked = makeParameters('devnet', shape.parameters)
  const parameters = Object.fromEntries(
    (Object.keys(shape.parameters ?? {}) as (keyof typeof checked)[]).map((name) => [name, checked[name]]),
  )
  return { validators, fullNodes, seed, parameters, loadAccounts }
}

function checkCount(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new CordonError('usage', `${option} must be a whole number from ${min} to ${max}, got ${value}`, {
    option,
    value,
  })
}

/** A directory with other things in it is not ours to fill. */
function checkEmpty(dir: string): void {
  let entries: string[]
  try {
    entries = readdirSync(dir)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return
    throw new CordonError(
      'usage',
      `${dir} cannot be used for a devnet (${code ?? 'unknown'}); give another --dir`,
      { dir },
    )
  }
  if (entries.length > 0)
    throw new CordonError('usage', `${dir} is not empty and holds no devnet; give another --dir`, { dir })
  rmdirSync(dir)
}

function choosePorts(basePort: number | undefined, count: number): Promise<number[]> {
  return basePort === undefined ? freePorts(count) : portsFrom(basePort, count)
}

async function fill(
  dir: string,
  shape: CheckedShape,
  ports: readonly number[],
  onFolders: (nodes: readonly DevnetNode[]) => void,
): Promise<void> {
  mkdirSync(dir, { mode: 0o700 })
  const nodes = makeNodes(shape, ports)
  const file: DevnetFile = {
    format: DEVNET_FORMAT,
    seed: shape.seed,
    createdMs: 0,
    genesisHash: '',
    parameters: shape.parameters,
    loadAccounts: shape.loadAccounts,
    nodes,
    supervisor: null,
    aheadMs: 0,
    identities: {},
  }
  const bootstrap = nodes.map((node) => node.p2p)
  for (const node of nodes) makeNodeFolder(dir, node, shape.seed, bootstrap)
  onFolders(nodes)
  const genesis = makeGenesis(file)
  writeGenesisFile(join(dir, 'genesis.json'), genesis)
  await makeKeystore(dir, shape.seed, nodes)
  writeDevnetFile(dir, { ...file, createdMs: genesis.createdMs, genesisHash: toHex(genesisHash(genesis)) })
}

/** Ports: JSON-RPC of all nodes first, then libp2p of all nodes. */
function makeNodes(shape: CheckedShape, ports: readonly number[]): DevnetNode[] {
  const names = [
    ...Array.from({ length: shape.validators }, (_, index) => `v${index + 1}`),
    ...Array.from({ length: shape.fullNodes }, (_, index) => `f${index + 1}`),
  ]
  return names.map((name, index) => {
    const validator = index < shape.validators
    const peerId = peerIdOf(deriveKey(shape.seed, 'peer', name).publicKey)
    return {
      name,
      validator,
      rpc: `http://${LOOPBACK}:${ports[index] ?? 0}`,
      p2p: `/ip4/${LOOPBACK}/tcp/${ports[names.length + index] ?? 0}/p2p/${peerId}`,
      dir: name,
      stake: String(validator ? STAKE_UNITS : 0n),
      pid: null,
    }
  })
}

function makeGenesis({
  seed,
  nodes,
  parameters,
  loadAccounts,
}: Pick<DevnetFile, 'seed' | 'nodes' | 'parameters' | 'loadAccounts'>): Genesis {
  const names = nodes.filter((node) => node.validator).map((node) => node.name)
  const accounts = genesisAccounts(seed, names, loadAccounts)
  if (accounts.length > LIMITS.genesisAccounts) {
    throw new CordonError(
      'usage',
      `a genesis has at most ${LIMITS.genesisAccounts} accounts, this one would have ${accounts.length}; lower --load-accounts`,
    )
  }
  return {
    network: 'devnet',
    createdMs: Date.now(),
    nonce: randomBytes(16),
    parameters: makeParameters('devnet', parameters),
    validators: names.map((name) => ({
      name,
      publicKey: deriveKey(seed, 'validator', name).publicKey,
      operator: deriveKey(seed, 'operator', name).publicKey,
      stake: STAKE_UNITS,
    })),
    accounts,
  }
}

function makeNodeFolder(dir: string, node: DevnetNode, seed: string, bootstrap: readonly string[]): void {
  const paths = nodePaths(dir, node)
  for (const folder of [dirname(paths.config), paths.data])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  makeSigner(dir, node, seed)
  writeKeyFile(join(dirname(paths.config), 'peer-key.json'), 'peer', keySeed(seed, 'peer', node.name))
  makeOperatorToken(paths.dir, Date.now())
  const { keystore, password } = devnetPaths(dir)
  const settings = serialiseSettings({
    ...DEFAULT_SETTINGS,
    genesis: relative(paths.dir, join(dir, 'genesis.json')),
    validatorKey: node.validator ? 'signer/validator-key.json' : null,
    listen: [node.p2p.replace(/\/p2p\/.*$/, '')],
    bootstrap: bootstrap.filter((address) => address !== node.p2p),
    rpcHost: LOOPBACK,
    rpcPort: Number(new URL(node.rpc).port),
    operatorPort: 0,
    reviewKeyFile: node.validator ? relative(paths.dir, join(keystore, `${node.name}.json`)) : null,
    reviewPasswordFile: node.validator ? relative(paths.dir, password) : null,
  })
  writeFileSync(paths.config, settings, { mode: 0o600 })
}

function makeSigner(dir: string, node: DevnetNode, seed: string): void {
  const { signer } = nodePaths(dir, node)
  mkdirSync(signer, { recursive: true, mode: 0o700 })
  if (node.validator)
    writeKeyFile(join(signer, 'validator-key.json'), 'validator', keySeed(seed, 'validator', node.name))
}

async function makeKeystore(dir: string, seed: string, nodes: readonly DevnetNode[]): Promise<void> {
  const { keystore, password } = devnetPaths(dir)
  mkdirSync(keystore, { mode: 0o700 })
  const secret = randomBytes(16).toString('hex')
  writeFileSync(password, `${secret}\n`, { mode: 0o600 })
  chmodSync(password, 0o600)
  const keys = [
    ...namedAccounts(seed).map(({ name, seed: own }) => ({ name, seed: own })),
    ...nodes
      .filter((node) => node.validator)
      .map(({ name }) => ({ name, seed: keySeed(seed, 'operator', name) })),
  ]
  const shared = { password: secret, prefix: ADDRESS_PREFIX.devnet, cost: KEY_COSTS.light }
  await Promise.all(keys.map((key) => createKey(keystore, { ...key, ...shared })))
}
