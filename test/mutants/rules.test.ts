import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { BROKEN_RULES } from './rules.ts'

const ROOT = new URL('../../', import.meta.url)

test('every rule that is broken on purpose names a line that is there, and there once', () => {
  for (const { name, edits } of BROKEN_RULES)
    for (const { file, find } of edits) {
      const places = readFileSync(new URL(file, ROOT), 'utf8').split(find).length - 1
      assert.equal(places, 1, `${name}: ${file} holds this ${places} times: ${find}`)
    }
})
