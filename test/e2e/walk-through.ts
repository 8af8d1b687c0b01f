/** Executes the `sh` blocks of a page, one after the other, as a reader would who copies them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { commandsOf } from '../pages/shell-blocks.ts'

const run = promisify(execFile)
const BLOCK_TIMEOUT_MS = 120_000

/** What a page writes for something that an earlier command printed, and where that is found. */
const PLACEHOLDERS = {
  TXID: /^transaction +([0-9a-f]{64})$/m,
  HOLD: /^([0-9a-f]{64})\b/m,
} as const

/**
 * Runs each line in `cwd`, with what earlier ones printed in the place of what the page has for it.
 * @param ran called after each line: what it should have brought about can be looked at there.
 * @throws Error with the command and all it said, if one does not exit 0.
 */
export async function walkThrough(
  blocks: readonly string[],
  options: { readonly cwd: string; readonly env: Record<string, string> },
  ran: (command: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const known = new Map<string, string>()
  for (const line of blocks.flatMap(commandsOf)) {
    let command = line
    for (const [name, value] of known) command = command.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), value)
    try {
      const { stdout } = await run('bash', ['-c', command], { ...options, timeout: BLOCK_TIMEOUT_MS })
      for (const [name, pattern] of Object.entries(PLACEHOLDERS)) {
        const found = pattern.exec(stdout)?.[1]
        if (found !== undefined) known.set(name, found)
      }
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`${command}\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
    }
    await ran(command)
  }
}
