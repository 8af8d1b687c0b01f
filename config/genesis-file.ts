/**
 * The genesis file: JSON that people may read, compare and hand around. Addresses in it carry the prefix of their
 * network, amounts are decimal strings of uCRD. What it says is checked once, here; `Genesis` is trusted everywhere else.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { decodeAddress, encodeAddress } from '../crypto/address.ts'
import { compareBytes, toHex } from '../crypto/bytes.ts'
import { CordonError } from './errors.ts'
import { Fields, show, type Refuse } from './fields.ts'
import {
  GENESIS_FORMAT,
  nonceFromHex,
  type Genesis,
  type GenesisAccount,
  type GenesisValidator,
} from './genesis.ts'
import {
  contradictionsIn,
  isValidatorName,
  SUPPLY_LIMIT,
  VALIDATOR_KEY_EXPECTED,
  VALIDATOR_NAME_EXPECTED,
  validatorKeyOf,
} from './genesis-rules.ts'
import { LIMITS } from './limits.ts'
import { ADDRESS_PREFIX } from './networks.ts'
import {
  makeParameters,
  PARAMETER_NAMES,
  PARAMETERS,
  type NetworkName,
  type Parameters,
} from './parameters.ts'

const MAX_TIME_MS = 2 ** 48 - 1
const U64_DIGITS = /^(?:0|[1-9]\d{0,19})$/

/**
 * Reads a genesis file.
 * @throws CordonError `genesis-invalid` if it is missing, unreadable or wrong, `format-version` if it is of a version
 * this build does not know.
 */
export function readGenesisFile(path: string): Genesis {
  let text: string
  try {
    const bytes = statSync(path).size
    if (bytes > LIMITS.genesisBytes) {
      throw new CordonError(
        'genesis-invalid',
        `${path} has ${bytes} bytes; a genesis file has at most ${LIMITS.genesisBytes}`,
        { path },
      )
    }
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw unreadable(path, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
  return parseGenesis(text, path)
}

function unreadable(path: string, code: string): CordonError {
  const message =
    code === 'ENOENT'
      ? `there is no genesis file ${path}: put the one of the network there; its operators have it, and a new network makes it with: cordon genesis create`
      : `genesis file ${path} cannot be read (${code})`
  return new CordonError('genesis-invalid', message, { path })
}

/** Writes a genesis file; never over an existing one. */
export function writeGenesisFile(path: string, genesis: Genesis): void {
  writeFileSync(path, serialiseGenesis(genesis), { flag: 'wx', mode: 0o644 })
}

/**
 * The genesis in a JSON text.
 * @param source Names the text in errors.
 * @throws CordonError `genesis-invalid` with the JSON path, what was expected and what came; `format-version`.
 */
export function parseGenesis(text: string, source: string = 'the genesis file'): Genesis {
  const refuse: Refuse = (path, expected, got) =>
    new CordonError(
      'genesis-invalid',
      `${source}: ${path === '' ? 'top level' : path}: expected ${expected}, got ${show(got)}`,
      {
        source,
        path,
        expected,
      },
    )
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw new CordonError('genesis-invalid', `${source} is not JSON: ${(error as Error).message}`, { source })
  }
  const fields = new Fields(content, '', refuse)
  checkFormat(fields, source)
  const network = fields.text('network', 'mainnet, testnet or devnet', (name) =>
    isNetwork(name) ? name : null,
  )
  const prefix = ADDRESS_PREFIX[network]
  const genesis: Genesis = {
    network,
    createdMs: fields.integer('createdMs', 1, MAX_TIME_MS),
    nonce: fields.text('nonce', '32 lower-case hex digits', (hex) => orNull(() => nonceFromHex(hex))),
    parameters: parseParameters(fields.table('parameters'), network, refuse),
    validators: fields
      .list('validators', 1, LIMITS.validators)
      .map((item, i) => parseValidator(new Fields(item, `validators[${i}]`, refuse), prefix)),
    accounts: fields
      .list('accounts', 0, LIMITS.genesisAccounts)
      .map((item, i) => parseAccount(new Fields(item, `accounts[${i}]`, refuse), prefix))
      .sort((a, b) => compareBytes(a.id, b.id)),
  }
  fields.end()
  for (const { path, expected, got } of contradictionsIn(genesis)) throw refuse(path, expected, got)
  return genesis
}

/** The JSON text of a genesis. `parseGenesis` gives the same genesis back. */
export function serialiseGenesis(genesis: Genesis): string {
  const prefix = ADDRESS_PREFIX[genesis.network]
  const head = {
    format: GENESIS_FORMAT,
    network: genesis.network,
    createdMs: genesis.createdMs,
    nonce: toHex(genesis.nonce),
    parameters: Object.fromEntries(PARAMETER_NAMES.map((name) => [name, genesis.parameters[name]])),
    validators: genesis.validators.map(({ name, publicKey, operator, stake }) => ({
      name,
      publicKey: toHex(publicKey),
      operator: encodeAddress(prefix, operator),
      stake: String(stake),
    })),
  }
  // One account a line: thousands of them stay readable and diffs short.
  const accounts = genesis.accounts.map(
    ({ id, balance }) => `    { "address": "${encodeAddress(prefix, id)}", "balance": "${balance}" }`,
  )
  const list = accounts.length === 0 ? '[]' : `[\n${accounts.join(',\n')}\n  ]`
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "accounts": ${list}\n}\n`
}

function checkFormat(fields: Fields, source: string): void {
  const format = fields.take('format')
  if (format === GENESIS_FORMAT) return
  if (typeof format === 'string' && /^cordon-genesis\/\d+$/.test(format)) {
    throw new CordonError(
      'format-version',
      `${source} has format ${format}; this build knows ${GENESIS_FORMAT}: use the Cordon version that the network's operators name`,
      { source, format },
    )
  }
  throw fields.fail('format', JSON.stringify(GENESIS_FORMAT))
}

