/** Where each setting of a node comes from, and where what is wrong with them stands: for people who look for it. */
import { basename } from 'node:path'
import type { CordonError } from './errors.ts'
import type { NodeConfigExamination } from './node-config.ts'
import { keyOf, SETTING_NAMES, variableOf, type NodeSettings, type SettingName } from './node-settings.ts'
import { linesOfKeys } from './toml-lines.ts'

type Origin =
  | { readonly kind: 'default' }
  /** `line` counts from 1; null if it is not known. */
  | { readonly kind: 'file'; readonly file: string; readonly line: number | null }
  | { readonly kind: 'variable'; readonly variable: string }

interface SettingReport {
  /** As in `rpc.port`. */
  readonly key: string
  readonly value: NodeSettings[SettingName]
  readonly origin: Origin
}

/** Every setting in the order of the file. */
export function settingReports(examined: NodeConfigExamination): SettingReport[] {
  const lines = linesOfKeys(examined.text)
  return SETTING_NAMES.map((name) => ({
    key: keyOf(name),
    value: examined.settings[name],
    origin: originOf(name, examined, lines),
  }))
}

function originOf(
  name: SettingName,
  { file, fromFile, fromEnvironment }: NodeConfigExamination,
  lines: ReadonlyMap<string, number>,
): Origin {
  if (fromEnvironment[name] !== undefined) return { kind: 'variable', variable: variableOf(name) }
  if (fromFile[name] === undefined) return { kind: 'default' }
  return { kind: 'file', file, line: lines.get(keyOf(name)) ?? null }
}

export interface ConfigProblem {
  /** The setting, or null: the file as a whole. */
  readonly key: string | null
  readonly message: string
  readonly expected: string | null
  readonly got: string | null
  readonly origin: Origin
}

/** The problem, and where to mend it. */
export function configProblem(error: CordonError, examined: NodeConfigExamination): ConfigProblem {
  const { key, expected, got } = error.payload
  const name = SETTING_NAMES.find((each) => keyOf(each) === key)
  const lines = linesOfKeys(examined.text)
  return {
    key: textOrNull(key),
    message: error.message,
    expected: textOrNull(expected),
    got: textOrNull(got),
    origin: placeOf(error, examined, lines) ??
      (name && originOf(name, examined, lines)) ?? { kind: 'default' },
  }
}

/** Where the value that was refused stands; null if the error does not say, because each value for itself is right. */
function placeOf(
  { payload }: CordonError,
  { file }: NodeConfigExamination,
  lines: ReadonlyMap<string, number>,
): Origin | null {
  const { source, variable, key, line } = payload
  if (typeof variable === 'string') return { kind: 'variable', variable }
  if (source !== file) return null
  return { kind: 'file', file, line: typeof line === 'number' ? line : lineOf(String(key), lines) }
}

/** Of a table that is unknown, the line of the first key in it. */
function lineOf(key: string, lines: ReadonlyMap<string, number>): number | null {
  return [...lines].find(([path]) => path === key || path.startsWith(`${key}.`))?.[1] ?? null
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** `default`, `cordon.toml line 12`, or `CORDON_RPC_PORT`. */
export function originText(origin: Origin): string {
  if (origin.kind === 'default') return 'default'
  if (origin.kind === 'variable') return origin.variable
  return `${basename(origin.file)}${origin.line === null ? '' : ` line ${origin.line}`}`
}
