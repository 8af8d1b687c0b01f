/**
 * Plays an attack against a running devnet, with victims and mules of its own, and counts how it ended. What takes days is
 * played within seconds, in the same order; mules wait until they have what they pass on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { TxInfo } from '../../client/api.ts'
import { submitAndWait } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { CordonError } from '../../config/errors.ts'
import type { KeyPair } from '../../crypto/ed25519.ts'
import { least, wholeCents } from '../amounts.ts'
import { itemAt } from '../item-at.ts'
import { deriveKey } from '../keys.ts'
import { devnetTimeMs, readDevnetFile } from '../layout.ts'
import { chainFacts, signPayment, type ChainFacts } from '../payments.ts'
import { Random } from '../random.ts'
import { citizensOf } from '../scenarios/population.ts'
import { Attack, type AttackPattern } from './attack.ts'
import { ownerHistory, victimAfter, type OwnPayment } from './history.ts'
import type { Move, Party } from './move.ts'
import { takeVictim, type TakenVictim } from './victims.ts'

/** Longest wait for one payment to become final. */
const FINAL_TIMEOUT_MS = 30_000
/** From the owners' last payment to the thieves' first. */
const PAUSE_MS = 600
/** A longer attack is played faster. */
const LONGEST_MS = 12_000

export interface AttackResult {
  readonly pattern: AttackPattern
  /** Payments labelled as fraud that were sent; the next three count these only. */
  readonly fraudulent: number
  readonly held: number
  readonly settled: number
  /** Failed, refused or expired. */
  readonly failed: number
  /** Not sent: the mule had received nothing, because earlier payments were held. */
  readonly unsent: number
  /** Ids of the holds. */
  readonly holds: readonly string[]
}

interface AttackOptions {
  readonly dir: string
  readonly pattern: AttackPattern
  /** One client per validator: payments go through them in turn. */
  readonly clients: readonly RpcClient[]
  /** What the attack's chances follow from. By default each attack of a devnet has its own. */
  readonly seed?: string
  readonly signal?: AbortSignal
}

/**
 * Plays it and waits until every payment is final.
 * @throws CordonError `devnet-missing` when all victims of this devnet are used up; `outcome-unknown` when a payment
 * does not become final.
 */
export async function playAttack(options: AttackOptions): Promise<AttackResult> {
  const { dir, pattern } = options
  const { seed } = readDevnetFile(dir)
  const client = itemAt(options.clients, 0)
  const facts = chainFacts(await client.call('chain_info', {}))
  const victims = [await takeVictim(dir, seed, client)]
  const number = itemAt(victims, 0).number
  const chances = options.seed ?? `${seed}/${number}`
  const attack = new Attack(pattern, chances, 0)
  while (victims.length < attack.victims) victims.push(await takeVictim(dir, seed, client))
  const random = new Random(`${chances}/history`)
  const histories = victims.map(() => ownerHistory(random))
  const moves = attack.plan(
    victims.map(({ balanceUnits }, i) => victimAfter(itemAt(histories, i), balanceUnits, facts.feeUnits)),
    facts.feeUnits,
  )
  const stage = new Stage({ options, seed, facts, victims })
  const [, ends] = await Promise.all([stage.playHistories(histories), stage.playMoves(moves, histories)])
  return count(pattern, ends)
}

/** How a move ended: null: refused; `unsent`: there was nothing to send. */
type End = TxInfo | null | 'unsent'

/** The accounts of one attack, and the money that has reached its mules. */
class Stage {
  readonly #options: AttackOptions
  readonly #seed: string
  readonly #facts: ChainFacts
  readonly #victims: readonly TakenVictim[]
  readonly #startMs = performance.now()
  /** In uCRD, by number of the mule. */
  readonly #loot: Map<number, bigint> = new Map()
  #sent = 0

  constructor(made: {
    options: AttackOptions
    seed: string
    facts: ChainFacts
    victims: readonly TakenVictim[]
  }) {
    this.#options = made.options
    this.#seed = made.seed
    this.#facts = made.facts
    this.#victims = made.victims
  }

