/**
 * What judging costs: features on the main thread, the model on a batch, and the way to the worker and back.
 *
 *   npm run bench:scoring
 *
 * CPU time of the thread where it can be had, so that other processes disturb little; wall time for the round trips.
 */
import { chooseBackend } from '../fraud/model/backend.ts'
import { FeatureStore } from '../fraud/store/feature-store.ts'
import { createModel } from '../fraud/model/model.ts'
import type { TransferFacts } from '../fraud/types.ts'
import { createScorer } from '../node/scoring/scorer.ts'
import { createSignatureChecker } from '../node/scoring/signature-checker.ts'
import { keyPairFromSeed, sign } from '../crypto/ed25519.ts'
import { toHex, utf8 } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'

const ACCOUNTS = 10_000
const BATCH = 500
const BATCHES = 300
const ROUND_TRIPS = 500

const ids = Array.from({ length: ACCOUNTS }, (_, i) => toHex(hash('devnet-key', utf8(`account ${i}`))))
let made = 0

function transfers(count: number, timeMs: number): TransferFacts[] {
  return Array.from({ length: count }, (): TransferFacts => {
    const n = made++
    const from = (n * 7_919) % ACCOUNTS
    return {
      key: `${toHex(hash('tx', utf8(String(n))))}:0`,
      payer: ids[from] as string,
      payee: ids[(from + 1 + ((n * 104_729) % (ACCOUNTS - 1))) % ACCOUNTS] as string,
      amount: BigInt(1_000_000 + (n % 97) * 100_000),
      payerBalance: 1_000_000_000n,
      timeMs,
    }
  })
}

function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number

function print(what: string, values: readonly number[], unit: string): void {
  process.stdout.write(
    `${what}: p50 ${quantile(values, 0.5).toFixed(2)} ${unit}, p95 ${quantile(values, 0.95).toFixed(2)} ${unit}\n`,
  )
}

const store = new FeatureStore()
const backend = await chooseBackend()
const model = createModel(null)
const [features, learning, scoring]: [number[], number[], number[]] = [[], [], []]
for (let i = 0; i < BATCHES; i++) {
  const facts = transfers(BATCH, 1_700_000_000_000 + i * 1_000)
  let rows: Float32Array = new Float32Array(0)
  const featuresMs = cpuMs(() => (rows = store.rows(facts, String(i))))
  const scoringMs = cpuMs(() => model.score(rows, store.baseline.inputs))
  const learningMs = cpuMs(() => {
    store.executed(facts.map((fact) => ({ facts: fact, held: false })))
    store.dropBatch(String(i))
  })
  if (i < BATCHES / 3) continue
  features.push((1_000 * featuresMs) / BATCH)
  learning.push((1_000 * learningMs) / BATCH)
  scoring.push(scoringMs)
}
print('features, CPU per transfer', features, 'µs')
print('executed transfers into the store, CPU per transfer', learning, 'µs')
print(`model on ${backend.name}, CPU per batch of ${BATCH}`, scoring, 'ms')

const scorer = createScorer({ log: { info: () => undefined, warn: () => undefined } })
await scorer.started
for (const count of [1, BATCH]) {
  const times: number[] = []
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const facts = transfers(count, 1_700_000_000_000 + i * 1_000)
    const start = performance.now()
    await scorer.assess(`${count}/${i}`, facts, 60_000)
    times.push(performance.now() - start)
    scorer.dropBatch(`${count}/${i}`)
  }
  print(`assess ${count}, worker and back, wall`, times, 'ms')
}
await scorer.close()

const checker = createSignatureChecker()
const pair = keyPairFromSeed(new Uint8Array(32).fill(1))
const signatures = Array.from({ length: BATCH }, (_, i) => {
  const message = hash('tx', utf8(String(i)))
  return { key: pair.publicKey, message, signature: sign(message, pair.secretKey) }
})
await checker.check(signatures)
const checks: number[] = []
for (let i = 0; i < 20; i++) {
  const start = performance.now()
  await checker.check(signatures)
  checks.push(performance.now() - start)
}
print(`${BATCH} signatures, worker and back, wall`, checks, 'ms')
await checker.close()
