/**
 * Value is conserved: balances, open holds, stake and fees always add up to the same. The totals after a block are
 * taken from the entries it changed, not from what the actions say they moved, and checked before anything is written.
 */
import { CordonError } from '../config/errors.ts'
import type { StateBefore, StateChanges } from './draft.ts'
import { valueOfEntry } from './entries.ts'
import { totalSupply } from './genesis.ts'
import type { Entry } from './state/bucket.ts'
import type { Hold, Totals } from './types.ts'

function openAmount(hold: Hold | null): bigint {
  return hold?.end === null ? hold.amount : 0n
}

/** Totals after changes to a state with these totals. */
export function totalsAfter(totals: Totals, before: StateBefore, changes: StateChanges): Totals {
  let { balances, holds, stake } = totals
  for (const [key, account] of changes.accounts)
    balances += account.balance - (before.accounts.get(key)?.balance ?? 0n)
  for (const [key, hold] of changes.holds)
    holds += openAmount(hold) - openAmount(before.holds.get(key) ?? null)
  for (const [index, validator] of changes.validators)
    stake += validator.stake - (before.validators[index]?.stake ?? 0n)
  return { balances, holds, stake, fees: totals.fees + changes.fees - before.fees }
}

/** @throws CordonError `data-inconsistent` if value was made or lost, naming where. */
export function checkConservation(before: Totals, after: Totals, height: number): void {
  const negative = Object.values(after).some((value: bigint) => value < 0n)
  if (totalSupply(before) === totalSupply(after) && !negative) return
  const describe = ({ balances, holds, stake, fees }: Totals): string =>
    `balances ${balances}, holds ${holds}, stake ${stake}, fees ${fees}`
  throw new CordonError(
    'data-inconsistent',
    `block ${height} would change the total of all value: before ${describe(before)}; after ${describe(after)}. Nothing was written; please report this block`,
    { height },
  )
}

/** Totals counted anew over the whole state; for audits. */
export async function valueOfState(entries: AsyncIterable<Entry>): Promise<Totals> {
  const totals = { balances: 0n, holds: 0n, stake: 0n, fees: 0n }
  for await (const { value } of entries) {
    const { balances, holds, stake, fees } = valueOfEntry(value)
    totals.balances += balances
    totals.holds += holds
    totals.stake += stake
    totals.fees += fees
  }
  return totals
}
