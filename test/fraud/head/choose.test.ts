import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LABEL_FREE, PRETRAINED, chooseHead } from '../../../fraud/head/choose.ts'
import { encodeHead } from '../../../fraud/head/file.ts'
import { headId } from '../../../fraud/head/head.ts'
import { someHead } from './some-head.ts'

const nothing = (): never => assert.fail('nothing is to be read')
const CARD = { name: 'test', trainedOn: '2026-11-27', data: [] }

test('names: the one that comes with Cordon, and none', () => {
  assert.equal(chooseHead(LABEL_FREE, nothing), null)
  const head = chooseHead(PRETRAINED, nothing)
  assert.ok(head !== null && head.layers.length === 3)
  assert.equal(chooseHead(PRETRAINED, nothing), head)
})

test('a file; what is wrong with it is said with its path', () => {
  const head = chooseHead('m.json', () => encodeHead(someHead(1), CARD))
  assert.deepEqual(headId(head!), headId(someHead(1)))
  assert.throws(() => chooseHead('m.json', () => '[]'), {
    code: 'model-invalid',
    message: /^m\.json: .*expected an object/,
  })
  const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' })
  assert.throws(
    () =>
      chooseHead('m.json', () => {
        throw missing
      }),
    { code: 'not-found', message: 'model m.json cannot be read (ENOENT)' },
  )
})
