/**
 * What a command is told beside its command line: standard input, and answers on a terminal. Nothing here waits where
 * nobody can answer.
 */
import { CordonError } from '../config/errors.ts'

/** Where people can be asked. Tests hand over one that answers. */
export interface Terminal {
  /** Whether there is somebody to ask: standard input and standard error are a terminal. */
  readonly canAsk: boolean
  /** A line that is not shown. Rejects if the question is broken off. */
  secret(question: string): Promise<string>
  /** Yes or no; no if the question is broken off. */
  confirm(question: string): Promise<boolean>
  /** A line that the question finds no problem with. Rejects if the question is broken off. */
  line(question: Question): Promise<string>
}

export interface Question {
  readonly message: string
  /** What an empty answer stands for. */
  readonly standard: string
  /** What is wrong with an answer, or null. */
  readonly problemOf: (answer: string) => string | null
}

export const TERMINAL: Terminal = {
  get canAsk() {
    return process.stdin.isTTY && process.stderr.isTTY
  },
  async secret(question) {
    const { password } = await import('@inquirer/prompts')
    return password({ message: question, mask: '*' }, { output: process.stderr })
  },
  async confirm(question) {
    const { confirm } = await import('@inquirer/prompts')
    return confirm({ message: question, default: false }, { output: process.stderr }).catch(() => false)
  },
  async line({ message, standard, problemOf }) {
    const { input } = await import('@inquirer/prompts')
    const validate = (answer: string): string | true => problemOf(answer.trim()) ?? true
    return input({ message, default: standard, validate }, { output: process.stderr })
  },
}

export interface InputRequest {
  /** What is to come, for the error of a terminal that would wait for it. */
  readonly what: string
  /** It stops at more than that: a pipe that never ends must not fill the memory. */
  readonly maxCharacters: number
  /** Whether it stops at the end of the first line. */
  readonly oneLine: boolean
}

/** The text on standard input, which can be read once. @throws CordonError `needs-input` if it is a terminal. */
export async function readStandardInput(request: InputRequest): Promise<string> {
  if (process.stdin.isTTY)
    throw needsInput(`expected ${request.what} on standard input, which is a terminal; use a pipe or a file`)
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk)
    if ((request.oneLine && text.includes('\n')) || text.length > request.maxCharacters) break
  }
  return text
}

export function needsInput(message: string): CordonError {
  return new CordonError('needs-input', message)
}
