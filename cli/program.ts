/**
 * The command tree. Only the module of the command that runs is loaded, the others are names with a line of help, so
 * that a payment does not wait for the code of a devnet.
 */
import { CommanderError, type Command, type Argument } from 'commander'
import { CordonError } from '../config/errors.ts'
import { dropSwitchesTurnedOff, MirroringCommand } from './environment.ts'
import { addExamples } from './examples.ts'

interface CommandEntry {
  readonly name: string
  readonly description: string
  /** Adds arguments, options, subcommands and actions. */
  readonly load: () => Promise<(command: Command) => Command>
}

/** In the order in which help lists them. Each module's `build` fills in a command that has its name and description. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'devnet',
    description: 'start a network of validators on this machine, and bend it',
    load: async () => (await import('./commands/devnet.ts')).build,
  },
  {
    name: 'wallet',
    description: 'keys, balances, payments and receipts',
    load: async () => (await import('./commands/wallet.ts')).build,
  },
  {
    name: 'mcp',
    description: 'let an assistant look and ask for payments, over the Model Context Protocol',
    load: async () => (await import('./commands/mcp.ts')).build,
  },
  {
    name: 'tx',
    description: 'transactions: what became of them, and those that are signed elsewhere',
    load: async () => (await import('./commands/tx.ts')).build,
  },
  {
    name: 'watch',
    description: 'what happens to payments, as it happens: one JSON object a line',
    load: async () => (await import('./commands/watch.ts')).build,
  },
  {
    name: 'quarantine',
    description: 'payments held for review',
    load: async () => (await import('./commands/quarantine.ts')).build,
  },
  {
    name: 'verify',
    description: 'check a receipt file against genesis; needs no node and no network',
    load: async () => (await import('./commands/verify.ts')).build,
  },
  {
    name: 'status',
    description: 'how a node and its chain are',
    load: async () => (await import('./commands/status.ts')).build,
  },
  {
    name: 'block',
    description: 'final blocks',
    load: async () => (await import('./commands/block.ts')).build,
  },
  {
    name: 'validators',
    description: 'the validators with their stake, and how often their flags were right',
    load: async () => (await import('./commands/validators.ts')).build,
  },
  {
    name: 'evidence',
    description: 'validators that were proven to contradict themselves',
    load: async () => (await import('./commands/evidence.ts')).build,
  },
  {
    name: 'doctor',
    description: 'find out what is wrong',
    load: async () => (await import('./commands/doctor.ts')).build,
  },
  {
    name: 'genesis',
    description: 'the file that makes a network: make one, look at one',
    load: async () => (await import('./commands/genesis.ts')).build,
  },
  {
    name: 'init',
    description: 'make the directory of a node',
    load: async () => (await import('./commands/init.ts')).build,
  },
  {
    name: 'config',
    description: 'the configuration of a node: what holds, and what is wrong with it',
    load: async () => (await import('./commands/config.ts')).build,
  },
  {
    name: 'signer',
    description: 'what a validator has signed: look at it, export it, import it',
    load: async () => (await import('./commands/signer.ts')).build,
  },
  {
    name: 'token',
    description: 'tokens for the operator methods of a node',
    load: async () => (await import('./commands/token.ts')).build,
  },
  { name: 'start', description: 'run a node', load: async () => (await import('./commands/start.ts')).build },
  {
    name: 'bench',
    description: 'measure a devnet under load',
    load: async () => (await import('./commands/bench.ts')).build,
  },
  {
    name: 'fraud',
    description: 'measure fraud models, train them, choose the one that votes',
    load: async () => (await import('./commands/fraud.ts')).build,
  },
  {
    name: 'completion',
    description: 'a script that lets a shell complete the commands of cordon',
    load: async () => (await import('./commands/completion.ts')).build,
  },
]

/** Names of commands stand alone: that each has options needs no word, and the screen is small. */
const HELP = {
  showGlobalOptions: false,
  subcommandTerm: (command: Command): string =>
    [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

/** The tree, with those commands in full that `isLoaded` names. */
export async function buildProgram(
  isLoaded: (name: string) => boolean,
  version: string,
  environment: NodeJS.ProcessEnv,
): Promise<Command> {
  const program = new MirroringCommand('cordon')
  program.description('A payment network that settles in real time and holds back fraud.')
  program.version(version, '-V, --version', 'print the version')
  program.helpOption('-h, --help', 'print help')
  program.configureHelp(HELP)
  // Else commander would hand options behind a subcommand's name to its parent, where `devnet` has some of the same name.
  program.enablePositionalOptions()
  for (const { name, description, load } of COMMANDS) {
    const command = new MirroringCommand(name).description(description).configureHelp(HELP)
    if (isLoaded(name)) addExamples((await load())(command))
    program.addCommand(command)
  }
  dropSwitchesTurnedOff(program, environment)
  return program
}

/**
 * Parses and runs.
 * @throws CordonError `usage` for a wrong command line. Help and version are printed and are no error.
 */
export async function parse(program: Command, args: readonly string[]): Promise<void> {
  const complaints: string[] = []
  forEachCommand(program, (command) => {
    command.exitOverride()
    command.configureOutput({ writeErr: (text) => complaints.push(text), outputError: () => undefined })
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw new CordonError('usage', usageMessage(error, complaints), {}, { cause: error })
  }
}

/** commander shows help where a subcommand is missing; everything else is one sentence. */
function usageMessage(error: CommanderError, complaints: readonly string[]): string {
  if (error.code === 'commander.help') return `expected a command\n${complaints.join('').trimEnd()}`
  return error.message.replace(/^error: /, '')
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const child of command.commands) forEachCommand(child, visit)
}
