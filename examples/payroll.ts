/**
 * Pays wages once, however often it is started: `node examples/payroll.ts KEY wages.csv`, with `CORDON_RPC` and
 * `CORDON_KEYSTORE`. A line of the file is `ADDRESS,12.50CRD,memo`.
 *
 * All transfers go into one transaction, so that everybody is paid or nobody. Its signed bytes are kept beside the list
 * before they are sent: the same bytes are the same payment, so a second start, even at the same time, sends those and
 * nothing else. Only when they can provably no longer settle is a new transaction signed. A list that was changed after it
 * was signed is refused: next month's has another name.
 *
 * (`cordon wallet payout run` does this row by row, and outlasts a power cut. This is how it works.)
 */
import { createHash } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  connect,
  formatAmount,
  fromHex,
  isProvablyExpired,
  openKey,
  parseAmount,
  submitAndWait,
  toHex,
  Wallet,
  type SignedPayment,
  type TransferRequest,
} from 'cordon/client'

/** One attempt, as it is kept. */
interface Kept {
  /** SHA-256 of the list that it pays. */
  readonly list: string
  readonly txId: string
  readonly bytes: string
  readonly validUntilMs: number
}

const TIMEOUT_MS = 30_000
const EXIT_CODES = { settled: 0, held: 6 } as const
const { CORDON_RPC, CORDON_KEYSTORE } = process.env
const [name, path] = process.argv.slice(2)
if (name === undefined || path === undefined || CORDON_RPC === undefined || CORDON_KEYSTORE === undefined) {
  console.error('usage: CORDON_RPC=URL CORDON_KEYSTORE=DIRECTORY node examples/payroll.ts KEY LIST')
  process.exit(2)
}

const text = readFileSync(path, 'utf8')
const wages = readWages(text)
const list = createHash('sha256').update(text).digest('hex')
const password = readFileSync(`${CORDON_KEYSTORE}/password`, 'utf8').trim()
const client = await connect(CORDON_RPC.split(','))
try {
  const wallet = await Wallet.open(client, await openKey(CORDON_KEYSTORE, name, password))
  const { info, latencyMs } = await submitAndWait(client, await attempt(wallet), TIMEOUT_MS)
  const { txId, status, holds } = info
  const total = formatAmount(wages.reduce((sum, { amount }) => sum + BigInt(amount), 0n))
  console.log(JSON.stringify({ txId, status, payees: wages.length, total, holds, latencyMs }))
  process.exitCode = status === 'settled' || status === 'held' ? EXIT_CODES[status] : 5
} finally {
  client.close()
}

function readWages(content: string): TransferRequest[] {
  const lines = content.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => {
    const [to, amount, memo = ''] = line.split(',').map((part) => part.trim())
    if (to === undefined || amount === undefined)
      throw new Error(`wage ${index + 1}: expected ADDRESS,AMOUNT,MEMO, got ${JSON.stringify(line)}`)
    return { to, amount: parseAmount(amount), memo }
  })
}

/** The newest attempt, unless that has failed or can provably not settle any more: then another one. */
async function attempt(wallet: Wallet): Promise<SignedPayment> {
  for (let number = 1; ; number++) {
    const kept = read(number) ?? keep(number, await wallet.prepare(...wages))
    if (kept.list !== list)
      throw new Error(`${path ?? ''} was changed after it was signed; give a new list a name of its own`)
    const info = await client.call('tx_get', { txId: kept.txId })
    if (info.status !== 'failed' && !isProvablyExpired(info, kept.validUntilMs))
      return { txId: fromHex(kept.txId), bytes: fromHex(kept.bytes) }
  }
}

function pathOf(number: number): string {
  return `${path ?? ''}.payment-${number}`
}

function read(number: number): Kept | null {
  return existsSync(pathOf(number)) ? (JSON.parse(readFileSync(pathOf(number), 'utf8')) as Kept) : null
}

/** Of two processes one makes the file, and both send what is in it. */
function keep(number: number, { txId, bytes, validUntilMs }: SignedPayment & { validUntilMs: number }): Kept {
  const own: Kept = { list, txId: toHex(txId), bytes: toHex(bytes), validUntilMs }
  const draft = `${pathOf(number)}.${process.pid}`
  writeFileSync(draft, JSON.stringify(own), { flush: true })
  try {
    linkSync(draft, pathOf(number)) // fails if the name is taken
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return read(number) ?? own
}
