/** Victims of a devnet's attacks: funded accounts that nobody else uses, each of them once. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RpcClient } from '../../client/rpc-client.ts'
import { CordonError } from '../../config/errors.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { KEY_COSTS, createKey, hasKey } from '../../crypto/keystore.ts'
import { VICTIMS, devnetAddress } from '../accounts.ts'
import { deriveKey, keySeed } from '../keys.ts'
import { devnetPaths } from '../layout.ts'

/** A victim with less was emptied before. */
const LEAST_BALANCE_UNITS = 1_000_000_000n

export interface TakenVictim {
  readonly number: number
  readonly balanceUnits: bigint
}

/**
 * The next victim that still has its money. Its number is taken for good, by a file that only one process can make.
 * @throws CordonError `devnet-missing` when all victims of this devnet are used up.
 */
export async function takeVictim(dir: string, seed: string, client: RpcClient): Promise<TakenVictim> {
  const { attacks } = devnetPaths(dir)
  mkdirSync(attacks, { recursive: true })
  const played = readdirSync(attacks).map(Number).filter(Number.isInteger)
  for (let number = Math.max(-1, ...played) + 1; number < VICTIMS; number++) {
    if (!claim(join(attacks, String(number)))) continue
    const address = devnetAddress(deriveKey(seed, 'victim', number).publicKey)
    const balanceUnits = BigInt((await client.call('account_get', { address })).available)
    if (balanceUnits < LEAST_BALANCE_UNITS) continue
    await giveKeyBack(dir, seed, number)
    return { number, balanceUnits }
  }
  throw new CordonError(
    'devnet-missing',
    `all ${VICTIMS} victims of the devnet in ${dir} are used up; make a new chain with: cordon devnet reset --dir ${dir}`,
    { dir },
  )
}

/** The rightful owner has the key as well: it goes into the keystore, so that what is held can be recalled. */
async function giveKeyBack(dir: string, seed: string, number: number): Promise<void> {
  const { keystore, password } = devnetPaths(dir)
  const name = `victim-${number}`
  if (hasKey(keystore, name)) return
  await createKey(keystore, {
    name,
    prefix: ADDRESS_PREFIX.devnet,
    seed: keySeed(seed, 'victim', number),
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
