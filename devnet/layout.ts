/**
 * What lies where in a devnet directory, and the one file that describes it.
 *
 *   genesis.json            the chain
 *   devnet.json             format, seed, nodes with ports and pids, the running supervisor; mode 0600
 *   supervisor.lock         who runs this devnet; held while it runs
 *   keystore/               alice, bob, …, the operators v1…vN, and `password`
 *   attacks/                one empty file per attack played: each takes the next victim
 *   v1/ … f1/ …             one folder per node: config/cordon.toml, data/, signer/, review/, models/, node.log
 *   snapshots/              what `devnet snapshot` kept
 *   old-chains/             signing state, review logs and models of chains that `devnet reset` ended
 *
 * Paths in `devnet.json` are relative to the directory, so that it can be moved as a whole.
 */
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'

export const DEFAULT_DEVNET_DIR = '.cordon/devnet'
export const DEVNET_FORMAT = 'cordon-devnet/1'
export const LOOPBACK = '127.0.0.1'

/** One node, as stored. */
export interface DevnetNode {
  readonly name: string
  readonly validator: boolean
  /** `http://` URL: JSON-RPC, WebSocket, health and metrics share it. */
  readonly rpc: string
  /** Multiaddr with the peer id. */
  readonly p2p: string
  /** Relative to the devnet directory. */
  readonly dir: string
  /** In uCRD, a decimal string; "0" for a full node. */
  readonly stake: string
  /** The node process, or null while it does not run. */
  readonly pid: number | null
}

/** The process that owns the nodes. */
export interface SupervisorRecord {
  readonly pid: number
  /** Tells this process from a later one with the same pid. */
  readonly identity: string
  /** Control channel: loopback port and the secret it asks for. */
  readonly port: number
  readonly token: string
  readonly startedMs: number
}

export interface DevnetFile {
  readonly format: typeof DEVNET_FORMAT
  readonly seed: string
  readonly createdMs: number
  /** Hex, 32 bytes. */
  readonly genesisHash: string
  /** What `--param` set. */
  readonly parameters: Readonly<Record<string, number | string>>
  readonly loadAccounts: number
  readonly nodes: readonly DevnetNode[]
  readonly supervisor: SupervisorRecord | null
  /** How far the clocks of the nodes are ahead of this machine's: `devnet warp`. */
  readonly aheadMs: number
  /** Identities of the node processes, by name: see `processes.ts`. */
  readonly identities: Readonly<Record<string, string>>
}

interface DevnetPaths {
  readonly dir: string
  readonly genesis: string
  readonly file: string
  readonly lock: string
  readonly keystore: string
  readonly password: string
  readonly attacks: string
  readonly oldChains: string
  readonly snapshots: string
  readonly log: string
}

/** Absolute paths of a devnet directory. */
export function devnetPaths(dir: string): DevnetPaths {
  const root = resolve(dir)
  return {
    dir: root,
    genesis: join(root, 'genesis.json'),
    file: join(root, 'devnet.json'),
    lock: join(root, 'supervisor.lock'),
    keystore: join(root, 'keystore'),
    password: join(root, 'keystore', 'password'),
    attacks: join(root, 'attacks'),
    oldChains: join(root, 'old-chains'),
    snapshots: join(root, 'snapshots'),
    log: join(root, 'supervisor.log'),
  }
}

interface NodePaths {
  readonly dir: string
  readonly config: string
  readonly data: string
  readonly signer: string
  readonly review: string
  readonly models: string
  readonly log: string
}

/** Absolute paths of one node's folder. */
export function nodePaths(devnetDir: string, node: Pick<DevnetNode, 'dir'>): NodePaths {
  const dir = resolve(devnetDir, node.dir)
  return {
    dir,
    config: join(dir, 'config', 'cordon.toml'),
    data: join(dir, 'data'),
    signer: join(dir, 'signer'),
    review: join(dir, 'review'),
    models: join(dir, 'models'),
    log: join(dir, 'node.log'),
  }
}

/**
 * Reads `devnet.json`.
 * @throws CordonError `devnet-missing` if there is none, `config-invalid` if it is damaged, `format-version` if it is
 * of another version.
 */
export function readDevnetFile(dir: string): DevnetFile {
  const { file } = devnetPaths(dir)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CordonError(
        'devnet-missing',
        `there is no devnet in ${resolve(dir)}; start one with: cordon devnet --dir ${dir}`,
        { dir },
      )
    }
    throw new CordonError('config-invalid', `${file} cannot be read (${code ?? 'unknown'})`, { path: file })
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new CordonError(
      'config-invalid',
      `${file} is not JSON; remove the directory and start a new devnet`,
      { path: file },
    )
  }
  const made = (typeof content === 'object' && content !== null ? content : {}) as Record<string, unknown>
  const fields: Record<string, unknown> = { aheadMs: 0, ...made } // devnets made before there was `warp` have none
  if (fields.format !== DEVNET_FORMAT) {
    throw new CordonError(
      'format-version',
      `${file}: expected format ${DEVNET_FORMAT}, got ${JSON.stringify(fields.format)}; use the Cordon version that made it, or a new directory`,
      { path: file },
    )
  }
  if (!isDevnetFile(fields)) {
    throw new CordonError(
      'config-invalid',
      `${file} lacks fields of ${DEVNET_FORMAT}; remove the directory and start a new devnet`,
      { path: file },
    )
  }
  return fields
}

/** What the clocks of a devnet's nodes say. @throws CordonError as `readDevnetFile`. */
export function devnetTimeMs(dir: string): number {
  return Date.now() + readDevnetFile(dir).aheadMs
}

/** Replaces `devnet.json` in one step, so that a reader never sees half of it. */
export function writeDevnetFile(dir: string, content: DevnetFile): void {
  const { file } = devnetPaths(dir)
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  chmodSync(temporary, 0o600)
  renameSync(temporary, file)
}

/** The validators' RPC URLs, in order: what a client with `--dir` tries in turn. */
export function validatorUrls(content: DevnetFile): readonly string[] {
  return content.nodes.filter((node) => node.validator).map((node) => node.rpc)
}

function isDevnetFile(fields: Record<string, unknown>): fields is Record<string, unknown> & DevnetFile {
  const { seed, createdMs, genesisHash, parameters, loadAccounts, nodes, supervisor, identities, aheadMs } =
    fields
  return (
    typeof seed === 'string' &&
    typeof createdMs === 'number' &&
    typeof genesisHash === 'string' &&
    isRecord(parameters) &&
    typeof loadAccounts === 'number' &&
    typeof aheadMs === 'number' &&
    Array.isArray(nodes) &&
    nodes.every(isNode) &&
    (supervisor === null || isSupervisor(supervisor)) &&
    isRecord(identities)
  )
}

function isNode(value: unknown): value is DevnetNode {
  if (!isRecord(value)) return false
  const { name, validator, rpc, p2p, dir, stake, pid } = value
  return (
    [name, rpc, p2p, dir, stake].every((field) => typeof field === 'string') &&
    typeof validator === 'boolean' &&
    (pid === null || typeof pid === 'number')
  )
}

function isSupervisor(value: unknown): value is SupervisorRecord {
  if (!isRecord(value)) return false
  const { pid, identity, port, token, startedMs } = value
  return (
    [pid, port, startedMs].every((field) => typeof field === 'number') &&
    [identity, token].every((field) => typeof field === 'string')
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
