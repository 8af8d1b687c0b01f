/** `cordon fraud model`: the models of a running node. */
import type { Command } from 'commander'
import { operatorOptions, type OperatorOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

type Load = Promise<typeof import('../fraud/models.ts')>
const load = (): Load => import('../fraud/models.ts')

export function buildModelCommands(command: Command): void {
  const sub = (signature: string, about: string): Command =>
    operatorOptions(command.command(signature).description(about))
  action(
    sub('list', 'the models that the node has'),
    async (options: OperatorOptions): Promise<CommandResult> => (await load()).listModels(options),
  )
  action(
    sub('show [model]', 'one model: by id, the begin of an id, or name (default: the one that votes)'),
    async (options: OperatorOptions, model?: string): Promise<CommandResult> =>
      (await load()).showModel(options, model ?? null),
  )
  action(
    sub('use <model>', 'let a model vote: one of the list, "pretrained", "label-free", or a file of train'),
    async (options: OperatorOptions, model: string): Promise<CommandResult> =>
      (await load()).useModel(options, model),
  )
  action(
    sub('rollback', 'let the model that voted before vote again'),
    async (options: OperatorOptions): Promise<CommandResult> => (await load()).rollBackModel(options),
  )
  action(
    sub('shadow <model>', 'let a model score beside the one that votes, without a vote; "off" ends it'),
    async (options: OperatorOptions, model: string): Promise<CommandResult> =>
      (await load()).shadowModel(options, model === 'off' ? null : model),
  )
  action(
    sub('report', 'what the model in the shadow would have flagged, beside what was flagged'),
    async (options: OperatorOptions): Promise<CommandResult> => (await load()).reportShadow(options),
  )
}
