/** One account that pays, for programs: what `cordon wallet send` is for people. */
import { parseAmount } from '../config/amount.ts'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { decodeAddress, encodeAddress } from '../crypto/address.ts'
import { toHex, utf8 } from '../crypto/bytes.ts'
import type { KeyPair } from '../crypto/ed25519.ts'
import type { Action } from '../ledger/actions/index.ts'
import type { AccountInfo, DryRun, HistoryItem } from './api.ts'
import { submitAndWait, type PaymentEnd, type SignedPayment } from './payment.ts'
import type { RpcClient } from './rpc-client.ts'
import { readChain, signActions, transactionContent, unsignedBytes, type Chain } from './signing.ts'

/** How long `pay` waits for the end. */
const DEFAULT_TIMEOUT_MS = 30_000

/** What is asked for. */
export interface TransferRequest {
  /** Address of the payee. */
  readonly to: string
  /** With its unit, `12.50CRD`, or in uCRD as a bigint. */
  readonly amount: string | bigint
  /** Up to 128 bytes of UTF-8 that payer, payee and everybody else can read. */
  readonly memo?: string
}

/** A payment that is signed and was not sent. */
export interface PreparedPayment extends SignedPayment {
  /** Past this time it can no longer settle, so that it can be signed anew without being paid twice. */
  readonly validUntilMs: number
  /** In uCRD. */
  readonly feeUnits: bigint
}

export class Wallet {
  readonly #client: RpcClient
  readonly #key: KeyPair
  readonly #prefix: string
  readonly address: string

  private constructor(client: RpcClient, key: KeyPair, prefix: string) {
    this.#client = client
    this.#key = key
    this.#prefix = prefix
    this.address = encodeAddress(prefix, key.publicKey)
  }

  /** The account of `key` on the network of `client`. */
  static async open(client: RpcClient, key: KeyPair): Promise<Wallet> {
    const { addressPrefix } = await client.call('chain_info', {})
    return new Wallet(client, key, addressPrefix)
  }

  account(): Promise<AccountInfo> {
    return this.#client.call('account_get', { address: this.address })
  }

  /** Newest first, read page by page while it is iterated. */
  async *history(): AsyncGenerator<HistoryItem, void, undefined> {
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await this.#client.call('account_history', {
        address: this.address,
        ...(cursor !== undefined && { cursor }),
      })
      yield* page.items
      ;({ cursor } = page)
    }
  }

  /**
   * Signs a payment and sends nothing. Several transfers make one transaction with one fee: all of them settle, or none.
   * Who keeps the bytes before sending them can send the same ones again after a crash: they are paid once.
   * @throws CordonError `amount-invalid`, `address-invalid`, `usage`.
   */
  async prepare(...transfers: readonly TransferRequest[]): Promise<PreparedPayment> {
    const actions = this.#actions(transfers)
    const { id, bytes, transaction } = signActions(await this.#chain(), this.#key, actions)
    return { txId: id, bytes, validUntilMs: transaction.validUntilMs, feeUnits: transaction.fee }
  }

  /**
   * Signs, sends, and waits for the end: `info.status` says whether it settled, is held, or failed.
   * @throws CordonError what `prepare` throws; the node's refusal; `outcome-unknown` when the time is up, and then a
   * second call would be a second payment: use `prepare` and `submitAndWait` where that matters.
   */
  async pay(
    transfer: TransferRequest,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<PaymentEnd & { readonly txId: string }> {
    const payment = await this.prepare(transfer)
    const end = await submitAndWait(this.#client, payment, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    return { ...end, txId: toHex(payment.txId) }
  }

  /** What the payment would cost, and whether the asked node would flag it; nothing is signed or sent. */
  async dryRun(...transfers: readonly TransferRequest[]): Promise<DryRun> {
    const content = transactionContent(await this.#chain(), this.#key.publicKey, this.#actions(transfers))
    return this.#client.call('tx_dryRun', { tx: toHex(unsignedBytes(content)) })
  }

  /** Read for each payment: its time counts, and a connection may be days old. */
  #chain(): Promise<Chain> {
    return readChain(this.#client)
  }

  #actions(transfers: readonly TransferRequest[]): Action[] {
    if (transfers.length < 1 || transfers.length > LIMITS.actionsPerTx)
      throw new CordonError(
        'usage',
        `expected 1 to ${LIMITS.actionsPerTx} transfers in one transaction, got ${transfers.length}`,
      )
    return transfers.map(({ to, amount, memo = '' }) => ({
      type: 'transfer',
      to: decodeAddress(this.#prefix, to),
      amount: typeof amount === 'bigint' ? amount : parseAmount(amount),
      memo: utf8(memo),
    }))
  }
}
