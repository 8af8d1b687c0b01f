/** `cordon completion SHELL` */
import { Argument, type Command } from 'commander'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'
import type { CommandResult } from '../output.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

type Shell = (typeof SHELLS)[number]

export function build(command: Command): Command {
  command.addArgument(new Argument('<shell>', 'shell to make it for').choices(SHELLS))
  explain(command, {
    about: [
      'It completes commands, flags, what they can be set to, files, and the names of your keys and contacts; it asks no node. In the startup file of the shell: bash and zsh (behind compinit) as shown below, fish: cordon completion fish | source.',
    ],
    examples: ['source <(cordon completion bash)'],
  })
  return action(command, async (_options: object, shell: Shell) => script(shell))
}

async function script(shell: Shell): Promise<CommandResult> {
  const { buildProgram } = await import('../program.ts')
  const { completionTree } = await import('../completion/tree.ts')
  const tree = completionTree(await buildProgram(() => true, '', {}))
  const text = await SCRIPTS[shell]().then((write) => write(tree))
  return { data: { shell, script: text }, text: text.trimEnd() }
}

type ScriptWriter = (tree: readonly import('../completion/tree.ts').CompletionCommand[]) => string

const SCRIPTS: Readonly<Record<Shell, () => Promise<ScriptWriter>>> = {
  bash: async () => (await import('../completion/bash.ts')).bashScript,
  zsh: async () => (await import('../completion/zsh.ts')).zshScript,
  fish: async () => (await import('../completion/fish.ts')).fishScript,
}
