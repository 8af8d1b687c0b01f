/** How numbers, times and ids look on the page. */
import { formatAmount } from '../../../config/amount.ts'

const SHORT_HEAD = 8
const SHORT_TAIL = 6

/** `1,234.50 CRD` of a decimal string of uCRD. */
export function amount(units: string): string {
  const [number = '', unit = ''] = formatAmount(BigInt(units)).split(/(?=CRD)/)
  const [whole = '', decimals] = number.split('.')
  return `${grouped(whole)}${decimals === undefined ? '' : `.${decimals}`} ${unit}`
}

/** With a capital, at the beginning of a sentence. */
export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** As a sentence of its own: what comes from the node begins small and ends without a stop. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? capital(text) : `${capital(text)}.`
}

/** `v1`, `v1 and v2`, `v1, v2 and v3`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** `1,234`. */
export function count(value: number): string {
  return grouped(String(Math.round(value)))
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `340 ms`, `1.2 s`, `3 min`, `2 h`, `5 d`: as much as one needs to know. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 2 * 86_400_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

/** `14:03:07`, local time. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}

/** `27 Nov 2026, 14:03:07`, local time. */
export function dateTime(ms: number): string {
  return `${new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })}, ${clock(ms)}`
}

/** Both ends of an id or address: what people compare. */
export function short(id: string): string {
  return id.length <= SHORT_HEAD + SHORT_TAIL + 1 ? id : `${id.slice(0, SHORT_HEAD)}…${id.slice(-SHORT_TAIL)}`
}

/** `12.5 %` of hundredths of a per cent. */
export function share(bps: number): string {
  return `${(bps / 100).toFixed(bps % 100 === 0 ? 0 : 1)} %`
}

/** `640 KiB`, `12.5 MiB`, `3.1 GiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10))
  const scaled = value / 1024 ** step
  return `${scaled.toFixed(step === 0 || scaled >= 100 ? 0 : 1)} ${units[step] ?? ''}`
}
