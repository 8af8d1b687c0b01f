/** Ties a command's function to commander: options in, a result or an error out, printed, and an exit code. */
import type { Command } from 'commander'
import { printError, printResult, type CommandResult } from './output.ts'

let exitCode = 0

/** Exit code of the command that ran last in this process. */
export function exitCodeOfRun(): number {
  return exitCode
}

/**
 * Makes `run` the action of a command. It gets the options (commander's, camelCase) and the positional arguments.
 * A command that prints for itself (a stream, a daemon) returns its exit code instead of a result.
 */
export function action<Options extends object, Arguments extends readonly unknown[] = []>(
  command: Command,
  run: (options: Options, ...args: Arguments) => Promise<CommandResult | number>,
): Command {
  return command.action(async (...all: unknown[]) => {
    // commander hands over the arguments, then the options, then the command.
    const args = all.slice(0, -2) as unknown as Arguments
    const options = all.at(-2) as Options
    const json = (options as { readonly json?: unknown }).json === true
    try {
      const result = await run(options, ...args)
      exitCode = typeof result === 'number' ? result : printResult(result, json)
    } catch (error) {
      exitCode = printError(error, json)
    }
  })
}
