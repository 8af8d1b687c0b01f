/**
 * Amounts as people write them. A unit is required, so that nobody is off by a factor of a million: `12.50CRD` and
 * `12500000uCRD` are the same. Inside, an amount is a bigint of uCRD.
 */
import { CordonError } from './errors.ts'
import { ASSET } from './networks.ts'

const UNITS_PER_ASSET = 10n ** BigInt(ASSET.decimals)
const FEWEST_DECIMALS_SHOWN = 2

/** The largest amount there can be: the supply stays below 2^63. */
export const MAX_AMOUNT_UNITS: bigint = 2n ** 63n - 1n

/**
 * uCRD of an amount with its unit.
 * @throws CordonError `amount-invalid` for a missing or unknown unit, too many decimals, or a value out of range.
 */
export function parseAmount(text: string): bigint {
  const match = /^(\d{1,30})(?:\.(\d{1,30}))?(u?CRD)$/.exec(text)
  if (match === null) throw invalid(text, explain(text))
  const [, whole = '', decimals = '', unit] = match
  if (unit === ASSET.unit && decimals !== '') {
    throw invalid(
      text,
      `has decimals, but ${ASSET.unit} is the smallest unit; write it in ${ASSET.name} or without a point`,
    )
  }
  if (decimals.length > ASSET.decimals) {
    throw invalid(text, `has ${decimals.length} decimals; ${ASSET.name} has ${ASSET.decimals}`)
  }
  const fraction = BigInt(decimals.padEnd(ASSET.decimals, '0'))
  const units = unit === ASSET.unit ? BigInt(whole) : BigInt(whole) * UNITS_PER_ASSET + fraction
  if (units > MAX_AMOUNT_UNITS)
    throw invalid(text, `is more than there can be: at most ${formatAmount(MAX_AMOUNT_UNITS)}`)
  return units
}

/** `12.50CRD`: two decimals, or as many as it takes. */
export function formatAmount(units: bigint): string {
  const sign = units < 0n ? '-' : ''
  const size = units < 0n ? -units : units
  const fraction = (size % UNITS_PER_ASSET).toString().padStart(ASSET.decimals, '0')
  const shown =
    fraction.slice(0, FEWEST_DECIMALS_SHOWN) + fraction.slice(FEWEST_DECIMALS_SHOWN).replace(/0+$/, '')
  return `${sign}${size / UNITS_PER_ASSET}.${shown}${ASSET.name}`
}

/** `12500000uCRD`. */
export function formatUnits(units: bigint): string {
  return `${units}${ASSET.unit}`
}

function explain(text: string): string {
  const examples = `such as 12.50${ASSET.name} or 12500000${ASSET.unit}`
  if (/^\d+(\.\d+)?$/.test(text))
    return `has no unit; write it as ${text}${ASSET.name} or in ${ASSET.unit}, ${examples}`
  if (text.startsWith('-')) return `is negative; expected an amount ${examples}`
  if (/^[\d.]+u?crd$/i.test(text))
    return `has its unit misspelt, letter case counts; expected an amount ${examples}`
  if (/\s/.test(text)) return `has a space in it; expected an amount ${examples}`
  return `is no amount; expected one ${examples}`
}

function invalid(text: string, problem: string): CordonError {
  const shown = text.slice(0, 80)
  return new CordonError('amount-invalid', `amount ${JSON.stringify(shown)} ${problem}`, { amount: shown })
}
