/**
 * Ties a node process to its supervisor, which holds the other end of file descriptor 3: stops the node when the
 * supervisor is gone, however that ended, so that nothing of a devnet stays behind. A node may be started before its
 * directory is there, to load its code meanwhile; it is told through the same pipe when it can go on.
 */
import { Socket } from 'node:net'
import { EARLY_VARIABLE, LEASH_FD, LEASH_VARIABLE } from './environment.ts'

function tie(): Socket {
  const leash = new Socket({ fd: LEASH_FD, readable: true, writable: false })
  leash.on('error', () => undefined)
  leash.once('close', () => {
    process.kill(process.pid, 'SIGTERM')
  })
  leash.resume()
  leash.unref()
  return leash
}

const leash = process.env[LEASH_VARIABLE] === '1' ? tie() : null
const isEarly = process.env[EARLY_VARIABLE] === '1'
Reflect.deleteProperty(process.env, LEASH_VARIABLE)
Reflect.deleteProperty(process.env, EARLY_VARIABLE)

/** Resolves when the node's directory is there. */
export const directoryIsMade: Promise<void> = new Promise((resolve) => {
  if (leash === null || !isEarly) resolve()
  else {
    leash.ref()
    leash.once('data', () => {
      leash.unref()
      resolve()
    })
  }
})
