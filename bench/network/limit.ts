/**
 * What the signature check alone allows: transactions a second if each of four validators on this machine checked each
 * signature once and did nothing else. As a program it verifies for some seconds and prints how often.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { keyPairFromSeed, sign, verifyFast } from '../../crypto/ed25519.ts'

const SECONDS = 2
/** Each a message of its own, so that no cache of the processor holds them all. */
const MESSAGES = 512

/** Verifications a second of this process. */
function verifications(seconds: number): number {
  const key = keyPairFromSeed(new Uint8Array(32).fill(7))
  const signed = Array.from({ length: MESSAGES }, (_, index) => {
    const message = new Uint8Array(32).fill(index & 255)
    message[0] = index >> 8
    return { message, signature: sign(message, key.secretKey) }
  })
  const startMs = performance.now()
  let count = 0
  while (performance.now() - startMs < 1_000 * seconds)
    for (const { message, signature } of signed) {
      if (!verifyFast(signature, message, key.publicKey)) throw new Error('a good signature was refused')
      count++
    }
  return (1_000 * count) / (performance.now() - startMs)
}

/** Transactions a second, with all cores at work. */
export async function verifyLimit(validators: number): Promise<number> {
  const run = promisify(execFile)
  const ran = await Promise.all(
    Array.from({ length: availableParallelism() }, () => run(process.execPath, [import.meta.filename])),
  )
  return ran.reduce((sum, { stdout }) => sum + Number(stdout), 0) / validators
}

if (import.meta.main) process.stdout.write(String(verifications(SECONDS)))
