import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOfKeys } from '../../config/toml-lines.ts'

test('keys have the line on which they begin, in tables and across lines', () => {
  const text = [
    'version = 1 # a comment',
    '',
    '# rpc = 1',
    '[p2p]',
    'listen = [',
    '  "# mdns = 1",',
    '[ "nested" ],',
    ']',
    'mdns = true',
    'text = """',
    'port = 1',
    '"""',
    '[ rpc.inner ]',
    'a.b = 1',
    '"c d" = { e = 1, f = [1] }',
  ].join('\n')
  assert.deepEqual(Object.fromEntries(linesOfKeys(text)), {
    version: 1,
    'p2p.listen': 5,
    'p2p.mdns': 9,
    'p2p.text': 10,
    'rpc.inner.a.b': 14,
    'rpc.inner.c d.e': 15,
    'rpc.inner.c d.f': 15,
  })
})

test('after a mistake nothing more is found, and the search ends', () => {
  const text = `a = 1\nb = [\n${'c = 2\n'.repeat(100_000)}`
  assert.deepEqual([...linesOfKeys(text)], [['a', 1]])
})
