/** Evidence: each punishable pair of consensus.md §10 is one, everything else is not, and nothing in it can be changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sign, verify } from '../../crypto/ed25519.ts'
import { LIMITS } from '../../config/limits.ts'
import {
  batchEvidence,
  contradiction,
  decodeEvidence,
  encodeEvidence,
  judgeEvidence,
  voteEvidence,
  type Evidence,
  type SignedChoice,
  type SignedFields,
} from '../../consensus/evidence.ts'
import type { VoteKind } from '../../consensus/types.ts'
import { VotePool } from '../../consensus/vote-pool.ts'
import { batchDigest, batchMessage, voteMessage } from '../../consensus/wire.ts'
import { certificate, digestOf, keyPair, validatorSet } from './fixtures.ts'

const set = validatorSet()
const P = digestOf('P')
const Q = digestOf('Q')
const VALIDATOR = 2
const VIEW = 9

function choice(kind: VoteKind, pid: Uint8Array | null, signer = VALIDATOR, view = VIEW): SignedChoice {
  const signature = sign(voteMessage(set.context, kind, 1, view, pid), keyPair(signer).secretKey)
  return { kind, pid, signature }
}

const where = { epoch: 1, view: VIEW, validator: VALIDATOR }

function judged(evidence: Evidence): unknown {
  return judgeEvidence(set, { verify }, evidence)
}

const PAIRS: readonly [string | null, SignedChoice, SignedChoice][] = [
  ['double-notarize', choice('notarize', P), choice('notarize', Q)],
  ['double-finalize', choice('finalize', P), choice('finalize', Q)],
  ['nullify-finalize', choice('nullify', null), choice('finalize', P)],
  ['notarize-finalize', choice('notarize', P), choice('finalize', Q)],
  [null, choice('notarize', P), choice('notarize', P)],
  [null, choice('notarize', P), choice('finalize', P)],
  [null, choice('notarize', P), choice('nullify', null)],
  [null, choice('nullify', null), choice('nullify', null)],
]

for (const [kind, first, second] of PAIRS) {
  test(`${first.kind} with ${second.kind} of ${first.pid === second.pid ? 'the same' : 'another'}: ${kind ?? 'no offence'}`, () => {
    const offence = kind === null ? null : { kind, validator: VALIDATOR, epoch: 1, position: VIEW }
    assert.equal(contradiction(first, second), kind)
    assert.equal(contradiction(second, first), kind)
    for (const evidence of [voteEvidence(where, first, second), voteEvidence(where, second, first)]) {
      assert.deepEqual(judged(evidence), offence)
      assert.deepEqual(judged(decodeEvidence(encodeEvidence(evidence))), offence)
      assert.ok(encodeEvidence(evidence).length <= LIMITS.evidenceBytes)
    }
  })
}

test('votes of two views, two validators or two epochs prove nothing', () => {
  const first = choice('notarize', P)
  assert.equal(judged(voteEvidence(where, first, choice('notarize', Q, VALIDATOR, VIEW + 1))), null)
  assert.equal(judged(voteEvidence(where, first, choice('notarize', Q, 1))), null)
  assert.equal(judged({ ...voteEvidence(where, first, choice('notarize', Q)), epoch: 2 }), null)
  assert.equal(judged({ ...voteEvidence(where, first, choice('notarize', Q)), validator: 99 }), null)
})

test('one pair has one form: the other order proves nothing', () => {
  const { choices, ...rest } = voteEvidence(where, choice('notarize', P), choice('notarize', Q))
  assert.equal(judged({ ...rest, choices: [choices[1], choices[0]] }), null)
})

function batch(txsHash: Uint8Array, seq = 7, signer = VALIDATOR): SignedFields {
  const fields = { epoch: 1, author: VALIDATOR, seq, createdMs: 1_000, txCount: 1, bytes: 200, txsHash }
  const message = batchMessage(batchDigest(set.context, fields))
  return { ...fields, signature: sign(message, keyPair(signer).secretKey) }
}

test('two batches under one number are an offence; one batch twice, two numbers or two authors are not', () => {
  const numbered = { epoch: 1, author: VALIDATOR, seq: 7 }
  const offence = { kind: 'double-batch', validator: VALIDATOR, epoch: 1, position: 7 }
  const evidence = batchEvidence(set, numbered, batch(P), batch(Q))
  assert.deepEqual(judged(evidence), offence)
  assert.deepEqual(encodeEvidence(batchEvidence(set, numbered, batch(Q), batch(P))), encodeEvidence(evidence))
  assert.deepEqual(judged(decodeEvidence(encodeEvidence(evidence))), offence)
  assert.ok(encodeEvidence(evidence).length <= LIMITS.evidenceBytes)
  assert.equal(judged(batchEvidence(set, numbered, batch(P), batch(P))), null)
  assert.equal(judged(batchEvidence(set, numbered, batch(P), batch(Q, 8))), null)
  assert.equal(judged(batchEvidence(set, numbered, batch(P), batch(Q, 7, 1))), null)
})

test('property: whoever changes a byte of evidence has evidence of nothing', () => {
  const all = [
    voteEvidence(where, choice('notarize', P), choice('notarize', Q)),
    voteEvidence(where, choice('nullify', null), choice('finalize', Q)),
    batchEvidence(set, { epoch: 1, author: VALIDATOR, seq: 7 }, batch(P), batch(Q)),
  ].map(encodeEvidence)
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, mask) => {
      const changed = Uint8Array.from(bytes)
      const position = at % bytes.length
      changed[position] = (changed[position] ?? 0) ^ mask
      try {
        assert.equal(judged(decodeEvidence(changed)), null)
      } catch (error) {
        assert.equal((error as Error).name, 'DecodeError')
      }
    }),
    { numRuns: 300 },
  )
})

test('the pool tells of a contradiction, also of one with a signer of a certificate (as CometBFT and commonware do)', () => {
  const told: unknown[] = []
  const pool = new VotePool(set, (view, validator, first, second) => {
    told.push(judged(voteEvidence({ epoch: 1, view, validator }, first, second)))
  })
  const nullification = certificate(set, 'nullify', VIEW, null, [0, 1, VALIDATOR])
  pool.absorb(nullification, null)
  pool.add({ view: VIEW, signer: VALIDATOR, ...choice('notarize', P) })
  assert.deepEqual(told, [], 'a timeout is no offence')
  pool.add({ view: VIEW, signer: VALIDATOR, ...choice('finalize', P) })
  assert.deepEqual(told, [{ kind: 'nullify-finalize', validator: VALIDATOR, epoch: 1, position: VIEW }])
})
