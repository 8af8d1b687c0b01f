/** What `cordon devnet --config-out` writes: all that a program needs to use a devnet, keys of the named accounts included. */
import { toHex } from '../crypto/bytes.ts'
import { namedAccounts } from '../devnet/accounts.ts'
import { devnetPaths, type DevnetFile } from '../devnet/layout.ts'
import type { ReadyEvent } from '../devnet/ready.ts'
import { replaceFile } from './files.ts'

const FORMAT = 'cordon-devnet-config/1'

/**
 * Replaces what is there, since ports may change from one start to the next; for its owner's eyes.
 * @throws CordonError `usage` if it cannot be written.
 */
export function writeDevnetConfig(
  path: string,
  { mnemonic, dashboard, dir }: ReadyEvent,
  { genesisHash, nodes, seed }: DevnetFile,
): void {
  const content = {
    format: FORMAT,
    dir,
    genesisHash,
    genesis: devnetPaths(dir).genesis,
    dashboard,
    nodes: nodes.map(({ name, validator, rpc }) => ({ name, validator, rpc })),
    mnemonic,
    accounts: namedAccounts(seed).map(({ name, address, seed: own }) => ({
      name,
      address,
      secretSeed: toHex(own),
    })),
  }
  replaceFile(path, `${JSON.stringify(content, null, 2)}\n`)
}
