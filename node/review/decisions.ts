/**
 * Votes on holds that people ask this node for: the node signs with the operator key that it was given, asks whether it
 * would take the vote in, writes into the review log who wanted it, and only then submits. Whether the vote counts, the
 * ledger says.
 */
import type { HoldInfo, RpcResult, TxInfo } from '../../client/api.ts'
import type { HoldDecision, Reviewer } from '../../client/operator-api.ts'
import type { SigningChain } from '../../client/signing.ts'
import { CordonError } from '../../config/errors.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import type { ReviewSide } from '../../ledger/actions/index.ts'
import type { DecodedTransaction, Transaction } from '../../ledger/transaction.ts'
import type { CallContext } from '../rpc/service.ts'
import type { ReviewDesk } from './desk.ts'
import type { OperatorKey } from './operator-key.ts'

/** How long a call waits for its vote to be final. */
const WAIT_MS = 10_000

export interface DecisionsOptions {
  /** Null: the node was given none. */
  readonly key: OperatorKey | null
  readonly desk: Pick<ReviewDesk, 'vote'>
  /** As of the newest executed block. */
  readonly chain: () => SigningChain
  /** A hold as everybody sees it. @throws CordonError `hold-unknown`. */
  readonly hold: (id: string, context: CallContext) => Promise<HoldInfo>
  /** Whether the node would take it in now. @throws CordonError as admission does. */
  readonly check: (tx: Transaction) => Promise<void>
  /** Of the node's own RPC methods. */
  readonly submit: (tx: string, context: CallContext) => Promise<RpcResult<'tx_submit'>>
  readonly wait: (txId: string, timeoutMs: number, context: CallContext) => Promise<TxInfo>
}

interface SentVote {
  readonly side: ReviewSide
  readonly validUntilMs: number
}

export class Decisions {
  readonly #options: DecisionsOptions
  /** By hold: votes of this node that have no end yet. */
  readonly #sent = new Map<string, SentVote>()

  constructor(options: DecisionsOptions) {
    this.#options = options
  }

  /** As whom the node votes, or null: it cannot. */
  get reviewer(): Reviewer | null {
    const { key } = this.#options
    return key === null ? null : { address: key.address, validators: key.validators }
  }

  /**
   * Votes for `actor`, the name of a token, and waits for the vote to be final.
   * @param id of the hold, hex.
   * @throws CordonError `review-refused` if the node has no key, the hold has ended or the vote was cast before;
   * `hold-unknown`; what admission refuses.
   */
  async decide(
    actor: string,
    { id, side }: { readonly id: string; readonly side: ReviewSide },
    context: CallContext,
  ): Promise<HoldDecision> {
    const { key, hold, chain } = this.#options
    if (key === null) throw noKey(id, side)
    requireVotable(await hold(id, context), key, side)
    // From here to the entry in the table nothing waits, so two calls at once make one vote.
    this.#requireNoneUnderWay(id)
    const signed = key.signVote(chain(), fromHex(id, 32), side)
    this.#sent.set(id, { side, validUntilMs: signed.transaction.validUntilMs })
    let isOver = true
    try {
      const tx = await this.#vote(actor, { id, side }, signed, context)
      isOver = tx.status !== 'pending' && tx.status !== 'unknown'
      return { txId: tx.txId, status: tx.status, failure: tx.failure, hold: await hold(id, context) }
    } finally {
      if (isOver) this.#sent.delete(id)
    }
  }

  #requireNoneUnderWay(id: string): void {
    const nowMs = this.#options.chain().blockTimeMs
    for (const [other, { validUntilMs }] of this.#sent) if (validUntilMs < nowMs) this.#sent.delete(other)
    const sent = this.#sent.get(id)
    if (sent === undefined) return
    throw new CordonError(
      'review-refused',
      `a vote of this node to ${sent.side} hold ${id} is on its way; see what becomes of it with: cordon quarantine show ${id}`,
      { id },
    )
  }

  /**
   * The log comes before the network: no vote leaves the node without a line that says for whom. It comes after admission,
   * so that it does not fill with votes that nobody sees.
   */
  async #vote(
    actor: string,
    { id, side }: { readonly id: string; readonly side: ReviewSide },
    { id: signedId, bytes, transaction }: DecodedTransaction,
    context: CallContext,
  ): Promise<TxInfo> {
    const { desk, check, submit, wait } = this.#options
    const txId = toHex(signedId)
    await check(transaction)
    await desk.vote(actor, { id, side, txId })
    await submit(toHex(bytes), context)
    return wait(txId, WAIT_MS, context)
  }
}

function noKey(id: string, side: ReviewSide): CordonError {
  return new CordonError(
    'review-refused',
    `this node has no operator key to vote with: set review.key_file and review.password_file, or vote where the key is, with: cordon quarantine ${side} ${id} --as OPERATOR`,
    { id },
  )
}

function requireVotable(hold: HoldInfo, { validators }: OperatorKey, side: ReviewSide): void {
  if (hold.status !== 'open')
    throw new CordonError('review-refused', `hold ${hold.id} is not open any more: it was ${hold.status}`, {
      id: hold.id,
      status: hold.status,
    })
  const votes = hold.reviews.filter(({ validator }) => validators.includes(validator))
  if (votes.length < validators.length) return
  const cast = votes.map((vote) => `${vote.validator} to ${vote.side}`).join(', ')
  throw new CordonError(
    'review-refused',
    `the operator of this node has voted on hold ${hold.id} already (${cast}); a vote stands, so it cannot vote to ${side} now`,
    { id: hold.id },
  )
}
