/**
 * Writes the pages of docs/ that are tables of the code: parameters, limits, errors, configuration, RPC, fail points.
 * `docs.test.ts` fails when a page and its table differ; `npm run docs` writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, EXIT } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { NODE_CONFIG_FILE } from '../../config/node-config.ts'
import { DEFAULT_SETTINGS, SETTINGS, variableOf, type NodeSettings } from '../../config/node-settings.ts'
import { PARAMETER_NAMES, PARAMETERS } from '../../config/parameters.ts'
import { FAIL_POINTS } from '../../node/fail-points.ts'
import type { JsonSchema } from '../../node/rpc/method-table.ts'
import { OPERATOR_METHODS } from '../../node/rpc/operator-schemas.ts'
import { METHODS } from '../../node/rpc/schemas.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** File name in docs/ → its text. */
export function pages(): Readonly<Record<string, string>> {
  return {
    'parameters.md': parametersPage(),
    'limits.md': limitsPage(readFileSync(join(ROOT, 'config', 'limits.ts'), 'utf8')),
    'errors.md': errorsPage(),
    'configuration.md': configurationPage(),
    'rpc.md': rpcPage(),
    'fail-points.md': failPointsPage(),
  }
}

export function pathOfPage(name: string): string {
  return join(ROOT, 'docs', name)
}

function page(title: string, source: string, intro: string, ...parts: readonly string[]): string {
  return `${[`# ${title}`, `<!-- Written by \`npm run docs\` from ${source}. -->`, intro, ...parts].join('\n\n')}\n`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const code = (text: string | number | bigint): string => `\`${text}\``

/** Thousands apart, so that zeros can be counted. */
function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ' ')
}

function parametersPage(): string {
  const rows = PARAMETER_NAMES.map((name) => {
    const row = PARAMETERS[name]
    if (row.kind === 'choice')
      return [code(name), 'choice', row.mainnet, row.devnet, row.choices.join(', '), row.reason]
    return [
      code(name),
      row.unit,
      grouped(row.mainnet),
      grouped(row.devnet),
      `${grouped(row.min)} – ${grouped(row.max)}`,
      row.reason,
    ]
  })
  return page(
    'Parameters',
    'config/parameters.ts',
    'What a network chooses for itself in its genesis file. All of them are part of the genesis hash, so the nodes of one chain never disagree. `cordon devnet --param NAME=VALUE` sets them for a new network; testnet starts from the values of mainnet.',
    table(['name', 'unit', 'mainnet', 'devnet', 'range', 'why'], rows),
    '`deltaMaxMs` must not be below `deltaMs`, and `idleMs` must be below `standstillMs`.',
  )
}

/** What the comment above each limit says. */
export function limitComments(source: string): Map<string, string> {
  const entries = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2}(\w+):/g)
  return new Map(
    [...entries].map(([, comment = '', name = '']) => [
      name,
      comment.replaceAll(/\s*\n\s*\*\s*/g, ' ').trim(),
    ]),
  )
}

function limitsPage(source: string): string {
  const comments = limitComments(source)
  const rows = Object.entries(LIMITS).map(([name, value]) => {
    const comment = comments.get(name)
    if (comment === undefined)
      throw new Error(`config/limits.ts: say in a comment right above ${name} what it bounds`)
    return [code(name), grouped(value), comment]
  })
  return page(
    'Limits',
    'config/limits.ts',
    'Every bound that is the same on all networks. The unit is the last word of the name; a name without a unit counts things.',
    table(['name', 'value', 'what it bounds'], rows),
  )
}

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'Done.',
  unexpected: 'Something unexpected; a fault of Cordon or of the machine.',
  usage: 'The command line or what it names is wrong.',
  cannotConnect: 'No node answers.',
  outcomeUnknown: 'The time was up. The payment may still settle: ask with `cordon tx wait`.',
  rejected: 'Refused or failed for good.',
  held: 'Done, and the payment is held for review.',
  partlyDone: 'Some of it is done; the result names what is not.',
  needsInput: 'A password or an answer is needed.',
  configuration: 'Daemon: configuration, genesis or keys are missing or wrong.',
  doubleSign: 'Daemon: signing would contradict an earlier vote of this key.',
  upgradeHalt: 'Daemon: stopped at the height of an upgrade; start the new version.',
  dataInconsistent: 'Daemon: stored data contradicts itself; the message has the repair command.',
}

function errorsPage(): string {
  const codes = Object.entries(ERRORS).map(([name, { exit, meaning }]) => [code(name), String(exit), meaning])
  const exits = (Object.keys(EXIT) as (keyof typeof EXIT)[]).map((name) => [
    String(EXIT[name]),
    EXIT_MEANINGS[name],
  ])
  return page(
    'Errors',
    'config/errors.ts',
    'Every expected failure has a code. It stands in `error.code` of `--json` output and in `error.data.code` of JSON-RPC answers, together with the facts behind the message; the message says what was expected, what came and what to do. Codes are never used for something else later.',
    '## Codes',
    table(['code', 'exit', 'meaning'], codes),
    '## Exit codes',
    table(['exit', 'meaning'], exits),
  )
}

