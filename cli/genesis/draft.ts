/** A genesis from words of the command line, and everything that is wrong with them, not only the first thing. */
import { randomBytes } from 'node:crypto'
import { parseAmount } from '../../config/amount.ts'
import { CordonError } from '../../config/errors.ts'
import { show } from '../../config/fields.ts'
import {
  contradictionsIn,
  isValidatorName,
  VALIDATOR_KEY_EXPECTED,
  VALIDATOR_NAME_EXPECTED,
  validatorKeyOf,
} from '../../config/genesis-rules.ts'
import type { Genesis, GenesisAccount, GenesisValidator } from '../../config/genesis.ts'
import { LIMITS } from '../../config/limits.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { makeParameters, parseParameter, type NetworkName, type Parameters } from '../../config/parameters.ts'
import { compareBytes } from '../../crypto/bytes.ts'
import type { Names } from '../names.ts'

export interface DraftWords {
  readonly network: NetworkName
  /** `NAME,KEY,OPERATOR,STAKE` each. */
  readonly validator: readonly string[]
  /** `ADDRESS,AMOUNT` each. */
  readonly account?: readonly string[]
  /** `NAME=VALUE` each. */
  readonly param?: readonly string[]
}

export interface Problem {
  /** As in `--validator`. */
  readonly option: string
  readonly message: string
}

/** Says where a word is wrong; null, so that it can stand for the value. */
type Complain = (expected: string, got: string) => null

export class Draft {
  readonly problems: Problem[] = []
  readonly #words: DraftWords
  readonly #names: Names

  /** @param names for operators and accounts that are not given as addresses. */
  constructor(words: DraftWords, names: Names) {
    this.#words = words
    this.#names = names
  }

  complain(option: string, message: string): void {
    this.problems.push({ option, message })
  }

  /** The genesis. It is one only if there are no problems after this. */
  finish(createdMs: number): Genesis {
    const { network, validator, account = [] } = this.#words
    this.#checkCount('--validator', validator.length, LIMITS.validators)
    this.#checkCount('--account', account.length, LIMITS.genesisAccounts)
    const genesis: Genesis = {
      network,
      createdMs,
      nonce: randomBytes(16),
      parameters: this.#parameters(),
      validators: validator.flatMap((text) => this.#validator(text) ?? []),
      accounts: account.flatMap((text) => this.#account(text) ?? []).sort((a, b) => compareBytes(a.id, b.id)),
    }
    for (const { path, expected, got } of contradictionsIn(genesis)) {
      const [list = '', field = list] = path.split('.')
      const option = list.startsWith('validators') ? '--validator' : '--account'
      this.complain(option, `${field}: expected ${expected}, got ${show(got)}`)
    }
    return genesis
  }

  #checkCount(option: string, count: number, max: number): void {
    if (count > max) this.complain(option, `expected at most ${max}, got ${count}`)
  }

  #validator(text: string): GenesisValidator | null {
    const parts = this.#parts('--validator', text, ['NAME', 'KEY', 'OPERATOR', 'STAKE'])
    if (parts === null) return null
    const [label = '', key = '', account = '', amount = ''] = parts
    const expected: Complain = (...words) => this.#expected('--validator', text, ...words)
    const name = isValidatorName(label) ? label : expected(`${VALIDATOR_NAME_EXPECTED} as NAME`, label)
    const publicKey = validatorKeyOf(key) ?? expected(`${VALIDATOR_KEY_EXPECTED} as KEY`, key)
    const operator = this.#attempt('--validator', text, () => this.#accountId(account))
    const stake = this.#attempt('--validator', text, () => parseAmount(amount))
    if (stake === 0n) return expected('at least 1uCRD as STAKE', amount)
    if (name === null || publicKey === null || operator === null || stake === null) return null
    return { name, publicKey, operator, stake }
  }

  #account(text: string): GenesisAccount | null {
    const parts = this.#parts('--account', text, ['ADDRESS', 'AMOUNT'])
    if (parts === null) return null
    const [address = '', amount = ''] = parts
    const id = this.#attempt('--account', text, () => this.#accountId(address))
    const balance = this.#attempt('--account', text, () => parseAmount(amount))
    return id === null || balance === null ? null : { id, balance }
  }

  #parameters(): Parameters {
    const { network, param = [] } = this.#words
    const values: Record<string, number | string> = {}
    for (const text of param) {
      const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
      if (name === '') this.#expected('--param', text, 'NAME=VALUE', text)
      else if (Object.hasOwn(values, name)) this.#expected('--param', text, 'each name once', name)
      else {
        const parsed = this.#attempt('--param', text, () => parseParameter(name, value))
        if (parsed !== null) values[name] = parsed
      }
    }
    return (
      this.#attempt('--param', param.join(' '), () => makeParameters(network, values)) ??
      makeParameters(network)
    )
  }

  #accountId(text: string): Uint8Array {
    return this.#names.accountId(text, ADDRESS_PREFIX[this.#words.network])
  }

  #parts(option: string, text: string, names: readonly string[]): readonly string[] | null {
    const parts = text.split(',').map((part) => part.trim())
    if (parts.length === names.length) return parts
    this.complain(option, `${shown(text)}: expected ${names.join(',')}, got ${parts.length} parts`)
    return null
  }

  /** What `read` gives, or null and its complaint. */
  #attempt<Value>(option: string, text: string, read: () => Value): Value | null {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof CordonError)) throw error
      this.complain(option, `${shown(text)}: ${error.message}`)
      return null
    }
  }

  #expected(option: string, text: string, expected: string, got: string): null {
    this.complain(option, `${shown(text)}: expected ${expected}, got ${show(got)}`)
    return null
  }
}

const SHOWN_CHARACTERS = 40

/** Enough of a word of the command line to find it again. */
function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}
