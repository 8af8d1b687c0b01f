/** What a devnet tells when it is usable, and how it is doing later. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type RpcClient } from '../client/rpc-client.ts'
import { CordonError } from '../config/errors.ts'
import { OPERATOR_URL_FILE } from '../config/node-config.ts'
import { OPERATOR_TOKEN_FILE, readSecretFile } from '../config/tokens.ts'
import { toHex } from '../crypto/bytes.ts'
import { namedAccounts } from './accounts.ts'
import { ask } from './http.ts'
import { deriveKey, devnetMnemonic } from './keys.ts'
import {
  devnetPaths,
  nodePaths,
  readDevnetFile,
  validatorUrls,
  type DevnetFile,
  type DevnetNode,
} from './layout.ts'
import { chainFacts, signPayment } from './payments.ts'
import { isSameProcess } from './processes.ts'

const STATUS_TIMEOUT_MS = 1_000
const FIRST_PAYMENT_MS = 2_000

interface ReadyNode {
  readonly name: string
  readonly pid: number
  readonly rpc: string
  /** Absolute. */
  readonly dir: string
  /** Opens its dashboard for operators, signed in; null: it has not said where that is. */
  readonly review: string | null
}

export interface ReadyEvent {
  readonly event: 'ready'
  /** `stake` in uCRD, a decimal string. */
  readonly validators: readonly (ReadyNode & { readonly stake: string })[]
  readonly fullNodes: readonly ReadyNode[]
  /** Of the keystore. `balance` in uCRD, a decimal string. */
  readonly accounts: readonly { readonly name: string; readonly address: string; readonly balance: string }[]
  /** From which the accounts follow, as accounts 0, 1, … of a wallet: play money only. */
  readonly mnemonic: string
  /** URL of the dashboard of the first node. */
  readonly dashboard: string
  readonly dir: string
  readonly height: number
}

/**
 * Describes a running devnet, once a payment has settled on it; balances are those of then. Asks one validator, so it also
 * proves that RPC answers.
 */
export async function describeReady(dir: string): Promise<ReadyEvent> {
  const file = readDevnetFile(dir)
  const client = await connect(validatorUrls(file))
  try {
    await settleOnePayment(client, file)
    const [status, accounts] = await Promise.all([
      client.call('chain_status', {}),
      Promise.all(
        namedAccounts(file.seed).map(async ({ name, address }) => {
          return { name, address, balance: (await client.call('account_get', { address })).balance }
        }),
      ),
    ])
    const nodes = (validator: boolean): (ReadyNode & { stake: string })[] =>
      file.nodes
        .filter((node) => node.validator === validator)
        .map((node) => ({
          name: node.name,
          pid: node.pid ?? 0,
          rpc: node.rpc,
          dir: nodePaths(dir, node).dir,
          review: reviewLink(dir, node),
          stake: node.stake,
        }))
    return {
      event: 'ready',
      validators: nodes(true),
      fullNodes: nodes(false).map(({ stake: _none, ...node }) => node),
      accounts,
      mnemonic: devnetMnemonic(file.seed),
      dashboard: new URL('/dashboard/', file.nodes[0]?.rpc).href,
      dir: devnetPaths(dir).dir,
      height: status.height,
    }
  } finally {
    client.close()
  }
}

/**
 * One citizen pays another the smallest amount there is. A network is ready when this has settled, and the first payment
 * of a user does not meet code of eight parties that never ran. One that does not settle in time is for others to explain:
 * the nodes say themselves that they are ready.
 */
async function settleOnePayment(client: RpcClient, { seed, aheadMs }: DevnetFile): Promise<void> {
  try {
    const facts = chainFacts(await client.call('chain_info', {}))
    const { txId, bytes } = signPayment(facts, {
      from: deriveKey(seed, 'citizen', 0),
      to: deriveKey(seed, 'citizen', 1).publicKey,
      amountUnits: 1n,
      memo: 'ready',
      validUntilMs: Date.now() + aheadMs + facts.validityMs,
    })
    await client.call('tx_submit', { tx: toHex(bytes) })
    await client.call('tx_wait', { txId: toHex(txId), timeoutMs: FIRST_PAYMENT_MS })
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
  }
}

interface NodeStatus {
  readonly name: string
  readonly validator: boolean
  /** Null: it does not run. */
  readonly pid: number | null
  readonly ready: boolean
  readonly rpc: string
  readonly dir: string
  readonly stake: string
  /** Null: it does not answer. */
  readonly height: number | null
  readonly peers: number | null
  /** Opens its dashboard for operators, signed in; null: it does not run. */
  readonly review: string | null
}

/**
 * A link with the token of the node's own operator behind `#`, which a browser sends nowhere and the page takes out of the
 * address at once. Only for devnets, whose tokens are worth nothing.
 */
function reviewLink(dir: string, node: Pick<DevnetNode, 'dir'>): string | null {
  const paths = nodePaths(dir, node)
  try {
    const url = readFileSync(join(paths.data, OPERATOR_URL_FILE), 'utf8').trim()
    const secret = readSecretFile(join(paths.dir, OPERATOR_TOKEN_FILE))
    return `${new URL('/dashboard/', url).href}#token=${secret}`
  } catch {
    return null
  }
}

export interface DevnetStatus {
  readonly dir: string
  /** Whether its supervisor runs. */
  readonly running: boolean
  readonly supervisor: number | null
  readonly startedMs: number | null
  readonly genesisHash: string
  readonly nodes: readonly NodeStatus[]
}

/** Looks at a devnet from outside: processes by their pids, nodes by their ports. */
export async function devnetStatus(dir: string): Promise<DevnetStatus> {
  const file = readDevnetFile(dir)
  const { supervisor } = file
  const running = supervisor !== null && isSameProcess(supervisor.pid, supervisor.identity)
  return {
    dir: devnetPaths(dir).dir,
    running,
    supervisor: running ? supervisor.pid : null,
    startedMs: running ? supervisor.startedMs : null,
    genesisHash: file.genesisHash,
    nodes: await Promise.all(file.nodes.map((node) => nodeStatus(dir, file, node))),
  }
}

async function nodeStatus(dir: string, file: DevnetFile, node: DevnetNode): Promise<NodeStatus> {
  const { name, validator, rpc, stake } = node
  const facts = { name, validator, rpc, dir: nodePaths(dir, node).dir, stake }
  const alive = node.pid !== null && isSameProcess(node.pid, file.identities[name] ?? '')
  if (!alive) return { ...facts, pid: null, ready: false, height: null, peers: null, review: null }
  const [ready, chain] = await Promise.all([ask(`${rpc}/readyz`), chainStatus(rpc)])
  return { ...facts, pid: node.pid, ready: ready.status === 200, ...chain, review: reviewLink(dir, node) }
}

async function chainStatus(rpc: string): Promise<{ height: number | null; peers: number | null }> {
  try {
    const client = await connect([rpc], { timeoutMs: STATUS_TIMEOUT_MS })
    try {
      const { height, peers } = await client.call(
        'chain_status',
        {},
        { timeoutMs: STATUS_TIMEOUT_MS, retry: false },
      )
      return { height, peers }
    } finally {
      client.close()
    }
  } catch {
    return { height: null, peers: null }
  }
}
