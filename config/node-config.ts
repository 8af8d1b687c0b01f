/**
 * A node's own configuration: `config/cordon.toml` in the node's directory, with `CORDON_*` variables on top. Unknown
 * keys in the file are errors, since a typing mistake there stays unseen; unknown variables only warn, since
 * orchestrators inject variables nobody asked for.
 */
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parseAmount } from './amount.ts'
import { CordonError } from './errors.ts'
import { Fields, show, type Refuse } from './fields.ts'
import { LIMITS } from './limits.ts'
import {
  DEFAULT_SETTINGS,
  isModelFile,
  keyOf,
  SETTING_NAMES,
  SETTINGS,
  variableOf,
  type NodeSettings,
  type SettingName,
} from './node-settings.ts'
import { tomlTables } from './toml.ts'
import { CLIENT_VARIABLES, NODE_VARIABLES } from './variables.ts'

const NODE_CONFIG_VERSION: number = 1

/** Where the file lies in a node's directory. */
export const NODE_CONFIG_FILE: string = join('config', 'cordon.toml')

/** Where a running node says at which URL its operator methods are; in its data directory. */
export const OPERATOR_URL_FILE = 'operator-url'

/** Settings that a `NodeConfig` has in another form. */
type Resolved =
  | 'genesis'
  | 'data'
  | 'signer'
  | 'peerKey'
  | 'validatorKey'
  | 'secondReviewerAbove'
  | 'reviewKeyFile'
  | 'reviewPasswordFile'

/** Settings with absolute paths, as the node takes them. */
export interface NodeConfig extends Omit<NodeSettings, Resolved> {
  readonly directory: string
  readonly genesisFile: string
  readonly dataDirectory: string
  readonly signerDirectory: string
  readonly peerKeyFile: string
  readonly validatorKeyFile: string | null
  /** In uCRD. */
  readonly secondReviewerAboveUnits: bigint
  /** The key that votes on holds, and its password. Null: this node votes on none. */
  readonly reviewKey: ReviewKeyFiles | null
}

export interface ReviewKeyFiles {
  readonly keyFile: string
  readonly passwordFile: string
}

/** Environment variables, as in `process.env`. */
type Environment = Readonly<Record<string, string | undefined>>

/** Settings from one source, and everything that is wrong with it. The payload of a problem says where it is. */
interface Examined {
  readonly settings: Partial<NodeSettings>
  readonly problems: readonly CordonError[]
}

export interface NodeConfigExamination {
  readonly file: string
  /** Text of the file; empty if it cannot be read. */
  readonly text: string
  /** What the file sets, as far as it is right. */
  readonly fromFile: Partial<NodeSettings>
  /** What variables set, as far as they are right. */
  readonly fromEnvironment: Partial<NodeSettings>
  /** What holds: variables before the file, the file before defaults. */
  readonly settings: NodeSettings
  /** All of them; empty: a node can take these settings. */
  readonly problems: readonly CordonError[]
  readonly warnings: readonly string[]
}

/** Reads the configuration of the node in `directory` to its end, whatever is wrong with it. Throws nothing. */
export function examineNodeConfig(directory: string, environment: Environment = {}): NodeConfigExamination {
  const file = join(resolve(directory), NODE_CONFIG_FILE)
  const text = textOf(file)
  const inFile = typeof text === 'string' ? examineSettings(text, file) : { settings: {}, problems: [text] }
  const inVariables = examineVariables(environment)
  const settings = { ...DEFAULT_SETTINGS, ...inFile.settings, ...inVariables.settings }
  const problems = [...inFile.problems, ...inVariables.problems]
  return {
    file,
    text: typeof text === 'string' ? text : '',
    fromFile: inFile.settings,
    fromEnvironment: inVariables.settings,
    settings,
    problems: [...problems, ...contradictions(settings, problems)],
    warnings: unknownVariables(environment),
  }
}

/**
 * The configuration of the node in `directory`.
 * @throws CordonError `config-invalid` if the file is missing, unreadable or wrong; `format-version` if it is of a
 * version this build does not know.
 */
export function readNodeConfig(
  directory: string,
  environment: Environment = {},
): { readonly config: NodeConfig; readonly warnings: readonly string[] } {
  const { settings, problems, warnings } = examineNodeConfig(directory, environment)
  const [problem] = problems
  if (problem !== undefined) throw problem
  return { config: configOf(resolve(directory), settings), warnings }
}

/**
 * The settings that a TOML text has.
 * @param source Names the text in errors.
 * @throws CordonError `config-invalid` naming line or key, what was expected and what came; `format-version`.
 */
