/**
 * The policy for payment requests: what a program that never sees a key may ask a person to pay. A TOML file of limits,
 * each of which has to be set: there is no default for other people's money.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { parseAmount } from '../../config/amount.ts'
import { CordonError } from '../../config/errors.ts'
import { Fields, show, type Refuse } from '../../config/fields.ts'
import { LIMITS } from '../../config/limits.ts'
import { tomlTables } from '../../config/toml.ts'
import { readAddressBook } from '../address-book.ts'
import type { KeystorePaths } from '../context.ts'
import { Names } from '../names.ts'
import { parseDuration } from '../options.ts'

const POLICY_VERSION = 1

/** In place of a list of payees: everybody in the address book. */
const CONTACTS = 'contacts'

/** What the file says. */
interface PolicyTerms {
  /** Name or address of the key that pays. */
  readonly payer: string
  /** Names or addresses, or everybody in the address book. */
  readonly payees: typeof CONTACTS | readonly string[]
  readonly maxPaymentUnits: bigint
  /** In any 24 hours. */
  readonly maxDayUnits: bigint
  /** Of all time. */
  readonly maxTotalUnits: bigint
  /** How long a request stands open. */
  readonly expiryMs: number
  /** Requests that stand open at once. */
  readonly maxOpen: number
}

/** The terms with addresses in place of names, and which text they come from. */
export interface Policy extends Omit<PolicyTerms, 'payees'> {
  /** Address. */
  readonly payer: string
  /** Addresses. */
  readonly payees: ReadonlySet<string>
  /** SHA-256 of the file, hex: requests name the policy they were made under. */
  readonly digest: string
}

interface Row<Value> {
  readonly key: string
  readonly about: string
  readonly expected: string
  readonly example: string | number
  /** The value, or null if it is not one. */
  readonly parse: (value: unknown) => Value | null
}

const amountRow = (key: string, example: string, about: string): Row<bigint> => ({
  key,
  about,
  expected: 'an amount with its unit',
  example,
  parse: (value) => (typeof value === 'string' ? orNull(() => parseAmount(value)) : null),
})

/** The keys of the file: what each is for, what it takes, and an example. */
const ROWS: { readonly [Name in keyof PolicyTerms]: Row<PolicyTerms[Name]> } = {
  payer: {
    key: 'payer',
    about: 'The account that pays; its key has to be in the keystore of whoever approves.',
    expected: 'the name of a key, or its address',
    example: 'alice',
    parse: (value) => (isName(value) ? value : null),
  },
  payees: {
    key: 'payees',
    about:
      'Who may be paid: everybody in the address book (cordon wallet contact), or a list such as ["landlord"].',
    expected: `"${CONTACTS}", or a list of 1 to ${LIMITS.policyPayees} names or addresses`,
    example: CONTACTS,
    parse: (value) => (value === CONTACTS || isListOfNames(value) ? value : null),
  },
  maxPaymentUnits: amountRow('max_payment', '50CRD', 'The most that one payment may be, without its fee.'),
  maxDayUnits: amountRow('max_day', '100CRD', 'The most that may be approved in any 24 hours.'),
  maxTotalUnits: amountRow(
    'max_total',
    '500CRD',
    'The most that may be approved in sum; raise it when it is used up.',
  ),
  expiryMs: {
    key: 'expiry',
    about: 'How long a request stands open before it can no longer be approved.',
    expected: 'a time from 1m to 30d',
    example: '24h',
    parse: (value) => {
      const ms = typeof value === 'string' ? orNull(() => parseDuration(value)) : null
      return ms !== null && ms >= 60_000 && ms <= LIMITS.paymentRequestExpiryMs ? ms : null
    },
  },
  maxOpen: {
    key: 'max_open',
    about: 'How many requests may stand open at once.',
    expected: `a whole number from 1 to ${LIMITS.openPaymentRequests}`,
    example: 5,
    parse: (value) =>
      Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LIMITS.openPaymentRequests
        ? Number(value)
        : null,
  },
}

/** A policy to begin with. */
export function examplePolicy(): string {
  const rows = Object.values(ROWS).map(
    ({ key, about, expected, example }) =>
      `# ${about} Takes ${expected}.\n${key} = ${JSON.stringify(example)}`,
  )
  return [
    '# What an assistant may ask a person to pay. Every key has to be set. The assistant signs nothing: a person looks\n# at each request and approves it with: cordon mcp approve ID --policy FILE',
    `version = ${POLICY_VERSION}`,
    ...rows,
  ].join('\n\n')
}

/**
 * The terms in a TOML text.
 * @param source names the text in errors.
 * @throws CordonError `policy-invalid` naming line or key, what was expected and what came; `format-version`.
 */
export function parsePolicy(text: string, source: string): PolicyTerms {
  const refuse: Refuse = (key, expected, got) =>
    invalid(source, `${key}: expected ${expected}, got ${show(got)}`)
  const content = tomlTables(text, ({ line, column, problem }) =>
    invalid(source, `line ${line}, column ${column}: ${problem}`),
  )
  const fields = new Fields(content, '', refuse)
  const version = fields.take('version')
  if (version !== POLICY_VERSION)
    throw new CordonError(
      'format-version',
      `${source}: expected version = ${POLICY_VERSION}, got ${show(version)}`,
      { source },
    )
  const terms: PolicyTerms = {
    payer: take(fields, ROWS.payer),
    payees: take(fields, ROWS.payees),
    maxPaymentUnits: take(fields, ROWS.maxPaymentUnits),
    maxDayUnits: take(fields, ROWS.maxDayUnits),
    maxTotalUnits: take(fields, ROWS.maxTotalUnits),
    expiryMs: take(fields, ROWS.expiryMs),
    maxOpen: take(fields, ROWS.maxOpen),
  }
  fields.end()
  return terms
}

function take<Value>(fields: Fields, { key, expected, parse }: Row<Value>): Value {
  const value = parse(fields.take(key))
  if (value === null) throw fields.fail(key, expected)
  return value
}

/**
 * The policy in a file, with the names of this wallet.
 * @throws CordonError as `parsePolicy`; `policy-invalid` for a name that nobody has, or a file that everybody may write.
 */
export function readPolicy(file: string, paths: KeystorePaths): Policy {
  const text = textOf(file)
  const terms = parsePolicy(text, file)
  const names = new Names(paths)
  const resolve = (name: string): string => {
    try {
      return names.resolve(name)
    } catch (error) {
      throw invalid(file, (error as Error).message)
    }
  }
  const payees =
    terms.payees === CONTACTS ? [...readAddressBook(paths.addressBook).values()] : terms.payees.map(resolve)
  return { ...terms, payer: resolve(terms.payer), payees: new Set(payees), digest: digestOf(text) }
}

function textOf(file: string): string {
  try {
    const { size, mode } = statSync(file)
    if (size > LIMITS.policyBytes) throw invalid(file, `has ${size} bytes, more than ${LIMITS.policyBytes}`)
    if ((mode & 0o002) !== 0) throw invalid(file, `may be written by everybody; chmod o-w ${file}`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof CordonError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw invalid(file, `cannot be read (${code}); an example: cordon mcp policy`)
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isListOfNames(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.length >= 1 && value.length <= LIMITS.policyPayees && value.every(isName)
  )
}

function orNull<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch {
    return null
  }
}

function invalid(source: string, problem: string): CordonError {
  return new CordonError('policy-invalid', `policy ${source}: ${problem}`, { source })
}
