/**
 * Ties a node process to its supervisor, which holds the other end of file descriptor 3: stops the node when the
 * supervisor is gone, however that ended, so that nothing of a devnet stays behind. A node may be started before its
 * directory is there, to load its code meanwhile; it is told through the same pipe when it can go on, and how far its clock
 * is to be ahead (`warped-clock.ts`); and it tells when its ports answer, so that nobody has to try.
 */
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { AHEAD, AHEAD_VARIABLE, EARLY_VARIABLE, GO, LEASH_FD, LEASH_VARIABLE, UP } from './environment.ts'
import { setClockAhead } from './warped-clock.ts'

function tie(): Socket {
  const leash = new Socket({ fd: LEASH_FD, readable: true, writable: true })
  leash.on('error', () => undefined)
  leash.once('close', () => {
    process.kill(process.pid, 'SIGTERM')
  })
  leash.unref()
  return leash
}

const leash = process.env[LEASH_VARIABLE] === '1' ? tie() : null
const isEarly = process.env[EARLY_VARIABLE] === '1'
setClockAhead(Number(process.env[AHEAD_VARIABLE] ?? 0))
for (const name of [LEASH_VARIABLE, EARLY_VARIABLE, AHEAD_VARIABLE]) Reflect.deleteProperty(process.env, name)

/** Tells the supervisor that the node's ports answer. */
export function tellUp(): void {
  leash?.write(`${UP}\n`)
}

const made = Promise.withResolvers<undefined>()
/** Resolves when the node's directory is there. */
export const directoryIsMade: Promise<undefined> = made.promise

function obey(line: string): void {
  const [word, value] = line.split(' ')
  if (word === AHEAD) setClockAhead(Number(value))
  else if (word === GO) {
    leash?.unref()
    made.resolve(undefined)
  }
}

if (leash !== null) createInterface({ input: leash }).on('line', obey)
if (leash === null || !isEarly) made.resolve(undefined)
else leash.ref()
