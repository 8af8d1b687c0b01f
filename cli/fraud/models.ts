/** The models of a running node, for people: list, choose, take back, and compare in the shadow. */
import { existsSync, readFileSync } from 'node:fs'
import type { ModelInfo, ShadowReport } from '../../client/operator-api.ts'
import type { OperatorClient } from '../../client/operator-client.ts'
import { CordonError } from '../../config/errors.ts'
import { facts, table, time } from '../format.ts'
import { requireOperator } from '../operator.ts'
import type { OperatorOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

/** Digits of an id that are shown in a list. */
const SHOWN_DIGITS = 12
const PERCENT = 100

export async function listModels(options: OperatorOptions): Promise<CommandResult> {
  const models = await requireOperator(options).call('model_list', {})
  const text = table(
    [{ title: 'MODEL' }, { title: 'NAME' }, { title: 'FROM' }, { title: 'ADDED' }, { title: 'NOW' }],
    models.map(({ id, name, origin, addedMs, role }) => [
      id.slice(0, SHOWN_DIGITS),
      name,
      origin,
      time(addedMs),
      role ?? '',
    ]),
  )
  return { data: { models }, text }
}

/** @param name null: the one that votes. */
export async function showModel(options: OperatorOptions, name: string | null): Promise<CommandResult> {
  const client = requireOperator(options)
  const model = name === null ? await votingModel(client) : await client.call('model_get', { model: name })
  return result(model)
}

/** Lets a model vote: by name or id, or a file, which is taken in first. */
export async function useModel(options: OperatorOptions, nameOrPath: string): Promise<CommandResult> {
  const client = requireOperator(options)
  return result(await client.call('model_use', { model: await nameOf(client, nameOrPath) }))
}

export async function rollBackModel(options: OperatorOptions): Promise<CommandResult> {
  return result(await requireOperator(options).call('model_rollback', {}))
}

/** @param nameOrPath null: no model in the shadow any more. */
export async function shadowModel(
  options: OperatorOptions,
  nameOrPath: string | null,
): Promise<CommandResult> {
  const client = requireOperator(options)
  const model = nameOrPath === null ? null : await nameOf(client, nameOrPath)
  const shadow = await client.call('model_shadow', { model })
  if (shadow === null) return { data: { shadow: null }, text: 'no model is in the shadow' }
  return { data: { shadow }, text: described(shadow) }
}

/** @throws CordonError `not-found` without a model in the shadow. */
export async function reportShadow(options: OperatorOptions): Promise<CommandResult> {
  const report = await requireOperator(options).call('model_report', {})
  if (report === null)
    throw new CordonError(
      'not-found',
      'no model is in the shadow; put one there with: cordon fraud model shadow MODEL',
    )
  return { data: report, text: reported(report) }
}

async function votingModel(client: OperatorClient): Promise<ModelInfo> {
  const models = await client.call('model_list', {})
  const voting = models.find(({ role }) => role === 'votes')
  if (voting === undefined) throw new CordonError('unexpected', 'the node names no model that votes')
  return voting
}

/** Anything that is a file here is taken in; everything else is a name. */
async function nameOf(client: OperatorClient, nameOrPath: string): Promise<string> {
  if (!existsSync(nameOrPath)) return nameOrPath
  let file: string
  try {
    file = readFileSync(nameOrPath, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new CordonError('not-found', `${nameOrPath} cannot be read (${code})`, {}, { cause: error })
  }
  return (await client.call('model_add', { file })).id
}

function result(model: ModelInfo): CommandResult {
  return { data: model, text: described(model) }
}

function described({ id, name, origin, addedMs, about, role }: ModelInfo): string {
  return facts([
    ['model', id],
    ['name', name],
    ['from', origin],
    ['learned', about],
    ['added', time(addedMs)],
    ['now', role ?? 'kept, not in use'],
  ])
}

function reported({ voting, shadow, transfers, flagged, fraud, legitimate }: ShadowReport): string {
  const share = (count: number, of: number): string =>
    of === 0 ? `${count}` : `${count} (${((PERCENT * count) / of).toFixed(2)} %)`
  const row = (what: string, of: number, flags: ShadowReport['flagged']): string[] => [
    what,
    String(of),
    share(flags.voting, of),
    share(flags.shadow, of),
    share(flags.both, of),
  ]
  return [
    `voting  ${voting.name} ${voting.id.slice(0, SHOWN_DIGITS)}`,
    `shadow  ${shadow.name} ${shadow.id.slice(0, SHOWN_DIGITS)}`,
    '',
    table(
      [
        { title: 'TRANSFERS' },
        { title: 'COUNT', align: 'right' },
        { title: 'VOTING FLAGS', align: 'right' },
        { title: 'SHADOW FLAGS', align: 'right' },
        { title: 'BOTH', align: 'right' },
      ],
      [
        row('all', transfers, flagged),
        row('held, found fraud', fraud.holds, fraud),
        row('held, found legitimate', legitimate.holds, legitimate),
      ],
    ),
  ].join('\n')
}
