/** The readers that the other tests here rest on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsIn } from './promql.ts'
import { parseYaml } from './yaml.ts'

test('YAML: maps, lists, maps in lists, quotes, folded texts, nothing', () => {
  const text = [
    '# comment',
    'name: cordon',
    'empty:',
    'list:',
    '  - 1',
    "  - 'it''s: # text'",
    '  - a: true',
    '    b: a:b/c',
    '  # comment',
    'folded: >-',
    '  one: two',
    '  three',
    'inner:',
    '  deep:',
    '    key: -5',
    'last: x',
  ].join('\n')
  assert.deepEqual(parseYaml(text), {
    name: 'cordon',
    empty: null,
    list: [1, "it's: # text", { a: true, b: 'a:b/c' }],
    folded: 'one: two three',
    inner: { deep: { key: -5 } },
    last: 'x',
  })
})

test('YAML: what it does not know is an error, with the line', () => {
  for (const [text, line] of [
    ['a: [1]', 1],
    ['a: 1\nb: "x"', 2],
    ['a: x # comment', 1],
    ['a: 1\n   b: 2', 2],
    ['a: 1\na: 2', 2],
    ['a:\n  - 1\n - 2', 3],
    ['a: &anchor', 1],
    ['- a\nb: 1', 2],
  ] as const)
    assert.throws(() => parseYaml(text), { message: new RegExp(`^line ${line}: `) }, text)
})

test('PromQL: metrics are told from functions, labels, ranges and numbers', () => {
  assert.deepEqual(
    metricsIn(
      'histogram_quantile(0.95, sum by (instance, le) (rate(a_bucket{x="b"}[5m]))) > 3e9 and on (c) d offset 5m or up{job="e"} / 2',
    ),
    ['a_bucket', 'd', 'up'],
  )
  assert.deepEqual(metricsIn('clamp_min(a - b, 0)'), ['a', 'b'])
})
