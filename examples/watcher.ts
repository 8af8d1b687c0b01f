/**
 * Tells of what somebody should look at: `node examples/watcher.ts [--above 1000CRD] [--cursor FILE] [--count N]`, with
 * `CORDON_RPC`. One JSON object a line: payments that are held, with the reasons, and settled ones above an amount.
 *
 * It follows the chain block by block. The height that was dealt with is written down after its lines are printed, so
 * that a watcher that was killed tells the last block again rather than leaving one out.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { connect, formatAmount, parseAmount, type BlockEvent } from 'cordon/client'

const { values } = parseArgs({
  options: {
    above: { type: 'string', default: '1000CRD' },
    cursor: { type: 'string' },
    count: { type: 'string', default: 'Infinity' },
  },
})
const { CORDON_RPC } = process.env
if (CORDON_RPC === undefined) {
  console.error(
    'usage: CORDON_RPC=URL node examples/watcher.ts [--above 1000CRD] [--cursor FILE] [--count N]',
  )
  process.exit(2)
}

const aboveUnits = parseAmount(values.above)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const client = await connect(CORDON_RPC.split(','))
let alerts = 0
try {
  const kept =
    values.cursor !== undefined && existsSync(values.cursor) ? readFileSync(values.cursor, 'utf8') : null
  const start = kept === null ? {} : { fromHeight: Number(kept) + 1 }
  for await (const block of client.blocks({ ...start, signal: stop.signal })) {
    for (const result of block.results) await look(block, result)
    if (values.cursor !== undefined) keep(values.cursor, block.height)
    if (alerts >= Number(values.count)) break
  }
} finally {
  client.close()
}

async function look(
  block: BlockEvent,
  { txId, status, holds }: BlockEvent['results'][number],
): Promise<void> {
  for (const id of holds) {
    const { payer, payee, amount, classes, expiresMs } = await client.call('quarantine_get', { id })
    const reasons = classes.map(({ text }) => text)
    tell({
      alert: 'held',
      height: block.height,
      hold: id,
      payer,
      payee,
      amount: formatAmount(BigInt(amount)),
      reasons,
      expiresMs,
    })
  }
  if (status === 'failed') return
  const { sender, transfers } = await client.call('tx_get', { txId })
  for (const { to, amount, holdId } of transfers) {
    if (holdId !== null || BigInt(amount) < aboveUnits) continue
    tell({
      alert: 'large',
      height: block.height,
      txId,
      payer: sender,
      payee: to,
      amount: formatAmount(BigInt(amount)),
    })
  }
}

function tell(alert: object): void {
  alerts++
  console.log(JSON.stringify(alert))
}

function keep(path: string, height: number): void {
  writeFileSync(`${path}.new`, String(height))
  renameSync(`${path}.new`, path)
}
