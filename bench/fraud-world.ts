/**
 * Labelled payments of the AMLGentex simulator through the real parts, in one process: the ledger in memory, and four
 * validators with a feature store and a TensorFlow.js model each. A transfer is held when more than a third of the four
 * equal validators flag it, as the verdict has it (dissemination.md, The verdict).
 *
 *   npm run bench:fraud-world -- [--world a] [--from-day 20] [--days 3] [--file FILE.csv.gz] [--model label-free|pretrained] [--json]
 *
 * Everything before `--from-day` is history: executed, not judged. Then `transfer` rows are judged; opening balances,
 * income and spending are payments from a source and to a sink, executed without a judgement. Block times are those of
 * the file. One unit of the file is 1 CRD. There is no minimum fee, so balances are the file's.
 * The data lies beside the checkout and is not part of the project.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { chainIdOf, genesisHash, type Genesis } from '../config/genesis.ts'
import { makeParameters } from '../config/parameters.ts'
import { compareBytes, toHex, utf8 } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'
import { chooseBackend } from '../fraud/model/backend.ts'
import { LabelledRowReader, OUTSIDE_SOURCE, type LabelledRow } from '../fraud/evaluation/labelled-rows.ts'
import { chooseHead } from '../fraud/head/choose.ts'
import { FeatureStore } from '../fraud/store/feature-store.ts'
import { FLAG_SCORE, toByte } from '../fraud/model/model-spec.ts'
import { createModel } from '../fraud/model/model.ts'
import type { TransferFacts } from '../fraud/types.ts'
import { Ledger } from '../ledger/ledger.ts'
import { decodeTransaction, encodeTransaction } from '../ledger/transaction.ts'
import type { BlockExecution, ExecutionBatch, HeldTransfer } from '../ledger/types.ts'

const VALIDATORS = 4
const STAKE = 1_000n
const DAY_MS = 86_400_000
/** Blocks gather this much of the file's time: less while judging, so that what is pending is small. */
const HISTORY_BLOCK_MS = 60_000
const JUDGED_BLOCK_MS = 1_000
const TXS_PER_BATCH = 500

const { values: options } = parseArgs({
  options: {
    world: { type: 'string', default: 'a' },
    'from-day': { type: 'string', default: '20' },
    days: { type: 'string', default: '3' },
    file: { type: 'string' },
    model: { type: 'string', default: 'label-free' },
    json: { type: 'boolean', default: false },
  },
})
const head = chooseHead(options.model, (path) => readFileSync(path, 'utf8'))
const fromDay = Number(options['from-day'])
const untilDay = fromDay + Number(options.days)

function readRows(): LabelledRow[] {
  const name = `amlgentex_${options.world}.csv.gz`
  const url = new URL(`../../shared/data/fraud/${name}`, import.meta.url)
  const file = options.file ?? url.pathname
  if (!existsSync(file)) {
    process.stderr.write(
      `There is no ${file}. The labelled worlds lie beside the checkout and are not part of it; name another file of the ` +
        `same columns (time,kind,from,to,amount,is_sar) with --file.\n`,
    )
    process.exit(2)
  }
  const reader = new LabelledRowReader(file)
  return [...reader.push(gunzipSync(readFileSync(file))), ...reader.end()]
}

const idOf = (account: string): Uint8Array => hash('devnet-key', utf8(`world account ${account}`))

function genesisOf(rows: readonly LabelledRow[], startMs: number): Genesis {
  const names = [...new Set(rows.flatMap(({ from, to }) => [from, to]))]
  const total = rows.reduce((sum, row) => (row.from === OUTSIDE_SOURCE ? sum + row.amount : sum), 0n)
  return {
    network: 'devnet',
    createdMs: startMs - 1,
    nonce: new Uint8Array(16),
    parameters: makeParameters('devnet', { minFee: 0 }),
    validators: Array.from({ length: VALIDATORS }, (_, i) => ({
      name: `v${i + 1}`,
      publicKey: idOf(`validator ${i}`),
      operator: idOf(`validator ${i}`),
      stake: STAKE,
    })),
    accounts: names
      .map((name) => ({ id: idOf(name), balance: name === OUTSIDE_SOURCE ? total : 0n }))
      .sort((a, b) => compareBytes(a.id, b.id)),
  }
}

