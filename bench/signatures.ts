/**
 * What the check of a signature costs, together with others and by itself, in turn.
 *
 *   node_modules/.bin/node bench/signatures.ts [rounds=60]
 */
import { randomBytes } from 'node:crypto'
import { MOST, verifyAll, type Signed } from '../crypto/batch/verify.ts'
import { keyPairFromSeed, sign, verifyFast } from '../crypto/ed25519.ts'
import { wholeNumber } from './arguments.ts'
import { spreadOf } from './spread.ts'

const COUNTS = [16, 32, 64, MOST]
const rounds = wholeNumber('rounds', process.argv[2] ?? '60')

const signed: readonly Signed[] = Array.from({ length: MOST }, () => {
  const { publicKey, secretKey } = keyPairFromSeed(randomBytes(32))
  const message = randomBytes(32)
  return { key: publicKey, message, signature: sign(message, secretKey) }
})

function timeUs(check: () => boolean): number {
  const start = performance.now()
  if (!check()) throw new Error('a valid signature was refused')
  return 1_000 * (performance.now() - start)
}

for (const count of COUNTS) {
  const some = signed.slice(0, count)
  const [together, alone]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    together.push(timeUs(() => verifyAll(some)) / count)
    alone.push(timeUs(() => some.every((one) => verifyFast(one.signature, one.message, one.key))) / count)
  }
  const [ofAll, ofOne] = [spreadOf(together), spreadOf(alone)]
  process.stdout.write(
    `${count}: together ${ofAll.median.toFixed(1)} (${ofAll.least.toFixed(1)}–${ofAll.most.toFixed(1)}) µs each, alone ${ofOne.median.toFixed(1)} (${ofOne.least.toFixed(1)}–${ofOne.most.toFixed(1)})\n`,
  )
}
