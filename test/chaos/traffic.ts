/** Ordinary payments at a steady rate to nodes that come and go, and everything that these say about them. */
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyPair } from '../../crypto/ed25519.ts'
import { toHex } from '../../crypto/bytes.ts'
import { deriveKeys } from '../../devnet/keys.ts'
import type { DevnetFile } from '../../devnet/layout.ts'
import { LoadPlan } from '../../devnet/load/plan.ts'
import { LoadSocket, requestOf } from '../../devnet/load/socket.ts'
import { signPayment, type ChainFacts } from '../../devnet/payments.ts'
import type { LedgerBook } from './ledger-book.ts'

/** Outlives an outage of everything and some catching up. */
const VALIDITY_MS = 60_000
const BUNDLE_MS = 20

export interface TrafficOptions {
  readonly file: DevnetFile
  readonly facts: ChainFacts
  readonly ratePerSecond: number
  /** Makes this run's payments different from those of other runs. */
  readonly run: string
  readonly book: LedgerBook
  /** A node executed a block. */
  readonly onBlock: () => void
}

export class Traffic {
  readonly #options: TrafficOptions
  readonly #keys: readonly KeyPair[]
  readonly #plan: LoadPlan
  readonly #sockets: readonly LoadSocket[]
  readonly #requests = new Map<number, string>()
  readonly #refusals = new Map<string, number>()
  #next = 0
  #turn = 0

  constructor(options: TrafficOptions) {
    const { file, book } = options
    this.#options = options
    this.#keys = deriveKeys(file.seed, 'load', file.loadAccounts)
    this.#plan = new LoadPlan(file.seed, options.run, file.loadAccounts)
    this.#sockets = file.nodes.map(
      ({ name, rpc }, node) =>
        new LoadSocket(name, rpc, {
          onAnswer: (number, refusal) => this.#answered(number, refusal),
          onBlock: (event) => {
            book.block(node, event)
            options.onBlock()
          },
          onBreak: (unanswered) => this.#send(unanswered),
        }),
    )
  }

  /** Refusals by error code. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals
  }

  async open(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.open()))
  }

  /** Sends payments until the signal aborts. */
  async play(signal: AbortSignal): Promise<void> {
    const startMs = performance.now()
    while (!signal.aborted) {
      const due: number[] = []
      const dueCount = ((performance.now() - startMs) * this.#options.ratePerSecond) / 1000
      while (this.#next < dueCount) due.push(this.#make())
      this.#send(due)
      await delay(BUNDLE_MS)
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  #make(): number {
    const { facts, book } = this.#options
    const { from, to, amountUnits } = this.#plan.payment(this.#next++)
    const [payer, payee] = [this.#keys[from], this.#keys[to]]
    if (payer === undefined || payee === undefined) throw new RangeError('the plan names an unknown account')
    const validUntilMs = Date.now() + VALIDITY_MS
    const { txId, bytes } = signPayment(facts, {
      from: payer,
      to: payee.publicKey,
      amountUnits,
      memo: '',
      validUntilMs,
    })
    const number = book.add(toHex(txId), validUntilMs)
    this.#requests.set(number, requestOf(number, toHex(bytes)))
    return number
  }

  /** To the next node that is there. Without one they are given up: nobody accepted them. */
  #send(numbers: readonly number[]): void {
    if (numbers.length === 0) return
    for (let tries = 0; tries < this.#sockets.length; tries++) {
      const socket = this.#sockets[this.#turn++ % this.#sockets.length]
      if (socket?.ready !== true) continue
      socket.send(numbers.map((number) => ({ number, request: this.#requests.get(number) ?? '' })))
      return
    }
    for (const number of numbers) this.#refused(number, 'cannot-connect')
  }

  #answered(number: number, refusal: string | null): void {
    if (refusal !== null) {
      this.#refused(number, refusal)
      return
    }
    this.#options.book.accepted(number)
    this.#requests.delete(number)
  }

  #refused(number: number, code: string): void {
    this.#requests.delete(number)
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1)
  }
}
