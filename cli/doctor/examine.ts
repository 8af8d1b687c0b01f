/** `cordon doctor check`: gathers the facts of a node, from its directory and from itself, and judges them. */
import { statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { urlHost } from '../../config/hosts.ts'
import { readNodeConfig, type NodeConfig } from '../../config/node-config.ts'
import { nodePaths } from '../../devnet/layout.ts'
import { genesisTotals, totalSupply } from '../../ledger/genesis.ts'
import { signerReport } from '../../node/signing/protection-file.ts'
import type { DoctorCheckOptions } from '../commands/doctor.ts'
import { checkConfig } from '../config.ts'
import { chosenDevnet, withNode } from '../context.ts'
import { table } from '../format.ts'
import type { CommandResult } from '../output.ts'
import {
  checkClock,
  checkConservation,
  checkDisk,
  checkEventLoop,
  checkModel,
  checkPeers,
  checkReadiness,
  checkVersion,
  type Check,
} from './checks.ts'
import { askNode, type NodeFacts } from './node-facts.ts'
import { checkPorts } from './ports.ts'

/** Conditions of a signer that a validator works in. */
const SIGNS = ['signing', 'minimal', 'unused']

export async function doctorCheck(options: DoctorCheckOptions): Promise<CommandResult> {
  const directory = directoryOf(options)
  const checks: Check[] = []
  const config = directory === null ? null : await checkDirectory(directory, checks)
  if (config !== null)
    checks.push(checkDisk(await freeBytes(config.dataDirectory, directory), config.dataDirectory))
  const node = await factsOf(options, config)
  if (node instanceof CordonError) checks.push(...(await withoutNode(node, config)))
  else checks.push(...judge(node, config))
  return report(directory, checks)
}

/** Of the node that is meant: `--node-dir`, or the first validator of a devnet that is not asked by `--rpc`. */
function directoryOf(options: DoctorCheckOptions): string | null {
  if (options.nodeDir !== undefined) return resolve(options.nodeDir)
  if (options.rpc !== undefined) return null
  const devnet = chosenDevnet(options)
  const [first] = devnet?.file.nodes ?? []
  return devnet === null || first === undefined ? null : nodePaths(devnet.dir, first).dir
}

/** Configuration, genesis and keys, and the signer. @returns null if the configuration cannot be read. */
async function checkDirectory(directory: string, checks: Check[]): Promise<NodeConfig | null> {
  const { error, text } = await checkConfig({ dir: directory })
  const hint = `cordon config check --dir ${directory}`
  if (error !== undefined) {
    checks.push({ what: 'configuration', state: 'bad', detail: text, hint })
    return null
  }
  const { config } = readNodeConfig(directory, process.env)
  checks.push({
    what: 'configuration',
    state: 'ok',
    detail: `${directory}: settings, genesis and keys fit`,
    hint: null,
  })
  if (config.validatorKeyFile !== null) checks.push(await checkSigner(directory, config))
  return config
}

async function checkSigner(directory: string, config: NodeConfig): Promise<Check> {
  try {
    const { condition, votes, pid } = await signerReport(config)
    const ok = SIGNS.includes(condition)
    return {
      what: 'signer',
      state: ok ? 'ok' : 'bad',
      detail: `${condition}, ${votes} votes known${pid === null ? ', in use by nobody' : `, in use by process ${pid}`}`,
      hint: ok ? null : `cordon signer status --dir ${directory}`,
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { what: 'signer', state: 'bad', detail, hint: `cordon signer status --dir ${directory}` }
  }
}

/** A data directory is made at the first start. */
async function freeBytes(folder: string, directory: string | null): Promise<number> {
  const { bavail, bsize } = await statfs(folder).catch(() => statfs(directory ?? '.'))
  return bavail * bsize
}

/** Why there are none, if the node does not answer. */
async function factsOf(
  options: DoctorCheckOptions,
  config: NodeConfig | null,
): Promise<NodeFacts | CordonError> {
  try {
    return await withNode({ ...options, ...ownRpc(options, config) }, askNode)
  } catch (error) {
    if (error instanceof CordonError) return error
    throw error
  }
}

/** Of the node in `--node-dir`, which is not to be mixed up with one of a devnet. */
function ownRpc({ rpc, nodeDir }: DoctorCheckOptions, config: NodeConfig | null): { readonly rpc?: string } {
  if (rpc !== undefined || nodeDir === undefined) return {}
  if (config !== null && config.rpcPort !== 0)
    return { rpc: `http://${urlHost(config.rpcHost)}:${config.rpcPort}` }
  const why =
    config === null ? 'its configuration does not say where it listens' : 'it takes any free port for RPC'
  throw new CordonError('cannot-connect', `it was not asked: ${why}`)
}

function judge(node: NodeFacts, config: NodeConfig | null): Check[] {
  const checks = [
    checkVersion(node),
    ...checkReadiness(node),
    checkPeers(node),
    checkClock(node),
    checkEventLoop(node),
    checkModel(node),
  ]
  if (config === null) return checks
  const units = totalSupply(genesisTotals(readGenesisFile(config.genesisFile)))
  return [...checks, checkConservation(node, units)]
}

/** A node that does not run can still be told whether it could listen. */
async function withoutNode(error: CordonError, config: NodeConfig | null): Promise<Check[]> {
  const silent: Check = {
    what: 'node',
    state: 'bad',
    detail: error.message,
    hint: 'start it, or give --rpc URL; if it ended, the last line of its log says why',
  }
  return [silent, ...(config === null ? [] : await checkPorts(config))]
}

function report(directory: string | null, checks: readonly Check[]): CommandResult {
  const rows = checks.flatMap(({ what, state, detail, hint }) => [
    [what, state, detail],
    ...(hint === null ? [] : [['', '', `→ ${hint}`]]),
  ])
  const bad = checks.filter(({ state }) => state === 'bad')
  const result = {
    data: { directory, checks },
    text: table([{ title: 'CHECK' }, { title: 'STATE' }, { title: 'WHAT WAS FOUND' }], rows),
  }
  if (bad.length === 0) return result
  const names = [...new Set(bad.map(({ what }) => what))].join(', ')
  return { ...result, error: new CordonError('unwell', `out of order: ${names}`, { checks: names }) }
}
