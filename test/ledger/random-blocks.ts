/**
 * Random blocks: payments, payouts, holds, recalls, reviews, guardians, replays, junk and jumps of time, drawn from a seed. The
 * drawer looks at nothing but what blocks reported, so the same seed makes the same blocks on every ledger.
 */
import { hash } from '../../crypto/hash.ts'
import { equalBytes, utf8 } from '../../crypto/bytes.ts'
import type { Action } from '../../ledger/actions/index.ts'
import { holdId } from '../../ledger/entries.ts'
import type { LedgerChain } from '../../ledger/ledger.ts'
import { signTransaction } from '../../ledger/transaction.ts'
import type { BlockExecution, ExecutionBlock, HeldTransfer } from '../../ledger/types.ts'
import { GENESIS_MS, idOf, keysOf, transferTo, verdict } from './helpers.ts'
import { chainIdOf } from '../../config/genesis.ts'

const NAMES = ['alice', 'bob', 'carol', 'dave', 'new1', 'new2', 'new3', 'op0', 'op1', 'op2', 'op3']

/** Few, so that the right one often confirms. */
const GUARDIANS = ['carol', 'dave']

/** A stream of numbers from SHA-256: the same on every machine. */
class Draw {
  readonly #seed: string
  #count = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  below(limit: number): number {
    const digest = hash('assignment', utf8(`${this.#seed}/${this.#count++}`))
    return Buffer.from(digest).readUIntBE(0, 6) % limit
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

export class RandomBlocks {
  readonly #draw: Draw
  readonly #chain: LedgerChain
  #height = 0
  #timeMs = GENESIS_MS
  #seq = 0
  /** Everything ever sent, to be replayed. */
  readonly sent: Uint8Array[] = []
  readonly #holds: { readonly id: Uint8Array; readonly payer: string }[] = []

  constructor(chain: LedgerChain, seed: string) {
    this.#chain = chain
    this.#draw = new Draw(seed)
  }

  /** The next block. Tell `seen` what it did before asking for another. */
  next(): ExecutionBlock {
    const draw = this.#draw
    this.#timeMs += draw.below(20) === 0 ? 45_000 : 1 + draw.below(3_000)
    const batches = Array.from({ length: draw.below(4) }, () => {
      const txs = [...Array.from({ length: draw.below(8) }, () => this.#transaction()), ...this.#endOfHold()]
      const held = txs.flatMap((_, tx): HeldTransfer[] =>
        draw.below(3) === 0 ? [verdict(tx, draw.below(2), [0, draw.below(3) + 1])] : [],
      )
      const seq = draw.below(10) === 0 ? draw.below(this.#seq + 1) : ++this.#seq
      const createdMs = this.#timeMs - draw.below(draw.below(10) === 0 ? 20_000 : 2_000)
      return {
        epoch: 0,
        author: draw.below(2),
        seq,
        createdMs,
        digest: hash('batch', utf8(String(seq))),
        txs,
        held,
      }
    })
    this.#height++
    return {
      height: this.#height,
      digest: hash('block', utf8(String(this.#height))),
      timeMs: this.#timeMs,
      batches,
    }
  }

  seen({ transfers }: BlockExecution): void {
    for (const { held, txId, action, payer } of transfers) {
      const name = NAMES.find((candidate) => equalBytes(idOf(candidate), payer))
      if (held && name !== undefined) this.#holds.push({ id: holdId(txId, action), payer: name })
    }
  }

  #transaction(): Uint8Array {
    const draw = this.#draw
    const kind = draw.below(20)
    if (kind === 0) return Uint8Array.from({ length: 1 + draw.below(200) }, () => draw.below(256))
    if (kind < 4 && this.sent.length > 0) return draw.pick(this.sent)
    const name = draw.pick(NAMES)
    return this.#send(
      name,
      Array.from({ length: 1 + draw.below(draw.below(4) === 0 ? 5 : 1) }, () => this.#action(name)),
    )
  }

  /** Now and then, what ends a recent hold: its payer's recall, its guardian's word, or the reviews of three operators. */
  #endOfHold(): Uint8Array[] {
    const draw = this.#draw
    if (this.#holds.length === 0 || draw.below(3) > 0) return []
    const { id: hold, payer } = draw.pick(this.#holds.slice(-4))
    const way = draw.below(3)
    if (way === 0) return [this.#send(payer, [{ type: 'hold.recall', hold }])]
    if (way === 1) return [this.#send(draw.pick(GUARDIANS), [{ type: 'hold.confirm', hold }])]
    const side = draw.pick(['release', 'return'] as const)
    return ['op0', 'op1', 'op2'].map((operator) =>
      this.#send(operator, [{ type: 'hold.review', hold, side }]),
    )
  }

  #send(name: string, actions: readonly Action[]): Uint8Array {
    const draw = this.#draw
    const keys = keysOf(name)
    const { bytes } = signTransaction(
      {
        chain: chainIdOf(this.#chain.genesisHash),
        sender: keys.publicKey,
        sequence: draw.below(4) === 0 ? BigInt(1 + draw.below(4)) : 0n,
        validUntilMs: this.#timeMs + draw.below(draw.below(5) === 0 ? 700_000 : 90_000),
        salt: BigInt(draw.below(1_000_000)),
        fee: BigInt(actions.length * 1_000 + draw.below(50)),
        actions,
      },
      [keys],
    )
    this.sent.push(bytes)
    return bytes
  }

  #action(sender: string): Action {
    const draw = this.#draw
    const hold =
      this.#holds.length > 0 && draw.below(4) > 0 ? draw.pick(this.#holds.slice(-10)).id : idOf('no hold')
    switch (draw.below(8)) {
      case 0:
        return { type: 'hold.recall', hold }
      case 1:
        return { type: 'hold.review', hold, side: draw.pick(['release', 'return'] as const) }
      case 2:
        return { type: 'hold.confirm', hold }
      case 3: {
        const guardian = draw.pick([...GUARDIANS, null])
        return { type: 'account.guardian', guardian: guardian === null ? null : idOf(guardian) }
      }
      default: {
        const payee = draw.pick(NAMES.filter((name) => name !== sender))
        return transferTo(
          payee,
          BigInt(1 + draw.below(draw.below(3) === 0 ? 900_000_000 : 10_000)),
          'm'.repeat(draw.below(20)),
        )
      }
    }
  }
}

export const RANDOM_CHAIN = {
  accounts: ['alice', 'bob', 'carol', 'dave'],
  parameters: { quarantineMs: 15_000, batchTtlMs: 10_000, maxExpiriesPerBlock: 2, guardianDelayMs: 5_000 },
} as const
