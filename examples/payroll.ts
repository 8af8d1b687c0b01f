/**
 * Pays wages once, however often it is started: `node examples/payroll.ts KEY wages.csv`, with `CORDON_RPC` and
 * `CORDON_KEYSTORE`. A line of the file is `ADDRESS,12.50CRD,memo`.
 *
 * All transfers go into one transaction, so that everybody is paid or nobody. Its signed bytes are kept beside the list
 * before they are sent: the same bytes are the same payment, so a second start sends those and nothing else. Only when the
 * chain has passed their validity without them is a new transaction signed.
 *
 * (`cordon wallet payout run` does this and more. This is how it works.)
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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
  type PreparedPayment,
  type TransferRequest,
} from 'cordon/client'

const TIMEOUT_MS = 30_000
const { CORDON_RPC, CORDON_KEYSTORE } = process.env
const [name, list] = process.argv.slice(2)
if (name === undefined || list === undefined || CORDON_RPC === undefined || CORDON_KEYSTORE === undefined) {
  console.error('usage: CORDON_RPC=URL CORDON_KEYSTORE=DIRECTORY node examples/payroll.ts KEY LIST')
  process.exit(2)
}

const client = await connect(CORDON_RPC.split(','))
try {
  const password = readFileSync(`${CORDON_KEYSTORE}/password`, 'utf8').trim()
  const wallet = await Wallet.open(client, await openKey(CORDON_KEYSTORE, name, password))
  const wages = readWages(list)
  const payment =
    (await unfinished(`${list}.payment`)) ?? keep(`${list}.payment`, await wallet.prepare(...wages))
  const { info, latencyMs } = await submitAndWait(client, payment, TIMEOUT_MS)
  const total = formatAmount(wages.reduce((sum, { amount }) => sum + BigInt(amount), 0n))
  console.log(
    JSON.stringify({
      txId: info.txId,
      status: info.status,
      payees: wages.length,
      total,
      holds: info.holds,
      latencyMs,
    }),
  )
  process.exitCode = info.status === 'settled' ? 0 : info.status === 'held' ? 6 : 5
} finally {
  client.close()
}

function readWages(path: string): TransferRequest[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const [to, amount, memo = ''] = line.split(',').map((part) => part.trim())
      if (to === undefined || amount === undefined)
        throw new Error(
          `${path}, line ${index + 1}: expected ADDRESS,AMOUNT,MEMO, got ${JSON.stringify(line)}`,
        )
      return { to, amount: parseAmount(amount), memo }
    })
}

/** Kept bytes that may still settle, or have; null: there are none. */
async function unfinished(path: string): Promise<PreparedPayment | null> {
  if (!existsSync(path)) return null
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Record<'txId' | 'bytes' | 'feeUnits', string> & {
    validUntilMs: number
  }
  const info = await client.call('tx_get', { txId: kept.txId })
  if (isProvablyExpired(info, kept.validUntilMs)) return null
  return {
    txId: fromHex(kept.txId),
    bytes: fromHex(kept.bytes),
    validUntilMs: kept.validUntilMs,
    feeUnits: BigInt(kept.feeUnits),
  }
}

function keep(path: string, payment: PreparedPayment): PreparedPayment {
  const { txId, bytes, validUntilMs, feeUnits } = payment
  const content = { txId: toHex(txId), bytes: toHex(bytes), validUntilMs, feeUnits: String(feeUnits) }
  writeFileSync(`${path}.new`, JSON.stringify(content), { flush: true })
  renameSync(`${path}.new`, path)
  return payment
}
