/** Fuzzing one decoder: seeds and kept inputs, mutated; what has a new fate is mutated further. */
import { toHex } from '../../crypto/bytes.ts'
import { Prng } from '../sim/prng.ts'
import { corpusOf } from './corpus.ts'
import type { Decoder } from './decoder.ts'
import { judge } from './judge.ts'
import { minimise } from './minimise.ts'
import { mutate } from './mutate.ts'
import type { Watchdog } from './watchdog.ts'

export interface Finding {
  readonly decoder: string
  readonly fault: string
  /** Minimised, hex. */
  readonly input: string
  readonly replay: string
}

export interface FuzzReport {
  readonly decoder: string
  readonly inputs: number
  readonly accepted: number
  /** Kinds of refusals and shapes of what was accepted. */
  readonly fates: number
  readonly finding: Finding | null
}

export interface FuzzOptions {
  readonly seed: number
  readonly forMs: number
  readonly watchdog: Watchdog
  /** Told of inputs with a new fate. */
  readonly onNovel?: (bytes: Uint8Array, fate: string) => void | Promise<void>
}

/** Inputs that are looked at before the fuzzer lets other work of the process run. */
const INPUTS_PER_TURN = 64

/**
 * Tries the seeds and kept inputs, then mutations until the time is up or something is found. The n-th mutation is the
 * same for the same seed and corpus.
 */
export async function fuzz(decoder: Decoder, options: FuzzOptions): Promise<FuzzReport> {
  const prng = new Prng(options.seed ^ nameNumber(decoder.name))
  const pool: Uint8Array[] = [...(await decoder.seeds()), ...corpusOf(decoder.name)]
  const fates = new Set<string>()
  let [inputs, accepted] = [0, 0]

  const tryOne = async (bytes: Uint8Array, isNew: boolean): Promise<Finding | null> => {
    options.watchdog.watch(decoder.name, bytes)
    const { fault, fate, accepted: taken } = await judge(decoder, bytes)
    options.watchdog.rest()
    inputs += 1
    if (taken) accepted += 1
    if (fault !== null) return findingOf(decoder, bytes, fault)
    if (fates.has(fate)) return null
    fates.add(fate)
    if (isNew) {
      pool.push(bytes)
      await options.onNovel?.(bytes, fate)
    }
    return null
  }

  const report = (finding: Finding | null): FuzzReport => ({
    decoder: decoder.name,
    inputs,
    accepted,
    fates: fates.size,
    finding,
  })

  for (const bytes of [...pool, new Uint8Array(0)]) {
    const finding = await tryOne(bytes, false)
    if (finding !== null) return report(finding)
  }
  for (const endMs = performance.now() + options.forMs; performance.now() < endMs; ) {
    for (let turn = 0; turn < INPUTS_PER_TURN; turn++) {
      let bytes = mutate(prng.pick(pool), prng.pick(pool), decoder.text === true, prng)
      if (decoder.repair !== undefined && prng.chance(0.8)) bytes = decoder.repair(bytes)
      const finding = await tryOne(bytes, true)
      if (finding !== null) return report(finding)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return report(null)
}

/** The finding with the smallest input that fails in the same way. */
export async function findingOf(decoder: Decoder, bytes: Uint8Array, fault: string): Promise<Finding> {
  const kind = kindOf(fault)
  const smallest = await minimise(bytes, async (candidate) => {
    const judged = await judge(decoder, candidate)
    return judged.fault !== null && kindOf(judged.fault) === kind
  })
  const input = toHex(smallest)
  const replay = `npm run fuzz -- --only ${decoder.name} --input ${input}`
  return { decoder: decoder.name, fault: (await judge(decoder, smallest)).fault ?? fault, input, replay }
}

/** Without what differs from input to input. */
function kindOf(fault: string): string {
  return fault.replaceAll(/[0-9a-f]{4,}|\d+/g, '#').slice(0, 60)
}

/** Decoders do not share their randomness: one more of them changes nothing for the others. */
function nameNumber(name: string): number {
  let number = 0
  for (const byte of Buffer.from(name)) number = (Math.imul(number, 31) + byte) | 0
  return number
}