export function parseSettings(text: string, source: string): Partial<NodeSettings> {
  const { settings, problems } = examineSettings(text, source)
  const [problem] = problems
  if (problem !== undefined) throw problem
  return settings
}

/** As `parseSettings`, but goes on after a problem as far as that makes sense. */
function examineSettings(text: string, source: string): Examined {
  const refuse: Refuse = (key, expected, got) =>
    new CordonError('config-invalid', `${source}: ${key}: expected ${expected}, got ${show(got)}`, {
      source,
      key,
      expected,
      got: show(got),
    })
  const problems: CordonError[] = []
  try {
    const fields = new Fields(parseText(text, source), '', refuse)
    const version = versionProblem(fields, source)
    // Of another version nothing else can be said.
    if (version?.code === 'format-version') return { settings: {}, problems: [version] }
    if (version !== null) problems.push(version)
    return { settings: takeSettings(fields, problems), problems }
  } catch (error) {
    return { settings: {}, problems: [problemOf(error)] }
  }
}

/** Takes what is right out of the tables, and puts what is wrong into `problems`. */
function takeSettings(fields: Fields, problems: CordonError[]): Partial<NodeSettings> {
  const tables = tablesIn(fields, problems)
  const settings: Record<string, unknown> = {}
  for (const name of SETTING_NAMES) {
    const [table, key] = SETTINGS[name].key
    const holder = tables.get(table)
    const value = holder?.take(key)
    if (holder?.has(key) !== true) continue
    const parsed = SETTINGS[name].parse(value)
    if (parsed === null) problems.push(problemOf(holder.fail(key, SETTINGS[name].expected)))
    else settings[name] = parsed
  }
  for (const table of tables.values()) problems.push(...table.leftOver().map(problemOf))
  return settings
}

/** The tables that are there, the outermost under null. One that is no table is a problem. */
function tablesIn(fields: Fields, problems: CordonError[]): ReadonlyMap<string | null, Fields> {
  const tables = new Map<string | null, Fields>()
  const names = new Set(SETTING_NAMES.map((name) => SETTINGS[name].key[0]))
  for (const name of names) {
    if (name === null || !fields.has(name)) continue
    try {
      tables.set(name, fields.table(name))
    } catch (error) {
      problems.push(problemOf(error))
    }
  }
  return tables.set(null, fields)
}

/** Anything else that was thrown is a fault of ours, and goes on. */
function problemOf(error: unknown): CordonError {
  if (error instanceof CordonError) return error
  throw error
}

const FILE_HEAD = `# Configuration of a Cordon node. A key with a # in front has its default; take the # away to set it.
# A variable wins over the file. Whether a node can start with it, and what is wrong: cordon config check`

/**
 * A configuration file with these settings; `parseSettings` gives back those that are not the default. The others stand
 * in it as comments, each of which is valid without its #.
 */
export function serialiseSettings(settings: NodeSettings): string {
  const lines = [FILE_HEAD, `version = ${NODE_CONFIG_VERSION}`]
  let current: string | null = null
  for (const name of SETTING_NAMES) {
    const [table, label] = SETTINGS[name].key
    if (table !== current) lines.push('', `[${table}]`)
    current = table
    const mark = isDeepStrictEqual(settings[name], DEFAULT_SETTINGS[name]) ? '# ' : ''
    const value = settings[name] ?? SETTINGS[name].example ?? ''
    lines.push('', `# ${describeSetting(name)}`, `${mark}${label} = ${tomlValue(value)}`)
  }
  return `${lines.join('\n')}\n`
}

/** What it is, what it takes, the default and the variable, in one line. */
function describeSetting(name: SettingName): string {
  const { about, expected } = SETTINGS[name]
  const value = DEFAULT_SETTINGS[name]
  const standard = value === null ? 'none' : tomlValue(value)
  return `${about} Takes ${expected}. Default: ${standard}. Variable: ${variableOf(name)}`
}

/** TOML of a setting: JSON but for a control character that TOML wants escaped, too. */
export function tomlValue(value: NonNullable<NodeSettings[SettingName]>): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f')
}

