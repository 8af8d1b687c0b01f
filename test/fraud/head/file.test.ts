/** A head goes through its file unchanged; a file with anything else in it is refused with what was expected. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeHead, encodeHead, type HeadCard } from '../../../fraud/head/file.ts'
import { headId } from '../../../fraud/head/head.ts'
import { HEAD_LIMITS } from '../../../fraud/head/limits.ts'
import { someHead, someNetwork } from './some-head.ts'

const CARD: HeadCard = { name: 'test', trainedOn: '2026-11-27', data: ['a.csv: 10 transfers, 1 laundering'] }

test('there and back', () => {
  for (const head of [
    someNetwork(1),
    someHead(2),
    { ...someHead(3), layers: [] },
    { ...someHead(4), lowestThreshold: 0.5 },
  ]) {
    const { head: copy, card } = decodeHead(encodeHead(head, CARD))
    assert.deepEqual(headId(copy), headId(head))
    assert.deepEqual(copy, head)
    assert.deepEqual(card, CARD)
  }
})

describe('refused', () => {
  const file = JSON.parse(encodeHead(someHead(1), CARD)) as Record<string, unknown>
  const layers = file.layers as Record<string, unknown>[]
  const text = (changes: object): string => JSON.stringify({ ...file, ...changes })
  for (const [what, content, pattern] of [
    ['no JSON', '{', /expected JSON, got "\{"/],
    ['a list', '[]', /expected an object as the file/],
    ['another format', text({ format: 'tar' }), /expected format "cordon-head", got "tar"/],
    ['a later version', text({ version: 3 }), /expected version 2, .* got 3/],
    ['an earlier version', text({ version: 1 }), /expected version 2, .* got 1/],
    ['a lowest threshold that is no number', text({ lowestThreshold: 'x' }), /a number as lowestThreshold/],
    ['other inputs', text({ inputs: 'ff' }), /a head for the 43 inputs of this build; train it again/],
    ['too few means', text({ means: 'AAAAAA==' }), /expected 43 numbers as means, got "4 bytes"/],
    ['a deviation of 0', text({ deviations: 'AAAA'.repeat(57) + 'AA==' }), /43 numbers as dev|above 0/],
    ['a bias that is no number', text({ bias: 'x' }), /expected a number as bias, got "x"/],
    ['no card', text({ card: null }), /expected an object as card/],
    ['many layers', text({ layers: Array(5).fill(layers[0]) }), /at most 4 layers/],
    ['a last layer with two outputs', text({ layers: layers.slice(0, 2) }), /1 output of the last layer/],
    ['a wide layer', text({ layers: [{ ...layers[0], outputs: 513 }, ...layers.slice(1)] }), /1 to 512/],
    [
      'infinity',
      text({ direct: Buffer.from(new Float32Array(43).fill(Infinity).buffer).toString('base64') }),
      /finite/,
    ],
    ['a long file', ' '.repeat(HEAD_LIMITS.fileCharacters + 1), /at most 4194304 characters/],
  ] as const) {
    test(what, () => {
      assert.throws(() => decodeHead(content), { code: 'model-invalid', message: pattern })
    })
  }
})
