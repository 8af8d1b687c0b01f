/** What `cordon devnet --config-out` writes: all that a program needs to use a devnet, keys of the named accounts included. */
import { writeFileSync } from 'node:fs'
import { CordonError } from '../config/errors.ts'
import { toHex } from '../crypto/bytes.ts'
import { namedAccounts } from './accounts.ts'
import { devnetPaths, type DevnetFile } from './layout.ts'
import type { ReadyEvent } from './ready.ts'

const FORMAT = 'cordon-devnet-config/1'

/**
 * Writes over what is there, since ports may change from one start to the next; for its owner's eyes.
 * @throws CordonError `usage` if it cannot be written.
 */
export function writeDevnetConfig(path: string, ready: ReadyEvent, file: DevnetFile): void {
  const { validators, fullNodes, accounts, mnemonic, dashboard, dir } = ready
  const seeds = new Map(namedAccounts(file.seed).map(({ name, seed }) => [name, toHex(seed)]))
  const content = {
    format: FORMAT,
    dir,
    genesisHash: file.genesisHash,
    genesis: devnetPaths(dir).genesis,
    dashboard,
    nodes: [
      ...validators.map(({ name, rpc }) => ({ name, validator: true, rpc })),
      ...fullNodes.map(({ name, rpc }) => ({ name, validator: false, rpc })),
    ],
    mnemonic,
    accounts: accounts.map(({ name, address }) => ({ name, address, secretSeed: seeds.get(name) })),
  }
  try {
    writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  } catch (error) {
    throw new CordonError(
      'usage',
      `--config-out: ${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      { path },
      { cause: error },
    )
  }
}