/** Text of the file, or why there is none. */
function textOf(file: string): string | CordonError {
  try {
    const bytes = statSync(file).size
    if (bytes <= LIMITS.configBytes) return readFileSync(file, 'utf8')
    return new CordonError('config-invalid', `${file} has ${bytes} bytes, more than ${LIMITS.configBytes}`, {
      source: file,
    })
  } catch (error) {
    return new CordonError(
      'config-invalid',
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); make a node directory with: cordon init`,
      { source: file },
    )
  }
}

function parseText(text: string, source: string): unknown {
  return tomlTables(
    text,
    ({ line, column, problem }) =>
      new CordonError('config-invalid', `${source}, line ${line}, column ${column}: ${problem}`, {
        source,
        line,
      }),
  )
}

function versionProblem(fields: Fields, source: string): CordonError | null {
  const version = fields.take('version')
  if (version === NODE_CONFIG_VERSION) return null
  if (typeof version === 'number' && Number.isInteger(version) && version > 0) {
    return new CordonError(
      'format-version',
      `${source} has version ${version}; this build knows version ${NODE_CONFIG_VERSION}: use the Cordon that wrote it, or write the file anew with: cordon init`,
      { source, key: 'version', version },
    )
  }
  return problemOf(fields.fail('version', `version = ${NODE_CONFIG_VERSION}`))
}

function examineVariables(environment: Environment): Examined {
  const settings: Record<string, unknown> = {}
  const problems: CordonError[] = []
  for (const name of SETTING_NAMES) {
    const variable = variableOf(name)
    const text = environment[variable]
    if (text === undefined) continue
    const { parse, fromText, expected } = SETTINGS[name]
    const parsed = parse(fromText(text))
    if (parsed !== null) settings[name] = parsed
    else
      problems.push(
        new CordonError(
          'config-invalid',
          `environment variable ${variable}: expected ${expected}, got ${show(text)}`,
          { variable, key: keyOf(name), expected, got: show(text) },
        ),
      )
  }
  return { settings, problems }
}

/** Settings that are right one by one and cannot hold together; not of those that have a problem already. */
function contradictions(settings: NodeSettings, problems: readonly CordonError[]): CordonError[] {
  const wrong = problems.map(({ payload }) => payload.key)
  return [scoresOutOfOrder(settings), halfAReviewKey(settings)].flatMap((found) =>
    found === null || found.names.some((name) => wrong.includes(keyOf(name))) ? [] : [contradiction(found)],
  )
}

interface Contradiction {
  /** The one to be changed first. */
  readonly names: readonly [SettingName, ...SettingName[]]
  readonly expected: string
  readonly got: unknown
  readonly why: string
}

function scoresOutOfOrder({ fraudAlertScore, fraudHoldScore }: NodeSettings): Contradiction | null {
  if (fraudAlertScore <= fraudHoldScore) return null
  return {
    names: ['fraudAlertScore', 'fraudHoldScore'],
    expected: `at most fraud.hold_score, ${fraudHoldScore}`,
    got: fraudAlertScore,
    why: 'what is flagged has a case',
  }
}

function halfAReviewKey({ reviewKeyFile, reviewPasswordFile }: NodeSettings): Contradiction | null {
  if ((reviewKeyFile === null) === (reviewPasswordFile === null)) return null
  const [missing, there] =
    reviewKeyFile === null
      ? (['reviewKeyFile', 'reviewPasswordFile'] as const)
      : (['reviewPasswordFile', 'reviewKeyFile'] as const)
  return {
    names: [missing, there],
    expected: `a path, since ${keyOf(there)} has one`,
    got: null,
    why: 'a key is opened with its password',
  }
}

function contradiction({ names: [name], expected, got, why }: Contradiction): CordonError {
  const key = keyOf(name)
  return new CordonError('config-invalid', `${key}: expected ${expected}, got ${show(got)}: ${why}`, {
    key,
    expected,
    got: show(got),
  })
}

function unknownVariables(environment: Environment): string[] {
  const known = new Set<string>([...NODE_VARIABLES, ...CLIENT_VARIABLES])
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('CORDON_') && !known.has(variable))
    .sort()
    .map((variable) => `environment variable ${variable} is not known and was ignored`)
}

/** @param root The node's directory, absolute. */
export function configOf(root: string, settings: NodeSettings): NodeConfig {
  const { genesis, data, signer, peerKey, validatorKey, fraudModel, secondReviewerAbove, ...others } =
    settings
  const { reviewKeyFile, reviewPasswordFile, ...rest } = others
  return {
    ...rest,
    directory: root,
    genesisFile: resolve(root, genesis),
    dataDirectory: resolve(root, data),
    signerDirectory: resolve(root, signer),
    peerKeyFile: resolve(root, peerKey),
    validatorKeyFile: validatorKey === null ? null : resolve(root, validatorKey),
    fraudModel: isModelFile(fraudModel) ? resolve(root, fraudModel) : fraudModel,
    secondReviewerAboveUnits: parseAmount(secondReviewerAbove),
    reviewKey:
      reviewKeyFile === null || reviewPasswordFile === null
        ? null
        : { keyFile: resolve(root, reviewKeyFile), passwordFile: resolve(root, reviewPasswordFile) },
  }
}
