import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  encodePortableReceipt,
  verifyPortableReceipt,
  GENESIS_EPOCH,
  type PortableReceiptParts,
} from '../../client/receipt.ts'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { merklePath, merkleRoot, rootOfSteps, stepsOfPath } from '../../crypto/merkle.ts'
import { hash } from '../../crypto/hash.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { certify, makeGenesis, makeParts, validatorSetOf } from './receipt-chain.ts'

const genesis = makeGenesis()

function refusal(text: string, of = genesis): string {
  try {
    verifyPortableReceipt(text, of)
  } catch (error) {
    assert.ok(error instanceof CordonError, String(error))
    assert.equal(error.code, 'receipt-invalid')
    return error.message
  }
  return assert.fail('the receipt was accepted')
}

test('a receipt proves its payment', () => {
  const parts = makeParts()
  const text = encodePortableReceipt(parts)
  const verified = verifyPortableReceipt(text, genesis)
  assert.equal(toHex(verified.txId), toHex(parts.receipt.txId))
  assert.equal(verified.receipt.outcome, 'settled')
  assert.equal(verified.receipt.height, 5)
  assert.equal(verified.finalizedHeight, 8)
  assert.deepEqual(verified.signers, ['v1', 'v2', 'v4'])
  assert.equal(verified.signedWeight, 3_000n)
  assert.equal(verified.totalWeight, 4_000n)
  assert.ok(text.endsWith('}\n') && !text.endsWith('\n\n'))
})

test('every place among any number of receipts can be proven', () => {
  for (const receipts of [1, 2, 3, 5, 8]) {
    for (let position = 0; position < receipts; position++) {
      verifyPortableReceipt(encodePortableReceipt(makeParts({ receipts, position })), genesis)
    }
  }
})

test('any changed byte makes the receipt invalid', (t) => {
  const bytes = Buffer.from(encodePortableReceipt(makeParts()))
  const seed = 20_261_122
  t.diagnostic(`seed ${seed}, ${bytes.length} bytes`)
  const values = fc.sample(fc.integer({ min: 1, max: 255 }), { seed, numRuns: bytes.length })
  for (const [position, value] of values.entries()) {
    const original = bytes[position]!
    // All single-bit changes turn up as well: capitals of hex digits, spaces to null bytes, digits to digits.
    for (const changed of [original ^ value, original ^ (1 << (position % 8))]) {
      bytes[position] = changed
      refusal(bytes.toString('utf8'))
    }
    bytes[position] = original
  }
  verifyPortableReceipt(bytes.toString('utf8'), genesis)
})

test('removed, added and repeated bytes make the receipt invalid', (t) => {
  const text = encodePortableReceipt(makeParts())
  const seed = 11
  t.diagnostic(`seed ${seed}`)
  for (let position = 0; position < text.length; position += 7)
    refusal(text.slice(0, position) + text.slice(position + 1))
  fc.assert(
    fc.property(
      fc.nat({ max: text.length }),
      fc.constantFrom(' ', '\n', '0', ',', '"', '\u{FEFF}', '{}'),
      (at, added) => {
        refusal(text.slice(0, at) + added + text.slice(at))
      },
    ),
    { seed, numRuns: 300 },
  )
})

test('other spellings of the same content are refused', () => {
  const text = encodePortableReceipt(makeParts())
  const content = JSON.parse(text) as Record<string, unknown>
  assert.match(refusal(JSON.stringify(content)), /canonical/)
  assert.match(refusal(JSON.stringify({ ...content, note: 'x' }, null, 2) + '\n'), /canonical/)
  assert.match(refusal(text.replace('"format"', '"f\\u006frmat"')), /canonical/)
  const { format, ...rest } = content
  assert.match(refusal(JSON.stringify({ ...rest, format }, null, 2) + '\n'), /canonical/)
  assert.match(refusal(text.replace('{\n', '{\n  "format": "cordon-receipt/1",\n')), /canonical/)
})

