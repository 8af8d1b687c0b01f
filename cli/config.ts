/** The configuration of a node, for people: what is wrong with it, what holds, and where that comes from. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { readGenesisFile } from '../config/genesis-file.ts'
import type { Genesis } from '../config/genesis.ts'
import {
  configOf,
  examineNodeConfig,
  tomlValue,
  type NodeConfig,
  type NodeConfigExamination,
} from '../config/node-config.ts'
import { isModelFile, keyOf, type SettingName } from '../config/node-settings.ts'
import { configProblem, originText, settingReports, type ConfigProblem } from '../config/setting-origins.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { readKeyFile } from '../crypto/key-file.ts'
import { openOperatorKey } from '../node/review/operator-key.ts'
import type { ConfigOptions, ShowOptions } from './commands/config.ts'
import { facts } from './format.ts'
import type { CommandResult } from './output.ts'

export async function checkConfig({ dir }: ConfigOptions): Promise<CommandResult> {
  const root = resolve(dir)
  const examined = examineNodeConfig(root, process.env)
  const files = await fileErrors(configOf(root, examined.settings), examined)
  const problems = [...examined.problems, ...files].map((error) => configProblem(error, examined))
  if (problems.length > 0) return refusal(root, problems)
  const { validatorKey } = examined.settings
  return {
    data: { dir: root, problems },
    text: `nothing is wrong; ${root} is a ${validatorKey === null ? 'full node' : 'validator'}`,
  }
}

export async function showConfig({ dir, origin = false }: ShowOptions): Promise<CommandResult> {
  const root = resolve(dir)
  const examined = examineNodeConfig(root, process.env)
  const problems = examined.problems.map((error) => configProblem(error, examined))
  if (problems.length > 0) return refusal(root, problems)
  const reports = settingReports(examined)
  const rows = reports.map(({ key, value, origin: from }) => [
    key,
    ...(origin ? [originText(from)] : []),
    value === null ? 'none' : tomlValue(value),
  ])
  const settings = origin ? reports : reports.map(({ key, value }) => ({ key, value }))
  return { data: { dir: root, settings }, text: facts(rows) }
}

function refusal(root: string, problems: readonly ConfigProblem[]): CommandResult {
  const lines = problems.map(({ message, origin }) => `${message} (${originText(origin)})`)
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return {
    data: { dir: root, problems },
    text: lines.join('\n'),
    error: new CordonError(
      'config-invalid',
      `${count} in the configuration of ${root}; a node does not start`,
    ),
  }
}

/** What is wrong with the files that right settings name. */
async function fileErrors(config: NodeConfig, { problems }: NodeConfigExamination): Promise<CordonError[]> {
  const wrong = problems.map(({ payload }) => payload.key)
  const errors: CordonError[] = []
  function attempt<Value>(name: SettingName, read: () => Value): Value | null {
    if (wrong.includes(keyOf(name))) return null
    try {
      return read()
    } catch (error) {
      if (!(error instanceof CordonError)) throw error
      errors.push(new CordonError(error.code, `${keyOf(name)}: ${error.message}`, { key: keyOf(name) }))
      return null
    }
  }
  const genesis = attempt('genesis', () => readGenesisFile(config.genesisFile))
  attempt('peerKey', () => readKeyFile(config.peerKeyFile, 'peer'))
  attempt('validatorKey', () => {
    checkValidatorKey(config, genesis)
  })
  attempt('fraudModel', () => {
    checkModel(config)
  })
  return [...errors, ...(await reviewKeyErrors(config, genesis))]
}

/** Its errors name their settings themselves. */
async function reviewKeyErrors({ reviewKey }: NodeConfig, genesis: Genesis | null): Promise<CordonError[]> {
  if (reviewKey === null || genesis === null) return []
  try {
    await openOperatorKey(reviewKey, genesis)
    return []
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    return [error]
  }
}

function checkValidatorKey({ validatorKeyFile, genesisFile }: NodeConfig, genesis: Genesis | null): void {
  if (validatorKeyFile === null) return
  const { publicKey } = readKeyFile(validatorKeyFile, 'validator')
  if (genesis === null || genesis.validators.some((entry) => equalBytes(entry.publicKey, publicKey))) return
  throw new CordonError(
    'config-invalid',
    `expected a key of a validator of ${genesisFile}, got ${toHex(publicKey)} in ${validatorKeyFile}; use the right key, or leave it out to run a full node`,
  )
}

function checkModel({ fraudModel }: NodeConfig): void {
  if (isModelFile(fraudModel) && !existsSync(fraudModel))
    throw new CordonError(
      'config-invalid',
      `expected a model file, got ${fraudModel}, which does not exist; make one with: cordon fraud train`,
    )
}
