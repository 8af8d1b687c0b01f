/** A devnet that this process owns: for tests and programs, and for `cordon devnet` itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type RpcClient } from '../client/rpc-client.ts'
import { Wallet } from '../client/wallet.ts'
import { parseAmount } from '../config/amount.ts'
import { CordonError } from '../config/errors.ts'
import { namedAccounts, type NamedAccount } from './accounts.ts'
import type { AttackPattern } from './attacks/attack.ts'
import type { AttackResult } from './attacks/play.ts'
import { connectValidators } from './clients.ts'
import { checkSameShape, createDevnet, devnetExists, type DevnetShape } from './create.ts'
import { EarlyNodes } from './early-nodes.ts'
import type { FaucetPayment } from './faucet.ts'
import { readDevnetFile, validatorUrls } from './layout.ts'
import type { Conditions } from './links/conditions.ts'
import { describeReady, type ReadyEvent } from './ready.ts'
import type { SnapshotInfo } from './snapshots.ts'
import {
  Supervisor,
  type KillResult,
  type PauseResult,
  type RestartResult,
  type SupervisorEvent,
} from './supervisor.ts'
import { warpChain, type Warped } from './time-travel.ts'

export interface DevnetOptions extends DevnetShape {
  /** Where it lives on; without one it is made in a temporary directory that goes away with it. */
  readonly dir?: string
  /** Nodes reach each other through links, for `network`. */
  readonly links?: boolean
  /** Told of nodes that start or end. */
  readonly onEvent?: (event: SupervisorEvent) => void
  /** Ends the start. */
  readonly signal?: AbortSignal
}

export class Devnet implements AsyncDisposable {
  /** Absolute. */
  readonly dir: string
  /** Nodes, accounts and addresses, as `cordon devnet --json` prints them. */
  readonly ready: ReadyEvent
  readonly supervisor: Supervisor
  readonly #clients: RpcClient[] = []
  readonly #isTemporary: boolean

  private constructor(ready: ReadyEvent, supervisor: Supervisor, isTemporary: boolean) {
    this.dir = ready.dir
    this.ready = ready
    this.supervisor = supervisor
    this.#isTemporary = isTemporary
  }

  /**
   * Makes a devnet, or goes on with the one in `dir`, and resolves once a payment has settled on it.
   * @throws CordonError `usage`, `parameter-invalid`, `port-in-use`, `devnet-differs`, `devnet-running`,
   * `devnet-failed` with the last words of the node that ended.
   */
  static async start(options: DevnetOptions = {}): Promise<Devnet> {
    const { dir, links = false, onEvent = () => undefined, signal, ...shape } = options
    const place = dir ?? mkdtempSync(join(tmpdir(), 'cordon-devnet-'))
    const withoutLoad = dir === undefined ? { loadAccounts: 0, ...shape } : shape
    // With links the nodes are told whom to dial when they are started, so they cannot be started before.
    const early = links ? null : new EarlyNodes()
    let supervisor: Supervisor | null = null
    try {
      if (devnetExists(place)) checkSameShape(place, readDevnetFile(place), shape)
      else await createDevnet(place, withoutLoad, (...folders) => early?.start(...folders))
      const opened = await Supervisor.open({
        dir: place,
        onEvent,
        withLinks: links,
        ...(early !== null && { early }),
      })
      supervisor = opened
      signal?.addEventListener('abort', () => void opened.stop(), { once: true })
      if (signal?.aborted === true) await opened.stop()
      await opened.start()
      return new Devnet(await describeReady(place), opened, dir === undefined)
    } catch (error) {
      await supervisor?.stop()
      if (dir === undefined) rmSync(place, { recursive: true, force: true })
      throw error
    } finally {
      await early?.stop()
    }
  }

  /** Of the validators. */
  get urls(): readonly string[] {
    return validatorUrls(this.supervisor.file)
  }

  /** alice, bob, … with their keys. @throws CordonError `key-unknown`. */
  account(name: string): NamedAccount {
    const accounts = namedAccounts(this.supervisor.file.seed)
    const account = accounts.find((each) => each.name === name)
    if (account !== undefined) return account
    const known = accounts.map((each) => each.name)
    throw new CordonError(
      'key-unknown',
      `this devnet has no account ${JSON.stringify(name)}; it has ${known.join(', ')}`,
      { name, known },
    )
  }

  /** A client of all validators, which is closed with the devnet. */
  async connect(): Promise<RpcClient> {
    const client = await connect(this.urls)
    this.#clients.push(client)
    return client
  }

  /** A wallet of one of the accounts. */
  async wallet(name: string): Promise<Wallet> {
    const { key } = this.account(name)
    return Wallet.open(await this.connect(), key)
  }

  /** SIGKILL. */
  kill(name: string): Promise<KillResult> {
    return this.supervisor.kill(name)
  }

  /** Starts a node that does not run, or stops and starts one that does. */
  restart(name: string): Promise<RestartResult> {
    return this.supervisor.restart(name)
  }

  /** SIGSTOP. */
  pause(name: string): PauseResult {
    return this.supervisor.pause(name)
  }

  /** SIGCONT. */
  resume(name: string): PauseResult {
    return this.supervisor.resume(name)
  }

  /** Partitions, delays and losses. @throws CordonError `usage` without `links`. */
  get network(): Conditions {
    return this.supervisor.network
  }

  /** Pays play money to an address, `1000CRD` or in uCRD. */
  async faucet(to: string, amount: string | bigint): Promise<FaucetPayment> {
    const { payFromFaucet } = await import('./faucet.ts')
    const units = typeof amount === 'bigint' ? amount : parseAmount(amount)
    return this.#with((client) => payFromFaucet(this.dir, client, { to, units }))
  }

  /** Moves the time of all nodes on, and resolves with the first block after it: holds that fell due have ended. */
  warp(byMs: number): Promise<Warped> {
    return this.#with((client) => warpChain(client, async () => this.supervisor.warp(byMs)))
  }

  /** Keeps what all nodes know under a name. */
  snapshot(name: string): Promise<SnapshotInfo> {
    return this.supervisor.snapshot(name)
  }

  /** Goes back to what was kept. Clients find the nodes again by themselves. */
  restore(name: string): Promise<SnapshotInfo> {
    return this.supervisor.restore(name)
  }

  /** Plays a labelled attack and resolves once each of its payments has ended. */
  async attack(pattern: AttackPattern, seed?: string): Promise<AttackResult> {
    const { playAttack } = await import('./attacks/play.ts')
    const clients = await connectValidators(this.dir)
    try {
      return await playAttack({ dir: this.dir, pattern, clients, ...(seed !== undefined && { seed }) })
    } finally {
      for (const client of clients) client.close()
    }
  }

  /** Stops all nodes. What they know stays in `dir`, unless that was temporary. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.supervisor.stop()
    if (this.#isTemporary) rmSync(this.dir, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #with<Result>(use: (client: RpcClient) => Promise<Result>): Promise<Result> {
    const client = await connect(this.urls)
    try {
      return await use(client)
    } finally {
      client.close()
    }
  }
}
