/**
 * Loaded into every node process before the daemon: stops the node when its supervisor is gone, however that ended, so
 * that nothing of a devnet stays behind. The supervisor holds the other end of file descriptor 3.
 */
import { Socket } from 'node:net'

export const LEASH_FD = 3

if (process.env.CORDON_DEVNET_LEASH === '1') {
  Reflect.deleteProperty(process.env, 'CORDON_DEVNET_LEASH')
  const leash = new Socket({ fd: LEASH_FD, readable: true, writable: false })
  leash.on('error', () => undefined)
  leash.once('close', () => {
    process.kill(process.pid, 'SIGTERM')
  })
  leash.resume()
  leash.unref()
}
