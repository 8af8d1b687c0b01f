/** Does the faults of a round to the real nodes of a devnet, and ends them. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Supervisor } from '../../devnet/supervisor.ts'
import type { Fault, Round } from './plan.ts'

/** Between the beginnings of two faults while a round lasts. */
const LONGEST_QUIET_MS = 2_500

export class Faults {
  readonly #supervisor: Supervisor
  readonly #onFault: (fault: Fault) => void
  /** Faults of the network end one by one; what is left of others stays. */
  readonly #network = new Set<Fault>()

  readonly #fillers: Iterator<Fault, never>
  #lastMs = -Infinity

  constructor(
    supervisor: Supervisor,
    {
      fillers,
      onFault,
    }: { readonly fillers: Iterator<Fault, never>; readonly onFault: (fault: Fault) => void },
  ) {
    this.#supervisor = supervisor
    this.#fillers = fillers
    this.#onFault = onFault
  }

  /** Resolves when all faults of the round have ended: processes run and are ready, the network is clear. */
  async play(round: Round): Promise<void> {
    const ended = new AbortController()
    const fillers = this.#fill(ended.signal)
    try {
      await Promise.all(
        round.map(async ({ atMs, fault }) => {
          await delay(atMs)
          await this.#begin(fault)
        }),
      )
      // Nodes whose restart found no quorum were not waited for.
      const down = this.#supervisor.file.nodes.filter(({ pid }) => pid === null)
      await each(
        down.map(({ name }) => name),
        (name) => this.#supervisor.restart(name),
      )
    } finally {
      ended.abort()
      await fillers
    }
  }

  /** Whenever nothing new has hit the nodes for a while, a short fault of the network does: starts are to meet some too. */
  async #fill(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      const quietMs = performance.now() - this.#lastMs
      if (quietMs >= LONGEST_QUIET_MS) await this.#begin(this.#fillers.next().value)
      else await delay(LONGEST_QUIET_MS - quietMs, undefined, { signal: ended }).catch(() => undefined)
    }
  }

  async #begin(fault: Fault): Promise<void> {
    this.#lastMs = performance.now()
    this.#onFault(fault)
    await this.#suffer(fault)
  }

  async #suffer(fault: Fault): Promise<void> {
    const supervisor = this.#supervisor
    switch (fault.kind) {
      case 'kill':
        await each(fault.names, (name) => supervisor.kill(name))
        await delay(fault.forMs)
        await each(fault.names, (name) => supervisor.restart(name))
        return
      case 'restart':
        await each(fault.names, (name) => supervisor.restart(name))
        return
      case 'pause':
        for (const name of fault.names) supervisor.pause(name)
        await delay(fault.forMs)
        for (const name of fault.names) supervisor.resume(name)
        return
      default:
        this.#network.add(fault)
        this.#bend()
        await delay(fault.forMs)
        this.#network.delete(fault)
        this.#bend()
    }
  }

  /** Sets the network to what the faults under way make of it. */
  #bend(): void {
    const { network } = this.#supervisor
    network.heal()
    for (const fault of this.#network) {
      if (fault.kind === 'partition') network.partition(fault.names, fault.oneWay)
      else if (fault.kind === 'delay') network.delay(fault.delayMs, fault.jitterMs, [])
      else if (fault.kind === 'loss') network.loss(fault.lossPercent, [])
    }
  }
}

async function each(names: readonly string[], act: (name: string) => Promise<unknown>): Promise<void> {
  await Promise.all(names.map(act))
}
