/**
 * The small town whose payments the demo shows: people, the shops they go to, their employers, landlords, and those
 * who send bills. Citizens are numbered; each has a key of its own (role `citizen`).
 */
import { Random } from '../random.ts'

type CitizenKind = 'person' | 'shop' | 'employer' | 'landlord' | 'biller'

interface KindRow {
  readonly count: number
  /** Opening balance, in CRD. */
  readonly least: number
  readonly most: number
}

const KINDS: Readonly<Record<CitizenKind, KindRow>> = {
  person: { count: 240, least: 1_500, most: 9_000 },
  shop: { count: 36, least: 20_000, most: 80_000 },
  employer: { count: 10, least: 5_000_000, most: 20_000_000 },
  landlord: { count: 16, least: 30_000, most: 200_000 },
  biller: { count: 6, least: 100_000, most: 500_000 },
}

/** Kind of each citizen, by number: persons first. */
export const CITIZENS: readonly CitizenKind[] = (Object.keys(KINDS) as CitizenKind[]).flatMap((kind) =>
  Array.from({ length: KINDS[kind].count }, () => kind),
)

/** Numbers of all citizens of a kind. */
export function citizensOf(kind: CitizenKind): number[] {
  return CITIZENS.flatMap((other, index) => (other === kind ? [index] : []))
}

/** Balance at genesis, in uCRD. */
export function openingBalance(seed: string, citizen: number): bigint {
  const kind = CITIZENS[citizen]
  if (kind === undefined) throw new RangeError(`there is no citizen ${citizen}`)
  const { least, most } = KINDS[kind]
  return BigInt(Math.round(new Random(`${seed}/citizen/${citizen}`).between(least, most))) * 1_000_000n
}

/** Whom a person deals with, and for how much. Amounts in CRD. */
export interface Household {
  readonly person: number
  readonly employer: number
  readonly salary: number
  readonly landlord: number
  readonly rent: number
  readonly billers: readonly { readonly payee: number; readonly amount: number }[]
  /** The favourite first. */
  readonly shops: readonly { readonly payee: number; readonly usual: number }[]
  readonly friends: readonly number[]
}

/** Everybody's habits. The same for every run of a seed, so that most payments repeat earlier pairs. */
export function households(seed: string): Household[] {
  const random = new Random(`${seed}/households`)
  const persons = citizensOf('person')
  const [shops, employers, landlords, billers] = [
    citizensOf('shop'),
    citizensOf('employer'),
    citizensOf('landlord'),
    citizensOf('biller'),
  ]
  return persons.map((person) => ({
    person,
    employer: random.pick(employers),
    salary: Math.round(random.between(180, 420)) * 10,
    landlord: random.pick(landlords),
    rent: Math.round(random.between(45, 120)) * 10,
    billers: random
      .sample(billers, 2)
      .map((payee) => ({ payee, amount: Math.round(random.between(15, 90)) })),
    shops: random.sample(shops, 3).map((payee) => ({ payee, usual: random.between(4, 60) })),
    friends: random.sample(
      persons.filter((other) => other !== person),
      3,
    ),
  }))
}