test('what is no receipt at all says so', () => {
  assert.match(refusal(''), /not JSON/)
  assert.match(refusal('null\n'), /JSON object/)
  assert.match(refusal('[]\n'), /JSON object/)
  assert.match(refusal('{}\n'), /format/)
  assert.match(refusal('{"format":"cordon-receipt/2"}\n'), /version/)
  assert.match(refusal('{"format":"cordon-receipt/1"}\n'), /genesis: expected a string/)
})

function changed(change: Partial<PortableReceiptParts>): string {
  return encodePortableReceipt({ ...makeParts(), ...change })
}

test('a receipt of another chain is refused', () => {
  assert.match(refusal(encodePortableReceipt(makeParts()), makeGenesis(8)), /genesis/)
})

test('a receipt that says something else than what was executed is refused', () => {
  const { receipt } = makeParts()
  assert.match(
    refusal(changed({ receipt: { ...receipt, outcome: 'failed', failure: 'insufficient-funds' } })),
    /not among the results/,
  )
  assert.match(refusal(changed({ receipt: { ...receipt, fee: 0n } })), /not among the results/)
  assert.match(refusal(changed({ receipt: { ...receipt, height: 6 } })), /not among the results/)
  assert.match(refusal(changed({ receipt: { ...receipt, txId: new Uint8Array(32) } })), /transaction/)
})

test('a signature of the payer is part of the proof', () => {
  const { transaction } = makeParts()
  const forged = Uint8Array.from(transaction)
  forged[forged.length - 1]! ^= 1
  assert.match(refusal(changed({ transaction: forged })), /signature/)
})

test('headers that do not follow each other are refused', () => {
  const { blocks } = makeParts()
  const [committing, child] = blocks
  assert.ok(committing && child)
  assert.match(refusal(changed({ blocks: [committing] })), /finalization is of block/)
  assert.match(
    refusal(changed({ blocks: [committing, { ...child, parentDigest: new Uint8Array(32) }] })),
    /not the child/,
  )
  assert.match(refusal(changed({ blocks: [committing, { ...child, height: 9 }] })), /not the child/)
  assert.match(refusal(changed({ blocks: [child] })), /not among the results/)
})

test('a finalization needs a quorum, of this epoch, of finalize votes, over this block', () => {
  const set = validatorSetOf(genesis)
  const { blocks } = makeParts()
  const [committing, child] = blocks
  assert.ok(committing && child)
  assert.match(refusal(encodePortableReceipt(makeParts({ signers: [0, 1] }))), /weight/)
  assert.match(
    refusal(changed({ finalization: certify(set, 'notarize', child, [0, 1, 2]) })),
    /notarize votes/,
  )
  assert.match(
    refusal(changed({ finalization: certify(set, 'finalize', committing, [0, 1, 2]) })),
    /finalization is of block/,
  )
  assert.match(
    refusal(
      changed({
        finalization: certify(validatorSetOf(genesis, GENESIS_EPOCH + 1), 'finalize', child, [0, 1, 2]),
      }),
    ),
    /epoch/,
  )
  const wrong = certify(set, 'finalize', child, [0, 1, 2])
  assert.match(refusal(changed({ finalization: { ...wrong, signers: [0, 1, 3] } })), /signature/)
})

test('one wrong signature beyond the quorum is enough to refuse', () => {
  const { blocks } = makeParts()
  const certificate = certify(validatorSetOf(genesis), 'finalize', blocks[1]!, [0, 1, 2, 3])
  const signatures = certificate.signatures.map((signature, index) =>
    index === 3 ? signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) : signature,
  )
  assert.match(refusal(changed({ finalization: { ...certificate, signatures } })), /signature/)
})

test('steps of a path lead to the same root, and every bit of them counts', () => {
  for (let count = 1; count <= 20; count++) {
    const leaves = Array.from({ length: count }, (_, index) => hash('receipt', utf8(String(index))))
    const root = merkleRoot(leaves)
    for (let index = 0; index < count; index++) {
      const steps = stepsOfPath(merklePath(leaves, index))
      assert.deepEqual(rootOfSteps(leaves[index]!, steps), root)
      for (const [at, step] of steps.entries()) {
        const turned = steps.with(at, { ...step, side: step.side === 'left' ? 'right' : 'left' })
        assert.notDeepEqual(rootOfSteps(leaves[index]!, turned), root)
      }
    }
  }
})
