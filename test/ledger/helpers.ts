/** A small chain for tests: named accounts with keys, four validators, and blocks made from transactions. */
import { chainIdOf, genesisHash, type Genesis } from '../../config/genesis.ts'
import { makeParameters } from '../../config/parameters.ts'
import { compareBytes, utf8 } from '../../crypto/bytes.ts'
import { keyPairFromSeed, type KeyPair } from '../../crypto/ed25519.ts'
import { hash } from '../../crypto/hash.ts'
import type { Action } from '../../ledger/actions/index.ts'
import { Ledger, type LedgerChain } from '../../ledger/ledger.ts'
import {
  signTransaction,
  type DecodedTransaction,
  type TransactionContent,
} from '../../ledger/transaction.ts'
import type { BlockExecution, ExecutionBlock, HeldTransfer } from '../../ledger/types.ts'

export const GENESIS_MS = 1_000_000
export const FEE = 1_000n
export const START_BALANCE = 1_000_000_000n

/** The key pair of a name, the same every time. */
export function keysOf(name: string): KeyPair {
  return keyPairFromSeed(hash('devnet-key', utf8(name)))
}

export const idOf = (name: string): Uint8Array => Uint8Array.from(keysOf(name).publicKey)

export interface ChainOptions {
  readonly accounts?: readonly string[]
  /** Stakes; validator i is operated by account `op<i>`, unless `operators` says otherwise. */
  readonly stakes?: readonly bigint[]
  readonly operators?: readonly string[]
  readonly parameters?: Readonly<Record<string, unknown>>
}

const DEFAULT_ACCOUNTS = ['alice', 'bob', 'carol']

export function makeChain(options: ChainOptions = {}): LedgerChain {
  const { accounts = DEFAULT_ACCOUNTS, stakes = [10n, 10n, 10n, 10n], parameters = {} } = options
  const operators = options.operators ?? stakes.map((_, index) => `op${index}`)
  const names = [...new Set([...accounts, ...operators])]
  const genesis: Genesis = {
    network: 'devnet',
    createdMs: GENESIS_MS,
    nonce: new Uint8Array(16).fill(7),
    parameters: makeParameters('devnet', { quarantineMs: 60_000, ...parameters }),
    validators: stakes.map((stake, index) => ({
      name: `v${index + 1}`,
      publicKey: idOf(`validator${index}`),
      operator: idOf(operators[index] ?? ''),
      stake,
    })),
    accounts: names
      .map((name) => ({ id: idOf(name), balance: START_BALANCE }))
      .sort((a, b) => compareBytes(a.id, b.id)),
  }
  return { genesis, genesisHash: genesisHash(genesis) }
}

export const transferTo = (name: string, amount: bigint, memo = ''): Action => ({
  type: 'transfer',
  to: idOf(name),
  amount,
  memo: utf8(memo),
})

let salt = 0n

export type TxOptions = Partial<Omit<TransactionContent, 'actions' | 'sender'>>

/** A signed transaction of `sender`; unordered and valid for a minute from `timeMs` unless told otherwise. */
export function makeTx(
  chain: LedgerChain,
  sender: string,
  actions: readonly Action[],
  timeMs: number,
  options: TxOptions = {},
): DecodedTransaction {
  const keys = keysOf(sender)
  const content: TransactionContent = {
    chain: chainIdOf(chain.genesisHash),
    sender: keys.publicKey,
    sequence: 0n,
    validUntilMs: timeMs + 60_000,
    salt: salt++,
    fee: FEE * BigInt(actions.length),
    actions,
    ...options,
  }
  return signTransaction(content, [keys])
}

/** A verdict that holds one transfer, flagged by these validators of weight 10. */
export function verdict(tx: number, action = 0, signers: readonly number[] = [0, 1]): HeldTransfer {
  const flaggers = signers.map((signer) => ({
    signer,
    weight: 10n,
    score: 200 + signer,
    reasons: 1 << signer,
  }))
  return { tx, action, flaggedWeight: 10n * BigInt(signers.length), flaggers }
}

export interface BatchSpec {
  readonly txs: readonly (DecodedTransaction | Uint8Array)[]
  readonly held?: readonly HeldTransfer[]
  readonly seq?: number
  readonly author?: number
  readonly createdMs?: number
}

/** Builds blocks on a ledger and executes them. Time moves by 1 s a block unless told otherwise. */
export class TestChain {
  readonly chain: LedgerChain
  ledger: Ledger
  readonly blocks: ExecutionBlock[] = []
  #seq = 0

  constructor(chain: LedgerChain, ledger: Ledger) {
    this.chain = chain
    this.ledger = ledger
  }

  static async start(options: ChainOptions = {}): Promise<TestChain> {
    const chain = makeChain(options)
    return new TestChain(chain, await Ledger.inMemory(chain))
  }

  /** Time of the next block. */
  get nextMs(): number {
    return this.ledger.timeMs + 1_000
  }

  tx(sender: string, actions: readonly Action[], options: TxOptions = {}): DecodedTransaction {
    return makeTx(this.chain, sender, actions, this.nextMs, options)
  }

  block(batches: readonly BatchSpec[], timeMs = this.nextMs): ExecutionBlock {
    const height = this.ledger.height + 1
    return {
      height,
      digest: hash('block', utf8(String(height))),
      timeMs,
      batches: batches.map(({ txs, held = [], seq = ++this.#seq, author = 0, createdMs = timeMs }) => ({
        epoch: 0,
        author,
        seq,
        createdMs,
        digest: hash('batch', utf8(`${author}/${seq}`)),
        txs: txs.map((tx) => (tx instanceof Uint8Array ? tx : tx.bytes)),
        held,
      })),
    }
  }

  async execute(block: ExecutionBlock): Promise<BlockExecution> {
    const execution = await this.ledger.execute(block)
    this.blocks.push(block)
    return execution
  }

  /** Executes one batch with these transactions in the next block. */
  async run(
    txs: BatchSpec['txs'],
    held: readonly HeldTransfer[] = [],
    timeMs = this.nextMs,
  ): Promise<BlockExecution> {
    return this.execute(this.block(txs.length === 0 ? [] : [{ txs, held }], timeMs))
  }

  async balance(name: string): Promise<bigint> {
    return (await this.ledger.account(idOf(name)))?.balance ?? 0n
  }

  /** Makes a hold of `amount` from `payer` to `payee` and returns its id. */
  async hold(payer: string, payee: string, amount: bigint, signers?: readonly number[]): Promise<Uint8Array> {
    const { receipts } = await this.run(
      [this.tx(payer, [transferTo(payee, amount)])],
      [verdict(0, 0, signers)],
    )
    const id = receipts[0]?.holds[0]?.holdId
    if (id === undefined) throw new Error('the transfer was not held')
    return id
  }
}
