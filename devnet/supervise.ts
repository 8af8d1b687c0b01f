/** The process behind `cordon devnet --detach`, which owns the nodes: `node supervise.ts DIR [--demo] [--links]`. */
import { parseArgs } from 'node:util'
import { CordonError, ERRORS, EXIT } from '../config/errors.ts'
import type { Message } from './background.ts'
import { connectValidators } from './clients.ts'
import { playDemo } from './scenarios/demo.ts'
import { Supervisor } from './supervisor.ts'

/** Runs until the devnet is stopped. Resolves to the exit code. */
async function supervise(dir: string, { demo, links }: { demo: boolean; links: boolean }): Promise<number> {
  const log = (fields: object): boolean =>
    process.stdout.write(`${JSON.stringify({ timeMs: Date.now(), ...fields })}\n`)
  const tell = (message: Message): void => {
    if (process.connected) process.send?.(message)
  }
  try {
    const supervisor = await Supervisor.open({ dir, onEvent: log, withLinks: links })
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => void supervisor.stop())
    await supervisor.start()
    tell({ ready: true })
    if (demo)
      runDemo(dir, supervisor, log).catch((error: unknown) =>
        log({ event: 'trouble', message: String(error) }),
      )
    await supervisor.stopped
    return EXIT.done
  } catch (error) {
    const known =
      error instanceof CordonError
        ? error
        : new CordonError(
            'unexpected',
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          )
    log({ event: 'failed', code: known.code, message: known.message })
    tell({ ready: false, code: known.code, message: known.message, payload: { ...known.payload } })
    return ERRORS[known.code].exit
  }
}

async function runDemo(dir: string, supervisor: Supervisor, log: (fields: object) => boolean): Promise<void> {
  const clients = await connectValidators(dir)
  await playDemo({ dir, seed: supervisor.file.seed, clients, signal: supervisor.stopping, onEvent: log })
  for (const client of clients) client.close()
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { demo: { type: 'boolean', default: false }, links: { type: 'boolean', default: false } },
})
void supervise(positionals[0] ?? '', values).then((exitCode) => {
  // Lets the last message out before the end.
  if (process.connected) process.disconnect()
  process.exit(exitCode)
})
