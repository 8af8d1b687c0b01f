/** What a feature's value means to a person, with the number in it. */
import type { FeatureName } from '../schema.ts'

/** An amount is "about" another within a tenth. */
const CLOSE_LOG2 = 0.14

export function sentence(
  feature: FeatureName,
  value: number,
  usual: number | null,
  column: (name: FeatureName) => number,
): string {
  const usually = usual === null ? '' : `, usually ${count(usual)}`
  switch (feature) {
    case 'out_count_10m':
      return `${count(value)} payments in 10 minutes${usual === null ? ', no earlier habit known' : usually}`
    case 'new_payees_1m':
      return `${count(value)} new payees within a minute`
    case 'new_payees_1h':
      return `${count(value)} new payees within an hour`
    case 'drain_new_10m':
      return `${percent(value)} of the balance leaves for new payees within 10 minutes`
    case 'drain_new_1h':
      return `${percent(value)} of the balance leaves for new payees within an hour`
    case 'passed_on_1d':
      return `${percent(value)} of what this account received within a day goes on`
    case 'idle_ratio_log2':
      return `first payment after ${count(2 ** value)} times the usual pause of this account`
    case 'own_ratio_log2':
      return `${money(column('amount'))} where this account usually pays ${moneyAround(column('amount') / 2 ** value, column('own_spread_log2'))}`
    case 'population_ratio_log2':
      return `${money(column('amount'))} where ${money(column('amount') / 2 ** value)} is usual on this network`
    case 'new_payees_1d':
      return `${count(value)} new payees within 24 hours, on this network usually ${count(usual ?? 1)}`
    case 'payee_new_payers_1d':
      return `${count(value)} payers who never paid this payee before, within 24 hours${usually}`
    case 'payer_new_payers_7d':
      return `this account received from ${count(value)} new payers in 7 days${usually}`
    case 'payers_received_7d':
      return `those who paid this account received ${count(value)} payments in 7 days${usually}`
    case 'circles_of_four':
      return 'closes a circle: payer and payee have recent partners who pay each other'
    case 'payee_flow':
      return 'money of earlier suspicious payments has reached this payee'
    case 'pair_new':
      return value === 1
        ? 'first payment to this payee'
        : `${count(column('pair_count'))} earlier payments to this payee`
    case 'out_count_7d':
      return `${count(value)} payments of this account in 7 days`
    case 'payer_in_count_7d':
      return `received ${count(value)} payments in 7 days`
    case 'inflow_match_log2':
      return value < CLOSE_LOG2
        ? 'about what this account received lately goes on'
        : `${money(column('amount'))} after ${money(column('payer_in_sum_7d'))} received in 7 days`
    case 'payee_new_payees_7d':
      return `this payee itself paid ${count(value)} new payees in 7 days`
    case 'reciprocal':
      return value === 1
        ? 'this payee has paid this account before'
        : 'this payee has never paid this account'
    case 'amount':
      return `the amount, ${money(value)}`
    case 'payer_hops':
      return `the money came through about ${count(value)} accounts`
    case 'surprise':
      return 'unusual in several ways at once'
    default:
      return `${feature} is ${value}`
  }
}

/** Decayed counts are not whole: people get whole ones. */
function count(value: number): string {
  return String(Math.max(0, Math.round(value)))
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function money(crd: number): string {
  return `${crd.toFixed(2)} CRD`
}

/** A usual amount, with the range of one deviation around it where amounts differ at all. */
function moneyAround(crd: number, spreadLog2: number): string {
  const [from, to] = [-spreadLog2, spreadLog2].map((log2) => (crd * 2 ** log2).toFixed(2))
  return from === to ? money(crd) : `${money(crd)}, from ${from} to ${to}`
}
