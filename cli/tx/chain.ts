/** What a transaction has to know of its chain, from a node or from a genesis file. */
import { CordonError } from '../../config/errors.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { chainIdOf, genesisHash, type Genesis } from '../../config/genesis.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { devnetPaths } from '../../devnet/layout.ts'
import type { StructureRules } from '../../ledger/rules.ts'
import { chosenDevnet } from '../context.ts'
import type { Chain } from '../../client/signing.ts'

/** Chain id and lowest fee, and how the network names accounts. */
export interface ChainFacts extends StructureRules {
  readonly network: string
  readonly addressPrefix: string
  readonly walletValidityMs: number
  /** As far as known: of the newest block, or of this machine's clock if that is ahead. */
  readonly timeMs: number
}

export function factsOfNode({ info, chainId, blockTimeMs }: Chain): ChainFacts {
  const { network, addressPrefix, minFee, walletValidityMs } = info
  const timeMs = Math.max(blockTimeMs, Date.now())
  return { chain: chainId, minFee: Number(minFee), network, addressPrefix, walletValidityMs, timeMs }
}

/** @throws CordonError `genesis-invalid`, `format-version`. */
export function factsOfGenesisFile(path: string): ChainFacts {
  return factsOfGenesis(readGenesisFile(path))
}

function factsOfGenesis(genesis: Genesis): ChainFacts {
  const { network, parameters } = genesis
  const { minFee, walletValidityMs } = parameters
  return {
    chain: chainIdOf(genesisHash(genesis)),
    minFee,
    network,
    addressPrefix: ADDRESS_PREFIX[network],
    walletValidityMs,
    timeMs: Date.now(),
  }
}

/**
 * Facts for a command that never asks a node: those of `--genesis`, else of the devnet's genesis.
 * @throws CordonError `usage` if nothing says which chain is meant.
 */
export function offlineFacts(options: { readonly genesis?: string; readonly dir?: string }): ChainFacts {
  const devnet = options.genesis === undefined ? chosenDevnet(options) : null
  const path = options.genesis ?? (devnet === null ? null : devnetPaths(devnet.dir).genesis)
  if (path !== null) return factsOfGenesisFile(path)
  throw new CordonError(
    'usage',
    'say which chain this is for: --genesis FILE, the genesis file that its operators hand out',
  )
}
