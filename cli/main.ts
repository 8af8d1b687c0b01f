/** Entry of `bin/cordon`. */
import { VERSION } from '../config/version.ts'

/** For a command line that could not be parsed. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (
    args.slice(0, end === -1 ? undefined : end).includes('--json') || process.env.CORDON_JSON !== undefined
  )
}

/** Runs one command. @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  if (args.length === 1 && args[0] === '--version') {
    process.stdout.write(`${VERSION}\n`)
    return 0
  }
  const { buildProgram, parse } = await import('./program.ts')
  const { warnUnknownVariables } = await import('./environment.ts')
  const { printError } = await import('./output.ts')
  const { exitCodeOfRun } = await import('./run.ts')
  const name = args.find((argument) => !argument.startsWith('-') && argument !== 'help') ?? null
  warnUnknownVariables(process.env)
  try {
    const program = await buildProgram((command) => command === name, VERSION, process.env)
    await parse(program, args)
    return exitCodeOfRun()
  } catch (error) {
    return printError(error, wantsJson(args))
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit() // whoever read our output has enough
  throw error
})

void main(process.argv.slice(2)).then((exitCode) => {
  // A connection or timer that is still open must not keep a finished command alive.
  process.stdout.write('', () => process.exit(exitCode))
})