/** Consecutive rows of at most one block's time. */
function* blocksOf(rows: readonly LabelledRow[], judgedFromMs: number): Generator<readonly LabelledRow[]> {
  for (let first = 0; first < rows.length; ) {
    const startMs = (rows[first] as LabelledRow).timeMs
    const lengthMs = startMs < judgedFromMs ? HISTORY_BLOCK_MS : JUDGED_BLOCK_MS
    let end = first + 1
    while (end < rows.length && (rows[end] as LabelledRow).timeMs - startMs < lengthMs) end++
    yield rows.slice(first, end)
    first = end
  }
}

/** A clock per kind of work. */
class Meter {
  ms = 0
  count = 0

  measure<T>(count: number, work: () => T): T {
    const start = performance.now()
    const result = work()
    this.ms += performance.now() - start
    this.count += count
    return result
  }

  get perItemUs(): number {
    return this.count === 0 ? 0 : (1_000 * this.ms) / this.count
  }
}

class Validator {
  readonly #store = new FeatureStore({ head })
  readonly #model = createModel(head)
  static readonly features: Meter = new Meter()
  static readonly scoring: Meter = new Meter()
  static readonly learning: Meter = new Meter()

  /** Score byte per transfer. */
  judge(facts: readonly TransferFacts[], batchKey: string): number[] {
    const rows = Validator.features.measure(facts.length, () => this.#store.rows(facts, batchKey))
    const inputs = this.#store.baseline.inputs
    return [...Validator.scoring.measure(facts.length, () => this.#model.score(rows, inputs))].map(toByte)
  }

  executed(execution: BlockExecution, batchKey: string): void {
    const outcomes = execution.transfers.map((transfer) => ({
      facts: {
        key: `${toHex(transfer.txId)}:${transfer.action}`,
        transaction: toHex(transfer.txId),
        payer: toHex(transfer.payer),
        payee: toHex(transfer.payee),
        amount: transfer.amount,
        payerBalance: transfer.payerBalanceBefore,
        timeMs: transfer.timeMs,
      },
      held: transfer.held,
    }))
    Validator.learning.measure(outcomes.length, () => this.#store.executed(outcomes))
    this.#store.dropBatch(batchKey)
  }
}

interface Count {
  judged: number
  held: number
}

const all = readRows()
const startMs = (all[0] as LabelledRow).timeMs
const judgedFromMs = startMs + fromDay * DAY_MS
const rows = all.filter((row) => row.timeMs < startMs + untilDay * DAY_MS)
const genesis = genesisOf(rows, startMs)
const chain = { genesis, genesisHash: genesisHash(genesis) }
const ledger = await Ledger.inMemory(chain)
const backend = await chooseBackend()
const validators = Array.from({ length: VALIDATORS }, () => new Validator())
const ordinary: Count = { judged: 0, held: 0 }
const laundering: Count = { judged: 0, held: 0 }
const execution = new Meter()
const ids = new Map(genesis.accounts.map(({ id }) => [toHex(id), id]))
const idByName = new Map(
  [...new Set(rows.flatMap(({ from, to }) => [from, to]))].map((name) => [
    name,
    ids.get(toHex(idOf(name))) as Uint8Array,
  ]),
)
const account = (name: string): Uint8Array => idByName.get(name) as Uint8Array

let salt = 0n
function encode(row: LabelledRow, timeMs: number): Uint8Array {
  return encodeTransaction({
    chain: chainIdOf(chain.genesisHash),
    sender: account(row.from),
    sequence: 0n,
    validUntilMs: timeMs + 120_000,
    salt: salt++,
    fee: 0n,
    actions: [{ type: 'transfer', to: account(row.to), amount: row.amount, memo: new Uint8Array(0) }],
    auth: [{ key: account(row.from), signature: new Uint8Array(64) }],
  })
}

/** The verdict on the judged rows of a block, by position in the block. */
async function verdict(
  block: readonly LabelledRow[],
  txs: readonly Uint8Array[],
  height: number,
): Promise<Map<number, HeldTransfer>> {
  const judged = block.flatMap((row, index) =>
    row.kind === 'transfer' && row.timeMs >= judgedFromMs ? [{ row, index }] : [],
  )
  if (judged.length === 0) return new Map()
  const balances = await ledger.accounts(judged.map(({ row }) => account(row.from)))
  const ids = judged.map(({ index }) => toHex(decodeTransaction(txs[index] as Uint8Array).id))
  const facts = judged.map(({ row }, i) => ({
    key: `${ids[i] ?? ''}:0`,
    transaction: ids[i] ?? '',
    payer: toHex(account(row.from)),
    payee: toHex(account(row.to)),
    amount: row.amount,
    payerBalance: balances[i]?.balance ?? 0n,
    timeMs: row.timeMs,
  }))
  const scores = validators.map((validator) => validator.judge(facts, String(height)))
  return new Map(
    judged.flatMap(({ row, index }, i): [number, HeldTransfer][] => {
      const flaggers = scores.flatMap((byTransfer, signer) => {
        const score = byTransfer[i] ?? 0
        return score >= FLAG_SCORE ? [{ signer, weight: STAKE, score, reasons: 0 }] : []
      })
      const weight = BigInt(flaggers.length) * STAKE
      const held = 3n * weight > BigInt(VALIDATORS) * STAKE
      const count = row.laundering ? laundering : ordinary
      count.judged++
      if (!held) return []
      count.held++
      return [[index, { tx: index % TXS_PER_BATCH, action: 0, flaggedWeight: weight, flaggers }]]
    }),
  )
}

let seq = 0
let height = 0
for (const block of blocksOf(rows, judgedFromMs)) {
  height++
  const timeMs = (block.at(-1) as LabelledRow).timeMs + 500
  const txs = block.map((row) => encode(row, timeMs))
  const held = await verdict(block, txs, height)
  const batches: ExecutionBatch[] = []
  for (let first = 0; first < block.length; first += TXS_PER_BATCH) {
    batches.push({
      epoch: 0,
      author: 0,
      seq: ++seq,
      createdMs: timeMs,
      digest: hash('batch', utf8(String(seq))),
      txs: txs.slice(first, first + TXS_PER_BATCH),
      held: [...held].flatMap(([index, transfer]) =>
        index >= first && index < first + TXS_PER_BATCH ? [transfer] : [],
      ),
    })
  }
  const start = performance.now()
  const executed = await ledger.execute({
    height,
    digest: hash('block', utf8(String(height))),
    timeMs,
    batches,
  })
  execution.ms += performance.now() - start
  execution.count += block.length
  for (const validator of validators) validator.executed(executed, String(height))
}
await ledger.audit()

const percent = ({ judged, held }: Count): number => (judged === 0 ? 0 : (100 * held) / judged)
const result = {
  world: options.world,
  days: [fromDay, untilDay],
  backend: backend.name,
  ordinary: { ...ordinary, percent: percent(ordinary) },
  laundering: { ...laundering, percent: percent(laundering) },
  microsecondsPerTransfer: {
    features: Validator.features.perItemUs,
    scoring: Validator.scoring.perItemUs,
    learning: Validator.learning.perItemUs,
    ledger: execution.perItemUs,
  },
  blocks: height,
  outcomes: ledger.outcomes,
}
if (options.json) {
  process.stdout.write(`${JSON.stringify(result)}\n`)
} else {
  const { features, scoring, learning, ledger: ledgerUs } = result.microsecondsPerTransfer
  process.stdout.write(
    [
      `world ${result.world}, days ${fromDay} to ${untilDay}, ${height} blocks, four validators on ${backend.name}`,
      `ordinary:   ${ordinary.held} of ${ordinary.judged} transfers held, ${percent(ordinary).toFixed(2)} %`,
      `laundering: ${laundering.held} of ${laundering.judged} transfers held, ${percent(laundering).toFixed(2)} %`,
      `µs per transfer and validator: features ${features.toFixed(1)}, model ${scoring.toFixed(1)} (in blocks of one or two), executed ${learning.toFixed(1)}; ledger ${ledgerUs.toFixed(1)}`,
      `outcomes: ${JSON.stringify(ledger.outcomes)}`,
      '',
    ].join('\n'),
  )
}
await ledger.close()
