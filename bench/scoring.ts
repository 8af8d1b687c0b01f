/**
 * What judging costs: features on the main thread, the model on a batch, and the way to the worker and back.
 *
 *   npm run bench:scoring
 *
 * Features are made for two towns: one where everybody pays everybody, so that after a while each account has dozens of
 * recent partners, and one where each pays a few. Medians of wall time: some kernels count CPU time in steps of 4 ms.
 */
import { chooseBackend } from '../fraud/model/backend.ts'
import { pretrainedHead } from '../fraud/head/pretrained.ts'
import { Baseline } from '../fraud/model/baseline.ts'
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

/** @param partners how many others an account pays. */
function transfers(count: number, timeMs: number, partners = ACCOUNTS - 1): TransferFacts[] {
  return Array.from({ length: count }, (): TransferFacts => {
    const n = made++
    const from = (n * 7_919) % ACCOUNTS
    const transaction = toHex(hash('tx', utf8(String(n))))
    return {
      key: `${transaction}:0`,
      transaction,
      payer: ids[from] as string,
      payee: ids[(from + 1 + ((n * 104_729) % partners)) % ACCOUNTS] as string,
      amount: BigInt(1_000_000 + (n % 97) * 100_000),
      payerBalance: 1_000_000_000n,
      timeMs,
    }
  })
}

function elapsedMs(work: () => void): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number

function print(what: string, values: readonly number[], unit: string): void {
  process.stdout.write(
    `${what}: p50 ${quantile(values, 0.5).toFixed(2)} ${unit}, p95 ${quantile(values, 0.95).toFixed(2)} ${unit}\n`,
  )
}

const backend = await chooseBackend()
for (const [town, partners] of [
  ['everybody pays everybody', ACCOUNTS - 1],
  ['each pays four others', 4],
] as const) {
  const store = new FeatureStore()
  const [features, learning]: [number[], number[]] = [[], []]
  for (let i = 0; i < BATCHES; i++) {
    const facts = transfers(BATCH, 1_700_000_000_000 + i * 1_000, partners)
    const featuresMs = elapsedMs(() => store.rows(facts, String(i)))
    const learningMs = elapsedMs(() => {
      store.executed(facts.map((fact) => ({ facts: fact, held: false })))
      store.dropBatch(String(i))
    })
    if (i < BATCHES / 3) continue
    features.push((1_000 * featuresMs) / BATCH)
    learning.push((1_000 * learningMs) / BATCH)
  }
  print(`${town}: features per transfer`, features, 'µs')
  print(`${town}: an executed transfer into the store`, learning, 'µs')
}

const rows = new FeatureStore().rows(transfers(BATCH, 1_700_000_000_000), 'rows')
const { inputs } = new Baseline()
for (const [name, head] of [
  ['tail', null],
  ['head', pretrainedHead()],
] as const) {
  const model = createModel(head)
  const times = Array.from({ length: BATCHES }, () => elapsedMs(() => model.score(rows, inputs)))
  print(`${name} on ${backend.name}, per batch of ${BATCH}`, times.slice(BATCHES / 3), 'ms')
}

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
