/** `cordon signer status | export | import` */
import type { Command } from 'commander'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'
import { jsonOption, type JsonOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export interface SignerOptions extends JsonOptions {
  readonly dir: string
}

export interface ExportOptions extends SignerOptions {
  readonly out: string
  readonly force?: boolean
}

export interface ImportOptions extends SignerOptions {
  readonly file: string
}

const EXITS =
  'Exit codes: 0 done, 2 a file cannot be read or written, 78 the node runs, or a file cannot be used; 80 it could contradict earlier votes, 82 damaged.'

const EXAMPLES = {
  status: 'cordon signer status --dir node',
  export: 'cordon signer export --dir node --out votes.json',
  import: 'cordon signer import --dir node --file votes.json',
} as const

export function build(command: Command): Command {
  signerCommand(
    command,
    'status',
    'what a validator has signed, and whether it may sign; the node may run',
    async (options: SignerOptions) => (await import('../signer.ts')).signerStatus(options),
  )
  signerCommand(
    command,
    'export',
    'write what a stopped validator has signed to a file',
    async (options: ExportOptions) => (await import('../signer.ts')).signerExport(options),
  )
    .requiredOption('--out <file>', 'file to write')
    .option('--force', 'replace the file if it is there')
  signerCommand(
    command,
    'import',
    'take an export into a stopped validator; what is known only grows',
    async (options: ImportOptions) => (await import('../signer.ts')).signerImport(options),
  ).requiredOption('--file <file>', 'export to take')
  return command
}

function signerCommand<Options extends SignerOptions>(
  parent: Command,
  name: keyof typeof EXAMPLES,
  description: string,
  run: (options: Options) => Promise<CommandResult>,
): Command {
  const command = parent
    .command(name)
    .description(description)
    .requiredOption('--dir <directory>', 'directory of the node, as init made it; of a devnet: DEVNET/v1')
    .addOption(jsonOption())
  explain(command, { about: [EXITS], examples: [EXAMPLES[name]] })
  return action(command, run)
}