  async playHistories(histories: readonly (readonly OwnPayment[])[]): Promise<void> {
    await Promise.all(
      histories.flatMap((history, index) =>
        history.map(async ({ atMs, citizen, amountUnits, memo }) => {
          await this.#until(atMs)
          const from = this.#key({ kind: 'victim', index })
          await this.#pay(from, deriveKey(this.#seed, 'citizen', citizen), amountUnits, memo)
        }),
      ),
    )
  }

  async playMoves(moves: readonly Move[], histories: readonly (readonly OwnPayment[])[]): Promise<End[]> {
    const beginMs = PAUSE_MS + Math.max(...histories.map((history) => history.at(-1)?.atMs ?? 0))
    const pace = Math.min(1, LONGEST_MS / Math.max(1, moves.at(-1)?.atMs ?? 0))
    const ends: Promise<End>[] = []
    for (const move of moves) {
      const arriving = ends.filter((_, earlier) => isSameMule(move.from, itemAt(moves, earlier).to))
      ends.push(this.#make(move, beginMs + pace * move.atMs, arriving))
    }
    return Promise.all(ends)
  }

  async #make(
    { from, to, amountUnits }: Move,
    atMs: number,
    arriving: readonly Promise<End>[],
  ): Promise<End> {
    await this.#until(atMs)
    await Promise.all(arriving)
    const units = from.kind === 'mule' ? this.#takeLoot(from.index, amountUnits) : amountUnits
    if (units <= 0n) return 'unsent'
    const info = await this.#pay(this.#key(from), this.#key(to), units, '')
    if (info?.status === 'settled' && to.kind === 'mule')
      this.#loot.set(to.index, (this.#loot.get(to.index) ?? 0n) + units)
    return info
  }

  /** As much of the amount as the mule has received, less the fee. */
  #takeLoot(index: number, wanted: bigint): bigint {
    const has = (this.#loot.get(index) ?? 0n) - this.#facts.feeUnits
    const units = wholeCents(least(wanted, has))
    if (units > 0n) this.#loot.set(index, has - units)
    return units
  }

  async #until(atMs: number): Promise<void> {
    const { signal } = this.#options
    const waitMs = Math.max(this.#startMs + atMs - performance.now(), 0)
    await delay(waitMs, undefined, signal === undefined ? {} : { signal })
  }

  #key(party: Party): KeyPair {
    switch (party.kind) {
      case 'victim':
        return deriveKey(this.#seed, 'victim', itemAt(this.#victims, party.index).number)
      case 'mule':
        return deriveKey(this.#seed, 'mule', `${itemAt(this.#victims, 0).number}/${party.index}`)
      case 'exchange':
        // A devnet has no exchange: one who sends bills has customers, too.
        return deriveKey(this.#seed, 'citizen', itemAt(citizensOf('biller'), 0))
    }
  }

  /** Null: the node refused the payment. */
  async #pay(from: KeyPair, to: KeyPair, amountUnits: bigint, memo: string): Promise<TxInfo | null> {
    const { clients } = this.#options
    const client = itemAt(clients, this.#sent++ % clients.length)
    const validUntilMs = devnetTimeMs(this.#options.dir) + this.#facts.validityMs
    const signed = signPayment(this.#facts, { from, to: to.publicKey, amountUnits, memo, validUntilMs })
    try {
      return (await submitAndWait(client, signed, FINAL_TIMEOUT_MS)).info
    } catch (error) {
      if (error instanceof CordonError && error.code.startsWith('tx-')) return null
      throw error
    }
  }
}

function isSameMule(one: Party, other: Party): boolean {
  return one.kind === 'mule' && other.kind === 'mule' && one.index === other.index
}

function count(pattern: AttackPattern, ends: readonly End[]): AttackResult {
  const sent = ends.filter((end) => end !== 'unsent')
  const held = sent.filter((info) => info?.status === 'held')
  const settled = sent.filter((info) => info?.status === 'settled')
  return {
    pattern,
    fraudulent: sent.length,
    held: held.length,
    settled: settled.length,
    failed: sent.length - held.length - settled.length,
    unsent: ends.length - sent.length,
    holds: held.flatMap((info) => info?.holds ?? []),
  }
}