function isNetwork(name: string): name is NetworkName {
  return Object.hasOwn(ADDRESS_PREFIX, name)
}

function parseParameters(fields: Fields, network: NetworkName, refuse: Refuse): Parameters {
  const values: Record<string, unknown> = {}
  for (const name of PARAMETER_NAMES) {
    values[name] = fields.take(name)
    const wanted = PARAMETERS[name].kind === 'integer' ? 'number' : 'string'
    if (typeof values[name] !== wanted) throw fields.fail(name, `a ${wanted}`)
  }
  fields.end()
  try {
    return makeParameters(network, values)
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    const name = String(error.payload.name)
    throw refuse(fields.pathOf(name), `a value that fits (${error.message})`, values[name])
  }
}

function parseValidator(fields: Fields, prefix: string): GenesisValidator {
  const validator = {
    name: fields.text('name', VALIDATOR_NAME_EXPECTED, (text) => (isValidatorName(text) ? text : null)),
    publicKey: fields.text('publicKey', VALIDATOR_KEY_EXPECTED, validatorKeyOf),
    operator: takeAddress(fields, 'operator', prefix),
    stake: fields.text('stake', 'uCRD as a decimal string, at least "1"', (text) => units(text, 1n)),
  }
  fields.end()
  return validator
}

function parseAccount(fields: Fields, prefix: string): GenesisAccount {
  const account = {
    id: takeAddress(fields, 'address', prefix),
    balance: fields.text('balance', 'uCRD as a decimal string', (text) => units(text, 0n)),
  }
  fields.end()
  return account
}

function takeAddress(fields: Fields, name: string, prefix: string): Uint8Array {
  let problem = `an address that starts with ${prefix}1`
  const value = fields.take(name)
  if (typeof value === 'string') {
    try {
      return decodeAddress(prefix, value)
    } catch (error) {
      problem += ` (${(error as Error).message})`
    }
  }
  throw fields.fail(name, problem)
}

function units(text: string, min: bigint): bigint | null {
  if (!U64_DIGITS.test(text)) return null
  const value = BigInt(text)
  return value >= min && value < SUPPLY_LIMIT ? value : null
}

function orNull<Value>(convert: () => Value): Value | null {
  try {
    return convert()
  } catch {
    return null
  }
}
