/**
 * What a command says: results on stdout, everything else on stderr. With `--json` one envelope,
 * `{ "v": 1, "ok": …, "data" | "error" }`; exits 0 and 6 are `ok`. A payment that failed for good has both: `data` with
 * what is known of it, and `error` with why.
 */
import { CordonError, EXIT, exitCodeOf } from '../config/errors.ts'

const ENVELOPE_VERSION = 1

export interface CommandResult {
  /** For `--json`; bigint becomes a decimal string. */
  readonly data: object
  /** For people; no newline at its end. */
  readonly text: string
  /** Default: done, or that of `error`. */
  readonly exit?: number
  /** Set if the command did what it was told and the outcome is a bad one. */
  readonly error?: CordonError
}

/** Prints a result. @returns the exit code. */
export function printResult(result: CommandResult, json: boolean): number {
  const exit = result.exit ?? (result.error === undefined ? EXIT.done : exitCodeOf(result.error))
  if (json) {
    const ok = exit === EXIT.done || exit === EXIT.held
    const error = result.error === undefined ? {} : { error: errorObject(result.error) }
    writeLine(stringify({ v: ENVELOPE_VERSION, ok, data: result.data, ...error }))
  } else {
    if (result.text !== '') writeLine(result.text)
    if (result.error !== undefined) note(result.error.message)
  }
  return exit
}

/** Prints a failure. @returns the exit code. */
export function printError(error: unknown, json: boolean): number {
  if (json) writeLine(stringify({ v: ENVELOPE_VERSION, ok: false, error: errorObject(error) }))
  else note(messageOf(error))
  return exitCodeOf(error)
}

/** One line of a stream (`devnet`, `watch`): a bare object. */
export function printEvent(event: object): void {
  writeLine(stringify(event))
}

/** Something for people beside the result. */
export function note(message: string): void {
  process.stderr.write(`cordon: ${message}\n`)
}

export function stringify(value: object): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}

function errorObject(error: unknown): object {
  if (!(error instanceof CordonError)) return { code: 'unexpected', message: messageOf(error) }
  return { code: error.code, message: error.message, ...withoutReserved(error.payload) }
}

function withoutReserved(payload: Readonly<Record<string, unknown>>): object {
  const { code: _code, message: _message, ...rest } = payload
  return rest
}

/** An unexpected error shows its stack: it is ours to find. */
function messageOf(error: unknown): string {
  if (error instanceof CordonError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
