/** The state before the first block. */
import { CordonError } from '../config/errors.ts'
import type { Genesis } from '../config/genesis.ts'
import {
  accountKey,
  encodeAccount,
  encodeFees,
  encodeParameters,
  encodeValidator,
  feesKey,
  parametersKey,
  validatorKey,
} from './entries.ts'
import type { Totals } from './types.ts'

const MAX_U64 = 2n ** 64n - 1n

/** Entries of the state that genesis describes. */
export function* genesisEntries(
  genesis: Genesis,
): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
  yield { key: parametersKey(), value: encodeParameters(genesis.parameters) }
  yield { key: feesKey(), value: encodeFees(0n) }
  for (const [index, validator] of genesis.validators.entries()) {
    yield {
      key: validatorKey(index),
      value: encodeValidator({ index, ...validator, flagsConfirmed: 0n, flagsRefuted: 0n, offence: null }),
    }
  }
  for (const { id, balance } of genesis.accounts) {
    yield {
      key: accountKey(id),
      value: encodeAccount({
        id,
        balance,
        sequence: 0n,
        createdMs: genesis.createdMs,
        labels: 0,
        guardian: null,
      }),
    }
  }
}

/**
 * Where all value is at genesis. Stake is value of its own, locked.
 * @throws CordonError `genesis-invalid` if it does not fit 64 bits: then no balance could ever overflow.
 */
export function genesisTotals(genesis: Genesis): Totals {
  let balances = 0n
  for (const { balance } of genesis.accounts) balances += balance
  let stake = 0n
  for (const validator of genesis.validators) stake += validator.stake
  if (balances + stake > MAX_U64) {
    throw new CordonError(
      'genesis-invalid',
      `balances and stake must together be below 2^64 uCRD, got ${balances + stake}; lower them`,
    )
  }
  return { balances, holds: 0n, stake, fees: 0n }
}

/** All value there is, in uCRD. */
export function totalSupply({ balances, holds, stake, fees }: Totals): bigint {
  return balances + holds + stake + fees
}
