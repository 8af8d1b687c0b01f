/** A scripted node that knows just enough of payments for the wallet, with keys to pay from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hash } from '../../crypto/hash.ts'
import { fromHex, toHex, utf8 } from '../../crypto/bytes.ts'
import { createKey, KEY_COSTS } from '../../crypto/keystore.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { encodeAddress } from '../../crypto/address.ts'
import type { ChainInfo, HistoryItem, HoldInfo, TransferInfo, TxInfo, TxStatus } from '../../client/api.ts'
import { FakeNode, NO_ANSWER, rpcFailure, type Request } from '../client/fake-node.ts'

export const WALLET_VALIDITY_MS = 120_000
/** Of the one hold that a held transaction makes. */
export const HOLD_ID: string = 'ab'.repeat(32)

/** What the node does with a payment. */
export type Fate = TxStatus | 'silence' | { readonly refuse: string }

export class WalletNode implements AsyncDisposable {
  readonly node: FakeNode
  readonly #fates: (tx: string) => Fate
  /** Hex of every transaction submitted, repeats included. */
  readonly submitted: string[] = []
  /** Time of the newest executed block. */
  executedTimeMs: number = Date.now()
  /** Of whichever account is asked for. */
  sequence: bigint = 0n
  /** uCRD, of whichever account is asked for. */
  available: bigint = 10n ** 12n
  /** How the holds of held payments stand. */
  holdStatus: HoldInfo['status'] = 'open'
  readonly history: HistoryItem[] = []

  private constructor(node: FakeNode, fates: (tx: string) => Fate) {
    this.node = node
    this.#fates = fates
  }

  static async start(fates: (tx: string) => Fate): Promise<WalletNode> {
    const fake = await FakeNode.start(() => null)
    const walletNode = new WalletNode(fake, fates)
    fake.setHandler((request) => walletNode.#answer(request))
    return walletNode
  }

  get rpc(): string {
    return this.node.url
  }

  #answer({ method, params }: Request): unknown {
    switch (method) {
      case 'chain_info':
        return chainInfo()
      case 'chain_status':
        return { blockTimeMs: this.executedTimeMs, executedTimeMs: this.executedTimeMs }
      case 'account_get':
        return { sequence: String(this.sequence), available: String(this.available) }
      case 'account_history':
        return { items: this.history, cursor: null }
      case 'tx_submit':
        return this.#submit(String(params.tx))
      case 'tx_get':
        return this.#info(String(params.txId))
      case 'tx_wait': {
        const info = this.#info(String(params.txId))
        return info.status === 'pending' || info.status === 'unknown' ? NO_ANSWER : info
      }
      case 'quarantine_get':
        return { status: this.holdStatus, classes: [{ name: 'new-payee', text: 'a new payee' }] }
      case 'tx_dryRun':
        return { txId: '', fee: '1000', balanceAfter: '5', wouldHold: false, classes: [] }
      default:
        throw rpcFailure('rpc-method', `the test's node has no ${method}`)
    }
  }

  #submit(tx: string): unknown {
    this.submitted.push(tx)
    const fate = this.#fates(tx)
    if (typeof fate === 'object') throw rpcFailure(fate.refuse, 'refused')
    if (fate === 'silence') return NO_ANSWER
    return { txId: toHex(decodeTransaction(fromHex(tx)).id), result: 'accepted', status: 'pending' }
  }

  #info(txId: string): TxInfo {
    const tx = this.submitted.find((hex) => toHex(decodeTransaction(fromHex(hex)).id) === txId)
    const fate = tx === undefined ? 'unknown' : this.#fates(tx)
    const status = typeof fate === 'object' ? 'unknown' : fate === 'silence' ? 'pending' : fate
    const ended = status !== 'pending' && status !== 'unknown'
    return {
      txId,
      status,
      height: ended ? 7 : null,
      timeMs: ended ? this.executedTimeMs : null,
      fee: ended ? '1000' : null,
      failure: status === 'failed' ? 'insufficient-funds' : null,
      holds: status === 'held' ? [HOLD_ID] : [],
      sender: null,
      validUntilMs: null,
      transfers: tx === undefined ? [] : transfersOf(tx, status === 'held'),
      executedTimeMs: this.executedTimeMs,
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.node[Symbol.asyncDispose]()
  }
}

/** Of a held transaction the first transfer is in the hold, and the others settled. */
function transfersOf(tx: string, isHeld: boolean): TransferInfo[] {
  const { actions } = decodeTransaction(fromHex(tx)).transaction
  return actions.flatMap((action, index) =>
    action.type === 'transfer'
      ? [
          {
            to: encodeAddress('dcdn', action.to),
            amount: String(action.amount),
            memo: Buffer.from(action.memo).toString('utf8'),
            holdId: isHeld && index === 0 ? HOLD_ID : null,
          },
        ]
      : [],
  )
}

function chainInfo(): ChainInfo {
  return {
    network: 'devnet',
    genesisHash: 'c0'.repeat(32),
    chainId: 'c0'.repeat(8),
    addressPrefix: 'dcdn',
    minFee: '1000',
    walletValidityMs: WALLET_VALIDITY_MS,
    quarantineMs: 1,
    onExpiry: 'return',
    parameters: {},
  }
}

/** A keystore with alice and bob and a password file. */
export class Wallet implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'cordon-wallet-'))

  get keystore(): string {
    return join(this.directory, 'keystore')
  }

  get outbox(): string {
    return join(this.directory, 'outbox')
  }

  static async create(): Promise<Wallet> {
    const wallet = new Wallet()
    for (const name of ['alice', 'bob']) {
      await createKey(wallet.keystore, {
        name,
        seed: hash('devnet-key', utf8(name)),
        password: 'light',
        prefix: 'dcdn',
        cost: KEY_COSTS.light,
      })
    }
    writeFileSync(join(wallet.keystore, 'password'), 'light\n')
    return wallet
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}
