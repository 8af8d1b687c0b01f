/** The table of dissemination.md, "The verdict", as properties over random weights, opinions and certificates. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BatchCertificate, Flag, ValidatorSet } from '../../consensus/types.ts'
import { heldTransfers } from '../../consensus/verdict.ts'
import { digestOf, validatorSet } from './fixtures.ts'

interface Case {
  readonly set: ValidatorSet
  /** Who flags transfer (0, 0). */
  readonly flags: readonly boolean[]
  /** Greedily chosen faulty validators of weight ≤ F. */
  readonly faulty: ReadonlySet<number>
  /** Validators whose ack made it into the certificate; weight ≥ q. */
  readonly included: ReadonlySet<number>
}

const SUSPICION: Flag = { tx: 0, action: 0, score: 200, reasons: 1 }

/** Draws sets, opinions, faulty validators and the certificate that somebody puts together, leaving out whom they can. */
const cases: fc.Arbitrary<Case> = fc
  .array(
    fc.record({
      weight: fc.bigInt(1n, 20n),
      flags: fc.boolean(),
      order: fc.integer(),
      leaveOut: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((rows) => {
    const set = validatorSet(rows.map(({ weight }) => weight))
    const total = rows.reduce((sum, { weight }) => sum + weight, 0n)
    const tolerated = (total - 1n) / 3n
    const byOrder = [...rows.keys()].sort((a, b) => (rows[a]?.order ?? 0) - (rows[b]?.order ?? 0))
    const pick = (budget: bigint, wanted: (index: number) => boolean): Set<number> => {
      const chosen = new Set<number>()
      let left = budget
      for (const index of byOrder) {
        const weight = rows[index]?.weight ?? 0n
        if (!wanted(index) || weight > left) continue
        left -= weight
        chosen.add(index)
      }
      return chosen
    }
    const leftOut = pick(tolerated, (index) => rows[index]?.leaveOut === true)
    return {
      set,
      flags: rows.map(({ flags }) => flags),
      faulty: pick(tolerated, () => true),
      included: new Set([...rows.keys()].filter((index) => !leftOut.has(index))),
    }
  })

function certificate({ included }: Case, flags: (index: number) => boolean): BatchCertificate {
  const acks = [...included]
    .sort((a, b) => a - b)
    .map((signer) => ({
      signer,
      flags: flags(signer) ? [SUSPICION] : [],
      modelId: digestOf('model'),
      signature: new Uint8Array(64),
    }))
  return { epoch: 1, author: 0, seq: 1, createdMs: 1, txCount: 1, bytes: 100, txsHash: digestOf('txs'), acks }
}

function weightOf(set: ValidatorSet, indexes: Iterable<number>): bigint {
  return [...indexes].reduce((sum, index) => sum + (set.validators[index]?.weight ?? 0n), 0n)
}

const isHeld = (drawn: Case, flags: (index: number) => boolean): boolean =>
  heldTransfers(drawn.set, certificate(drawn, flags)).length === 1

test('no honest validator flags it: faulty ones alone never hold a transfer', () => {
  fc.assert(fc.property(cases, (drawn) => !isHeld(drawn, (index) => drawn.faulty.has(index))))
})

test('all honest validators flag it: held, whoever is left out of the certificate', () => {
  fc.assert(fc.property(cases, (drawn) => isHeld(drawn, (index) => !drawn.faulty.has(index))))
})

test('weight ≥ 2F + 1 flags it: held, whoever is left out of the certificate', () => {
  fc.assert(
    fc.property(cases, (drawn) => {
      const flagging = weightOf(
        drawn.set,
        [...drawn.flags.keys()].filter((index) => drawn.flags[index]),
      )
      const tolerated = (weightOf(drawn.set, drawn.set.validators.keys()) - 1n) / 3n
      fc.pre(flagging >= 2n * tolerated + 1n)
      return isHeld(drawn, (index) => drawn.flags[index] === true)
    }),
  )
})

test('between: held exactly if the flaggers in the certificate weigh more than F', () => {
  fc.assert(
    fc.property(cases, (drawn) => {
      const flaggers = [...drawn.included].filter((index) => drawn.flags[index])
      const tolerated = (weightOf(drawn.set, drawn.set.validators.keys()) - 1n) / 3n
      const held = heldTransfers(
        drawn.set,
        certificate(drawn, (index) => drawn.flags[index] === true),
      )
      assert.equal(held.length, weightOf(drawn.set, flaggers) > tolerated ? 1 : 0)
      if (held[0] !== undefined) {
        assert.equal(held[0].flaggedWeight, weightOf(drawn.set, flaggers))
        assert.deepEqual(
          held[0].flaggers.map(({ signer }) => signer),
          flaggers.sort((a, b) => a - b),
        )
      }
    }),
  )
})

test('each transfer action is judged by itself, and the answer ascends by (tx, action)', () => {
  const set = validatorSet([1n, 1n, 1n, 1n])
  const at = (tx: number, action: number): Flag => ({ tx, action, score: tx, reasons: action })
  const acks = [[at(0, 3), at(1, 0), at(2, 99)], [at(1, 0), at(2, 98)], [at(0, 3)], []].map(
    (flags, signer) => ({
      signer,
      flags,
      modelId: digestOf('model'),
      signature: new Uint8Array(64),
    }),
  )
  const drawn = {
    epoch: 1,
    author: 0,
    seq: 1,
    createdMs: 1,
    txCount: 3,
    bytes: 300,
    txsHash: digestOf('txs'),
    acks,
  }
  assert.deepEqual(heldTransfers(set, drawn), [
    {
      tx: 0,
      action: 3,
      flaggedWeight: 2n,
      flaggers: [
        { signer: 0, weight: 1n, score: 0, reasons: 3 },
        { signer: 2, weight: 1n, score: 0, reasons: 3 },
      ],
    },
    {
      tx: 1,
      action: 0,
      flaggedWeight: 2n,
      flaggers: [
        { signer: 0, weight: 1n, score: 1, reasons: 0 },
        { signer: 1, weight: 1n, score: 1, reasons: 0 },
      ],
    },
  ])
})
