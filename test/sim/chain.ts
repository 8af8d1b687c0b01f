/** The chain of a simulation: genesis with the drawn validators and some funded accounts. */
import { createHash } from 'node:crypto'
import { genesisHash, type Genesis } from '../../config/genesis.ts'
import type { Parameters } from '../../config/parameters.ts'
import { compareBytes } from '../../crypto/bytes.ts'

export const CREATED_MS = 1_700_000_000_000
const BALANCE = 1_000_000_000_000n

/** 32 bytes that no key stands behind; the ledger does not look at signatures when it executes. */
function accountId(name: string): Uint8Array {
  return createHash('sha256').update(`simulated account ${name}`).digest()
}

export const ACCOUNTS: readonly Uint8Array[] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(accountId)

export interface SimChain {
  readonly genesis: Genesis
  readonly genesisHash: Uint8Array
}

export function makeSimChain(
  validators: readonly { readonly publicKey: Uint8Array; readonly weight: bigint }[],
  parameters: Parameters,
): SimChain {
  const operators = validators.map((_, index) => accountId(`operator ${index}`))
  const genesis: Genesis = {
    network: 'devnet',
    createdMs: CREATED_MS,
    nonce: new Uint8Array(16),
    parameters,
    validators: validators.map(({ publicKey, weight }, index) => ({
      name: `v${index + 1}`,
      publicKey,
      operator: operators[index] ?? new Uint8Array(32),
      stake: weight,
    })),
    accounts: [...ACCOUNTS, ...operators]
      .map((id) => ({ id, balance: BALANCE }))
      .sort((left, right) => compareBytes(left.id, right.id)),
  }
  return { genesis, genesisHash: genesisHash(genesis) }
}
