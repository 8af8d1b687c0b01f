/**
 * What the ledger costs alone: genesis, blocks of payments between random accounts of many, opening again.
 *
 *   node_modules/.bin/node bench/ledger.ts [accounts=10000] [payments per block=250] [blocks=100] [transfers per payment=1]
 *
 * Signatures are not checked here, and not part of the figures. CPU time counts all threads, LevelDB's included.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chainIdOf, genesisHash, type Genesis } from '../config/genesis.ts'
import { makeParameters } from '../config/parameters.ts'
import { compareBytes, utf8 } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'
import { Ledger } from '../ledger/ledger.ts'
import { encodeTransaction } from '../ledger/transaction.ts'

const [accountCount = 10_000, paymentsPerBlock = 250, blockCount = 100, transfers = 1] = process.argv
  .slice(2)
  .map(Number)

const ids = Array.from({ length: accountCount }, (_, index) => hash('devnet-key', utf8(`account ${index}`)))
const genesis: Genesis = {
  network: 'devnet',
  createdMs: 1_000,
  nonce: new Uint8Array(16),
  parameters: makeParameters('devnet'),
  validators: ids
    .slice(0, 4)
    .map((id, index) => ({ name: `v${index + 1}`, publicKey: id, operator: id, stake: 1_000n })),
  accounts: ids.map((id) => ({ id, balance: 1_000_000_000n })).sort((a, b) => compareBytes(a.id, b.id)),
}
const chain = { genesis, genesisHash: genesisHash(genesis) }

/** Payments of one block: every party another account, all over the state. */
function payments(height: number, timeMs: number): Uint8Array[] {
  return Array.from({ length: paymentsPerBlock }, (_, index) => {
    const from = (height * 7_919 + index * 31) % accountCount
    const to = (index: number): number =>
      (from + 1 + ((height * 104_729 + index * 37) % (accountCount - 1))) % accountCount
    const sender = ids[from] as Uint8Array
    return encodeTransaction({
      chain: chainIdOf(chain.genesisHash),
      sender,
      sequence: 0n,
      validUntilMs: timeMs + 120_000,
      salt: BigInt(height * paymentsPerBlock + index),
      fee: 1_000n * BigInt(transfers),
      actions: Array.from({ length: transfers }, (_, action) => ({
        type: 'transfer',
        to: ids[to(index + action)] as Uint8Array,
        amount: 5n,
        memo: new Uint8Array(0),
      })),
      auth: [{ key: sender, signature: new Uint8Array(64) }],
    })
  })
}

interface Cost {
  readonly wallMs: number
  readonly cpuMs: number
}

async function measure<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly cost: Cost }> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const value = await run()
  const { user, system } = process.cpuUsage(cpu)
  return { value, cost: { wallMs: performance.now() - start, cpuMs: (user + system) / 1_000 } }
}

const show = (what: string, { wallMs, cpuMs }: Cost): void => {
  process.stdout.write(`${what}: ${wallMs.toFixed(1)} ms, CPU ${cpuMs.toFixed(1)} ms\n`)
}

const parent = await mkdtemp(join(tmpdir(), 'cordon-bench-'))
const directory = join(parent, 'ledger')
const { value: ledger, cost: created } = await measure(() => Ledger.open({ directory, ...chain }))
show(`open, genesis of ${accountCount} accounts`, created)

const costs: Cost[] = []
for (let height = 1; height <= blockCount; height++) {
  const timeMs = 1_000 + 100 * height
  const txs = payments(height, timeMs)
  const digest = hash('block', utf8(String(height)))
  const batch = { epoch: 0, author: 0, seq: height, createdMs: timeMs, digest, txs, held: [] }
  const { cost } = await measure(() => ledger.execute({ height, digest, timeMs, batches: [batch] }))
  costs.push(cost)
}
const sum = costs
  .slice(Math.floor(blockCount / 4))
  .reduce((a, b) => ({ wallMs: a.wallMs + b.wallMs, cpuMs: a.cpuMs + b.cpuMs }))
const measured = costs.length - Math.floor(blockCount / 4)
const median = costs.map(({ wallMs }) => wallMs).sort((a, b) => a - b)[costs.length >> 1] ?? 0
show(`a block of ${paymentsPerBlock} payments, mean of the last ${measured}`, {
  wallMs: sum.wallMs / measured,
  cpuMs: sum.cpuMs / measured,
})
const transfersPerBlock = paymentsPerBlock * transfers
process.stdout.write(
  `median ${median.toFixed(1)} ms; CPU per transfer ${((1_000 * sum.cpuMs) / measured / transfersPerBlock).toFixed(1)} µs\n`,
)
process.stdout.write(
  `outcomes ${JSON.stringify(ledger.outcomes)}, rss ${process.memoryUsage().rss >> 20} MiB\n`,
)

const { cost: audited } = await measure(() => ledger.audit())
show('audit', audited)
await ledger.close()
const { value: again, cost: reopened } = await measure(() => Ledger.open({ directory, ...chain }))
show('open again', reopened)
await again.close()
await rm(parent, { recursive: true })