function configurationPage(): string {
  const rows = (Object.keys(SETTINGS) as (keyof NodeSettings)[]).map((name) => {
    const { key, expected, about } = SETTINGS[name]
    const [section, label] = key
    const value = DEFAULT_SETTINGS[name]
    return [
      code(section === null ? label : `${section}.${label}`),
      code(variableOf(name)),
      value === null ? 'none' : code(JSON.stringify(value)),
      `${about} Takes ${expected}.`,
    ]
  })
  return page(
    'Configuration of a node',
    'config/node-settings.ts',
    `\`${NODE_CONFIG_FILE}\` in the node's directory, in TOML. It begins with \`version = 1\`; every other key may be left out. A variable overrides its key; lists in variables are separated by commas. Unknown keys are errors, unknown \`CORDON_…\` variables only warn. \`cordon init\` writes the file with every key as a comment, \`cordon config check\` finds all that is wrong with it, and \`cordon config show --origin\` says what holds and where it comes from.`,
    table(['key', 'variable', 'default', 'what it is'], rows),
  )
}

function rpcPage(): string {
  const methods = Object.entries(METHODS).map(([name, row]) => methodSection(name, row.about, row))
  const operatorMethods = Object.entries(OPERATOR_METHODS).map(([name, row]) =>
    methodSection(name, `${row.about} Scope: ${code(row.scope)}.`, row),
  )
  return page(
    'JSON-RPC',
    'node/rpc/schemas.ts and node/rpc/operator-schemas.ts',
    'JSON-RPC 2.0 over `POST /` (content type `application/json`) and WebSocket `/`, single requests and batches, on the port of `rpc.port`. Parameters go by name. Results are the types of the same name in `client/api.ts`; `rpc.discover` answers with all of this as an OpenRPC document. Amounts are decimal strings of uCRD, hashes lower-case hex, accounts bech32m addresses. `error.data.code` is one of [errors.md](errors.md). `GET /healthz`, `/readyz?minPeers=&maxBlocksBehind=` and `/metrics` (Prometheus) answer on the same port.',
    ...methods,
    '# Operator methods',
    'The same JSON-RPC over `POST /` and WebSocket `/`, on the port of `operator.port`, with `Authorization: Bearer TOKEN`; a browser, which cannot set that of a WebSocket, offers the subprotocols `cordon` and TOKEN. Whoever has a token may call the public methods there, too, but `tx_submit`. `cordon token create` makes tokens; each scope, `read`, `review`, `operate`, includes those before it. Results are the types in `client/operator-api.ts`. Without a valid token the answer is HTTP 401 with code `unauthorized`, with too small a scope the error `forbidden`.',
    ...operatorMethods,
  )
}

interface DescribedMethod {
  readonly params: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
  readonly result: { readonly name: string }
}

function methodSection(name: string, about: string, { params, required, result }: DescribedMethod): string {
  const rows = Object.entries(params).map(([param, schema]) => [
    code(param),
    required.includes(param) ? 'yes' : 'no',
    describe(schema),
  ])
  const list = rows.length === 0 ? 'No parameters.' : table(['parameter', 'required', 'value'], rows)
  return [`## ${name}`, about, list, `Result: \`${result.name}\`.`].join('\n\n')
}

function failPointsPage(): string {
  const rows = Object.entries(FAIL_POINTS).map(([name, moment]) => [code(name), moment])
  return page(
    'Fail points',
    'node/fail-points.ts',
    'Moments at which a node under test kills itself with SIGKILL, each right beside a write that must last or a message that must not leave before it. `CORDON_FAIL_AT=NAME` in the environment of a node arms one of them, `CORDON_FAIL_AT=NAME:NTH` its nth passing, counted from the start of the process; the last line on standard error then names it. An unknown name is refused with exit code 78. `npm run crash` plays all of them in real nodes. Never set it in production.',
    table(['name', 'moment'], rows),
    'SIGKILL takes nothing away that the process has handed to the kernel, synced or not. What a power cut takes away beyond that, and records that are torn anywhere, are played in the simulator (`test/sim/storage.ts`).',
  )
}

function describe(schema: JsonSchema): string {
  const { type, minimum, maximum, description } = schema
  const choices = schema.enum as readonly string[] | undefined
  const range =
    minimum === undefined ? '' : ` from ${grouped(minimum as number)} to ${grouped(maximum as number)}`
  const kind = choices === undefined ? `${type as string}${range}` : choices.map(code).join(' or ')
  return description === undefined ? kind : `${kind}: ${description as string}`
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(pages())) {
    writeFileSync(pathOfPage(name), text)
    console.log(`docs/${name}`)
  }
}
