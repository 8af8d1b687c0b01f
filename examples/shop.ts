/**
 * A shop that takes payments: `node examples/shop.ts KEY`, with `CORDON_RPC` and `CORDON_KEYSTORE`.
 *
 *   POST /orders {"amount":"12.50CRD"}   → {"order", "payTo", "amount", "memo"}
 *   GET  /orders/ORDER                   → {"order", "state", "txId", "receipt"}
 *
 * The payer writes the order into the memo. An order is paid when a payment of its amount is final: there is nothing to
 * wait for after that. One that is held is not paid yet; the shop says so and waits for its end.
 *
 * Orders are kept in memory: a real shop keeps them in its database, with the height that was dealt with, and starts
 * `blocks` from there. It ends when no node answers for some seconds.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { connect, fetchReceipt, openKey, parseAmount, Wallet, type BlockEvent } from 'cordon/client'

interface Order {
  readonly id: string
  readonly amountUnits: bigint
  state: 'open' | 'held' | 'paid'
  txId: string | null
  hold: string | null
}

const PORT = Number(process.env.PORT ?? 0)
const MAX_BODY_BYTES = 1_024
const RECEIPT_TIMEOUT_MS = 10_000
const { CORDON_RPC, CORDON_KEYSTORE } = process.env
const [name] = process.argv.slice(2)
if (name === undefined || CORDON_RPC === undefined || CORDON_KEYSTORE === undefined) {
  console.error('usage: CORDON_RPC=URL CORDON_KEYSTORE=DIRECTORY node examples/shop.ts KEY')
  process.exit(2)
}

const orders = new Map<string, Order>()
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const password = readFileSync(`${CORDON_KEYSTORE}/password`, 'utf8').trim()
const client = await connect(CORDON_RPC.split(','))
const wallet = await Wallet.open(client, await openKey(CORDON_KEYSTORE, name, password))
// No order can be paid before this block.
const { executedHeight } = await client.call('chain_status', {})
const server = createServer((request, response) => {
  answer(request).then(
    ([status, body]) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (error: unknown) => response.writeHead(400).end(JSON.stringify({ error: String(error) })),
  )
})
server.listen(PORT, '127.0.0.1', () => console.log(JSON.stringify({ listening: server.address() })))
try {
  for await (const block of client.blocks({ fromHeight: executedHeight + 1, signal: stop.signal })) {
    for (const result of block.results) await noteTransaction(result)
    for (const order of orders.values()) if (order.state === 'held') await lookAfterHold(order)
  }
} finally {
  server.close()
  server.closeAllConnections()
  client.close()
}

async function noteTransaction({ txId, status }: BlockEvent['results'][number]): Promise<void> {
  if (status === 'failed') return
  const { transfers } = await client.call('tx_get', { txId })
  for (const { to, amount, memo, holdId } of transfers) {
    const order = orders.get(memo)
    if (to !== wallet.address || order === undefined || BigInt(amount) !== order.amountUnits) continue
    // Whoever pays again while the first payment is held has paid; whoever pays twice has paid too much.
    if (order.state === 'paid' || (order.state === 'held' && holdId !== null)) continue
    Object.assign(order, { txId, hold: holdId })
    tell(order, holdId === null ? 'paid' : 'held')
  }
}

async function lookAfterHold(order: Order): Promise<void> {
  const { status } = await client.call('quarantine_get', { id: order.hold ?? '' })
  if (status === 'open') return
  const isOurs = status === 'released' || status === 'confirmed' || status === 'expired-released'
  tell(order, isOurs ? 'paid' : 'open')
}

function tell(order: Order, state: Order['state']): void {
  order.state = state
  console.log(JSON.stringify({ order: order.id, state, txId: order.txId }))
}

async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
  const [, noun, id] = (request.url ?? '').split('/')
  if (noun !== 'orders') return [404, { error: 'expected /orders' }]
  if (request.method === 'POST') return [201, open(await bodyOf(request))]
  const order = orders.get(id ?? '')
  if (order === undefined) return [404, { error: 'no such order' }]
  const { state, txId } = order
  const receipt =
    state === 'paid' && txId !== null ? await fetchReceipt(client, txId, RECEIPT_TIMEOUT_MS) : null
  return [200, { order: id, state, txId, receipt }]
}

function open({ amount }: { readonly amount?: unknown }): object {
  const id = randomUUID()
  orders.set(id, { id, amountUnits: parseAmount(String(amount)), state: 'open', txId: null, hold: null })
  return { order: id, payTo: wallet.address, amount, memo: id }
}

async function bodyOf(request: IncomingMessage): Promise<{ readonly amount?: unknown }> {
  if (Number(request.headers['content-length'] ?? Infinity) > MAX_BODY_BYTES)
    throw new RangeError(`expected a body of at most ${MAX_BODY_BYTES} bytes`)
  return JSON.parse(await text(request)) as { amount?: unknown }
}
