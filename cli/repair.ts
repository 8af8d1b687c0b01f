/** `cordon doctor repair`: what is damaged in the directory of a stopped node, and what was done about it. */
import { resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { repairNode, type RepairReport } from '../node/repair.ts'
import { facts } from './format.ts'
import type { JsonOptions } from './options.ts'
import type { CommandResult } from './output.ts'

export interface RepairCommandOptions extends JsonOptions {
  readonly dir: string
  readonly salvagePending?: boolean
}

export async function repair({ dir, salvagePending = false }: RepairCommandOptions): Promise<CommandResult> {
  const directory = resolve(dir)
  const report = await repairNode({ directory, salvagePending })
  const result = { data: { dir: directory, ...report }, text: describe(directory, report) }
  if (report.startable) return result
  const left = report.findings.filter(
    ({ damage, action }) => damage !== null && action?.startsWith('left') === true,
  )
  const parts = left.map(({ part }) => part).join(', ')
  const error = new CordonError('data-inconsistent', `not repaired, and the node will not start: ${parts}`)
  return { ...result, error }
}

function describe(directory: string, { findings, startable }: RepairReport): string {
  const rows = findings.flatMap(({ part, damage, action }): [string, string][] =>
    damage === null
      ? [[part, 'sound']]
      : [
          [part, damage],
          ['', action ?? ''],
        ],
  )
  const next: [string, string][] = startable ? [['next', `cordon start --dir ${directory}`]] : []
  return facts([...rows, ...next])
}
