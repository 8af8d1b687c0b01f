import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ed25519 } from '@noble/curves/ed25519.js'
import { LIMITS } from '../../config/limits.ts'
import { keyPairFromSeed, sign, verifyFast, verifyReference } from '../../crypto/ed25519.ts'
import {
  createSignatureChecker,
  type SignatureChecker,
  type SignatureToCheck,
} from '../../node/scoring/signature-checker.ts'

const pair = keyPairFromSeed(new Uint8Array(32).fill(7))

function good(count: number): SignatureToCheck[] {
  return Array.from({ length: count }, (_, i) => {
    const message = Buffer.from(`message ${i}`)
    return { key: pair.publicKey, message, signature: sign(message, pair.secretKey) }
  })
}

/** Key and nonce point of small order: valid for every message by ZIP-215, refused by libsodium. */
function slow(i: number): SignatureToCheck {
  const identity = ed25519.Point.ZERO.toBytes()
  return {
    key: identity,
    message: Buffer.from(`small ${i}`),
    signature: Buffer.concat([identity, new Uint8Array(32)]),
  }
}

function bad(): SignatureToCheck {
  const [signature] = good(1)
  return { ...signature!, message: Buffer.from('another message') }
}

async function withChecker(
  use: (checker: SignatureChecker) => Promise<void>,
  spawn?: () => Worker,
): Promise<void> {
  const checker = createSignatureChecker(spawn)
  try {
    await use(checker)
  } finally {
    await checker.close()
  }
}

const at = (list: SignatureToCheck[], index: number, item: SignatureToCheck): SignatureToCheck[] =>
  list.with(index, item)

test('the slow one is slow', () => {
  const { key, message, signature } = slow(0)
  assert.equal(verifyFast(signature, message, key), false)
  assert.equal(verifyReference(signature, message, key), true)
})

for (const { where, count, atOnce } of [
  { where: 'inline, too few to be checked at once', count: 11, atOnce: false },
  { where: 'inline', count: 16, atOnce: true },
  { where: 'in the worker', count: 300, atOnce: true },
]) {
  describe(where, () => {
    test('good, slow and bad ones', () =>
      withChecker(async (checker) => {
        assert.deepEqual([...(await checker.check(good(count)))], Array(count).fill(1))
        const oneSlow = await checker.check(at(good(count), 5, slow(5)))
        assert.deepEqual([oneSlow[4], oneSlow[5], oneSlow[6]], [1, atOnce ? 1 : 2, 1])
        const oneBad = await checker.check(at(good(count), 5, bad()))
        assert.deepEqual([...oneBad], [1, 1, 1, 1, 1, ...Array<number>(count - 5).fill(0)])
      }))

    test('no more references than a batch may have, where each is checked by itself', () =>
      withChecker(async (checker) => {
        const most = LIMITS.slowSignaturesPerBatch
        const signatures = at(good(count), 10, bad())
        for (let i = 0; i <= most; i++) signatures[i] = slow(i)
        const answers = await checker.check(signatures)
        assert.deepEqual([...answers.subarray(0, most)], Array(most).fill(2))
        assert.ok(answers.subarray(most).every((answer) => answer === 0))
      }))
  })
}

test('none', () => withChecker(async (checker) => assert.equal((await checker.check([])).length, 0)))

describe('without a worker', () => {
  const dying = (): Worker =>
    new Worker(`require('node:worker_threads').parentPort.once('message', () => process.exit(1))`, {
      eval: true,
    })

  test('a batch under way is finished on the main thread', () =>
    withChecker(async (checker) => {
      assert.ok((await checker.check(good(200))).every((answer) => answer === 1))
      const answers = await checker.check(at(good(200), 150, bad()))
      assert.equal(answers.indexOf(0), 150)
      const few = await checker.check(at(at(good(200), 100, slow(1)), 199, bad()))
      assert.deepEqual([few[100], few.indexOf(0)], [1, 199])
    }, dying))
})
