/** Where a client command finds its node, its keys and its chain: flags, variables, the devnet of `--dir`, the home folder. */
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { CordonError } from '../config/errors.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { DEFAULT_DEVNET_DIR, devnetPaths, readDevnetFile, type DevnetFile } from '../devnet/layout.ts'
import type { LocalOptions, NodeOptions } from './options.ts'

/** The devnet a command works on: the one of `--dir`, else the default one if there is one. */
interface ChosenDevnet {
  readonly dir: string
  readonly file: DevnetFile
}

/**
 * @throws CordonError `devnet-missing` if `--dir` names a directory without one; null only where nothing was named.
 */
export function chosenDevnet({ dir }: Pick<NodeOptions, 'dir'>): ChosenDevnet | null {
  try {
    return { dir: dir ?? DEFAULT_DEVNET_DIR, file: readDevnetFile(dir ?? DEFAULT_DEVNET_DIR) }
  } catch (error) {
    if (dir === undefined && error instanceof CordonError && error.code === 'devnet-missing') return null
    throw error
  }
}

/** URLs of the nodes to ask, in turn: `--rpc` or its variable, else the devnet's validators, then its other nodes. */
export function nodeUrls(options: NodeOptions): readonly string[] {
  if (options.rpc !== undefined) {
    const urls = options.rpc.split(',').map((url) => url.trim())
    if (urls.includes(''))
      throw new CordonError(
        'usage',
        `--rpc: expected one URL or several separated by commas, got ${JSON.stringify(options.rpc)}`,
      )
    return urls
  }
  const devnet = chosenDevnet(options)
  if (devnet === null) {
    throw new CordonError(
      'cannot-connect',
      `no node to ask: give --rpc URL or set CORDON_RPC, or start a devnet with: cordon devnet (there is none in ${DEFAULT_DEVNET_DIR})`,
    )
  }
  const { nodes } = devnet.file
  return [...nodes.filter(({ validator }) => validator), ...nodes.filter(({ validator }) => !validator)].map(
    ({ rpc }) => rpc,
  )
}

/** Connects to the first node that answers. Close it when done. */
export async function connectNode(options: NodeOptions): Promise<RpcClient> {
  const urls = nodeUrls(options)
  const { RpcClient } = await import('../client/rpc-client.ts')
  try {
    return await RpcClient.connect(urls)
  } catch (error) {
    if (options.rpc !== undefined || !(error instanceof CordonError) || error.code !== 'cannot-connect')
      throw error
    const dir = options.dir ?? DEFAULT_DEVNET_DIR
    throw new CordonError(
      'cannot-connect',
      `${error.message}. Does the devnet run? See: cordon devnet status --dir ${dir}`,
      error.payload,
      { cause: error },
    )
  }
}

/** Runs `use` with a connection and ends it. */
export async function withNode<Result>(
  options: NodeOptions,
  use: (client: RpcClient) => Promise<Result>,
): Promise<Result> {
  const client = await connectNode(options)
  try {
    return await use(client)
  } finally {
    client.close()
  }
}

export interface KeystorePaths {
  /** Key files; a file `password` in it opens them without asking. */
  readonly keystore: string
  /** Signed payments, kept until their end is known. */
  readonly outbox: string
  /** JSON object from name to address. */
  readonly addressBook: string
}

/** `--keystore` or its variable, else the devnet's, else `~/.cordon/keystore`. */
export function keystorePaths(options: LocalOptions): KeystorePaths {
  const keystore = options.keystore ?? defaultKeystore(options)
  const beside = dirname(keystore)
  return { keystore, outbox: join(beside, 'outbox'), addressBook: join(beside, 'addressbook.json') }
}

function defaultKeystore(options: LocalOptions): string {
  const devnet = chosenDevnet(options)
  return devnet === null ? join(homedir(), '.cordon', 'keystore') : devnetPaths(devnet.dir).keystore
}
