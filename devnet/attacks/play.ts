/** Plays an attack against a running devnet, with a victim of its own, and counts how it ended. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CordonError } from '../../config/errors.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { KEY_COSTS, createKey, hasKey } from '../../crypto/keystore.ts'
import type { TxInfo } from '../../client/api.ts'
import { submitAndWait } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { VICTIMS, devnetAddress } from '../accounts.ts'
import { deriveKey, keySeed } from '../keys.ts'
import { devnetPaths, readDevnetFile } from '../layout.ts'
import { chainFacts, signPayment, type ChainFacts } from '../payments.ts'
import { planAttack, type AttackPattern } from './attack.ts'
import type { AttackPayment } from './victim.ts'

/** Longest wait for one payment to become final. */
const FINAL_TIMEOUT_MS = 30_000
/** A victim with less was emptied before. */
const LEAST_BALANCE_UNITS = 1_000_000_000n

export interface AttackResult {
  readonly pattern: AttackPattern
  /** Payments labelled as fraud; the next three count these only. */
  readonly fraudulent: number
  readonly held: number
  readonly settled: number
  /** Failed, refused or expired. */
  readonly failed: number
  /** Ids of the holds. */
  readonly holds: readonly string[]
}

export interface AttackOptions {
  readonly dir: string
  readonly pattern: AttackPattern
  /** One client per validator: payments go through them in turn. */
  readonly clients: readonly RpcClient[]
  readonly signal?: AbortSignal
}

/**
 * Plays it at its own pace and waits until every payment is final.
 * @throws CordonError `devnet-missing` when all victims of this devnet are used up; `outcome-unknown` when a payment
 * does not become final.
 */
export async function playAttack(options: AttackOptions): Promise<AttackResult> {
  const { dir, pattern, clients, signal } = options
  const { seed } = readDevnetFile(dir)
  const client = at(clients, 0)
  const facts = chainFacts(await client.call('chain_info', {}))
  const { attack, balanceUnits } = await takeVictim(dir, seed, client)
  const plan = planAttack(pattern, { seed, attack, balanceUnits, feeUnits: facts.feeUnits })
  const startMs = performance.now()
  const ends = await Promise.all(
    plan.payments.map(async (payment, index) => {
      await delay(
        Math.max(startMs + payment.atMs - performance.now(), 0),
        undefined,
        signal === undefined ? {} : { signal },
      )
      return {
        payment,
        info: await pay(at(clients, (attack + index) % clients.length), { seed, attack, facts, payment }),
      }
    }),
  )
  return count(pattern, ends)
}

interface Shot {
  readonly seed: string
  readonly attack: number
  readonly facts: ChainFacts
  readonly payment: AttackPayment
}

/** Null: the node refused the payment. */
async function pay(client: RpcClient, { seed, attack, facts, payment }: Shot): Promise<TxInfo | null> {
  const { kind, index } = payment.to
  const to =
    kind === 'mule' ? deriveKey(seed, 'mule', `${attack}/${index}`) : deriveKey(seed, 'citizen', index)
  const signed = signPayment(facts, {
    from: deriveKey(seed, 'victim', attack),
    to: to.publicKey,
    amountUnits: payment.amountUnits,
    memo: payment.memo,
    validUntilMs: Date.now() + facts.validityMs,
  })
  try {
    return (await submitAndWait(client, signed, FINAL_TIMEOUT_MS)).info
  } catch (error) {
    if (error instanceof CordonError && error.code.startsWith('tx-')) return null
    throw error
  }
}

function count(
  pattern: AttackPattern,
  ends: readonly { payment: AttackPayment; info: TxInfo | null }[],
): AttackResult {
  const fraud = ends.filter(({ payment }) => payment.fraudulent).map(({ info }) => info)
  const held = fraud.filter((info) => info?.status === 'held')
  const settled = fraud.filter((info) => info?.status === 'settled')
  return {
    pattern,
    fraudulent: fraud.length,
    held: held.length,
    settled: settled.length,
    failed: fraud.length - held.length - settled.length,
    holds: held.flatMap((info) => info?.holds ?? []),
  }
}

/** The next victim that still has its money. Its number is taken for good, by a file that only one process can make. */
async function takeVictim(
  dir: string,
  seed: string,
  client: RpcClient,
): Promise<{ attack: number; balanceUnits: bigint }> {
  const { attacks } = devnetPaths(dir)
  mkdirSync(attacks, { recursive: true })
  const played = readdirSync(attacks).map(Number).filter(Number.isInteger)
  for (let attack = Math.max(-1, ...played) + 1; attack < VICTIMS; attack++) {
    if (!claim(join(attacks, String(attack)))) continue
    const address = devnetAddress(deriveKey(seed, 'victim', attack).publicKey)
    const balanceUnits = BigInt((await client.call('account_get', { address })).available)
    if (balanceUnits < LEAST_BALANCE_UNITS) continue
    await giveKeyBack(dir, seed, attack)
    return { attack, balanceUnits }
  }
  throw new CordonError(
    'devnet-missing',
    `all ${VICTIMS} victims of the devnet in ${dir} are used up; make a new chain with: cordon devnet reset --dir ${dir}`,
    { dir },
  )
}

/** The rightful owner has the key as well: it goes into the keystore, so that what is held can be recalled. */
async function giveKeyBack(dir: string, seed: string, attack: number): Promise<void> {
  const { keystore, password } = devnetPaths(dir)
  const name = `victim-${attack}`
  if (hasKey(keystore, name)) return
  await createKey(keystore, {
    name,
    prefix: ADDRESS_PREFIX.devnet,
    seed: keySeed(seed, 'victim', attack),
    password: readFileSync(password, 'utf8').split('\n', 1)[0] ?? '',
    cost: KEY_COSTS.light,
  })
}

function claim(path: string): boolean {
  try {
    writeFileSync(path, '', { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new RangeError(`expected an item ${index}, there are ${items.length}`)
  return item
}
