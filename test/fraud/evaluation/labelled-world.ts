/** A small labelled world as CSV: accounts that pay each other now and then, and fan-ins of launderers. Seeded. */
import { random } from '../play.ts'

export const HEADER = 'time,kind,from,to,amount,is_sar,pattern_id,pattern_type'

const ACCOUNTS = 60
const DAYS = 26
const PAYMENTS_PER_DAY = 60
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2023, 0, 1)
/** Days on which ten accounts pay one within an hour. */
const FAN_INS = [21, 23, 25]
const PAYERS = 10

export interface WorldRow {
  readonly atMs: number
  readonly fields: readonly (string | number)[]
}

export function iso(atMs: number): string {
  return new Date(START_MS + atMs).toISOString().slice(0, 19)
}

export function labelledWorld(seed = 1): string {
  const next = random(seed)
  const below = (count: number): number => Math.floor(next() * count)
  const amount = (): string => (1 + 100 * next()).toFixed(2)
  const rows: WorldRow[] = []
  for (let account = 0; account < ACCOUNTS; account++)
    rows.push({ atMs: 0, fields: ['opening', -2, account, '5000.00', 0, '', ''] })
  for (let day = 0; day < DAYS; day++) {
    const moment = (): number => day * DAY_MS + below(DAY_MS)
    rows.push({ atMs: moment(), fields: ['income', -2, below(ACCOUNTS), '250.50', 0, '', ''] })
    rows.push({ atMs: moment(), fields: ['spend', below(ACCOUNTS), -1, amount(), 0, '', ''] })
    for (let i = 0; i < PAYMENTS_PER_DAY; i++) {
      const from = below(ACCOUNTS)
      // Mostly to friends, so that a new payee is news.
      const to = (from + 1 + below(next() < 0.9 ? 3 : ACCOUNTS - 1)) % ACCOUNTS
      rows.push({ atMs: moment(), fields: ['transfer', from, to, amount(), 0, i, 'normal:single'] })
    }
    if (!FAN_INS.includes(day)) continue
    const payee = below(ACCOUNTS)
    for (let i = 1; i <= PAYERS; i++) {
      const from = (payee + 5 * i) % ACCOUNTS
      rows.push({
        atMs: day * DAY_MS + i * 300_000,
        fields: ['transfer', from, payee, amount(), 1, day, 'fan_in'],
      })
    }
  }
  return csv(rows.sort((a, b) => a.atMs - b.atMs))
}

export function csv(rows: readonly WorldRow[]): string {
  return `${[HEADER, ...rows.map(({ atMs, fields }) => [iso(atMs), ...fields].join(','))].join('\n')}\n`
}
