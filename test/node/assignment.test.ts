import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import { hash } from '../../crypto/hash.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { assignmentRank } from '../../node/assignment.ts'

const IDS = Array.from({ length: 2_000 }, (_, i) => hash('tx', utf8(`payment ${i}`)))

function setOf(weights: readonly bigint[]): ReturnType<typeof makeValidatorSet> {
  const validators = weights.map((weight, i) => ({
    name: `v${i}`,
    publicKey: new Uint8Array(32).fill(i + 1),
    weight,
  }))
  return makeValidatorSet({ genesisHash: new Uint8Array(32) }, 1, validators)
}

test('for each id the ranks are a permutation', () => {
  const set = setOf([1n, 2n, 3n, 4n])
  for (const id of IDS.slice(0, 50)) {
    const ranks = set.validators.map((_, index) => assignmentRank(set, index, id))
    assert.deepEqual([...ranks].sort(), [0, 1, 2, 3])
  }
})

test('the first rank falls to each validator in proportion to its stake', () => {
  const set = setOf([1n, 2n, 3n, 4n])
  const firsts = set.validators.map(
    (_, index) => IDS.filter((id) => assignmentRank(set, index, id) === 0).length,
  )
  firsts.forEach((count, index) => {
    const expected = (IDS.length * (index + 1)) / 10
    assert.ok(
      Math.abs(count - expected) < expected * 0.25,
      `validator ${index} is first for ${count}, expected about ${expected}`,
    )
  })
})
