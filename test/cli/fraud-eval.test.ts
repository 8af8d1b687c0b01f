/** `cordon fraud eval` on a small world made here: figures, formats, and what it refuses. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { labelledRows } from '../../cli/fraud/labelled-file.ts'
import type { ErrorCode } from '../../config/errors.ts'
import { labelledWorld } from '../fraud/evaluation/labelled-world.ts'
import { Home, type Run } from './cordon.ts'
import { failure } from './failure.ts'

const WORLD = labelledWorld()

function write(home: Home, name: string, content: string | Uint8Array): string {
  const path = join(home.path, name)
  writeFileSync(path, content)
  return path
}

function evaluate(home: Home, ...args: readonly string[]): Promise<Run> {
  return home.run(['fraud', 'eval', ...args])
}

suite('cordon fraud eval', { concurrency: 2 }, () => {
  test('the figures as one envelope, the same from a plain and a packed file', async () => {
    using home = new Home()
    write(home, 'world.csv', WORLD)
    write(home, 'world.csv.gz', gzipSync(WORLD))
    const plain = await evaluate(home, '--test', 'world.csv', '--json')
    assert.equal(plain.code, 0, plain.stderr)
    assert.equal(plain.stderr, '')
    const data = plain.envelope.data!
    assert.deepEqual(Object.keys(data), [
      'rocAuc',
      'averagePrecision',
      'recallAtFpr',
      'precisionAt100',
      'valueRecallAtFpr',
      'positives',
      'negatives',
      'byPattern',
      'microsecondsPerTransfer',
    ])
    for (const name of ['recallAtFpr', 'valueRecallAtFpr'])
      assert.deepEqual(Object.keys(data[name] as object), ['0.001', '0.005', '0.01'])
    assert.deepEqual([data.positives, data.negatives], [30, 360])
    assert.deepEqual(Object.keys(data.byPattern as object), ['fan_in'])
    assert.ok(Number(data.rocAuc) > 0.9)
    assert.ok(Number(data.microsecondsPerTransfer) >= 0) // some kernels count CPU time in ticks

    const packed = await evaluate(home, '--test', 'world.csv.gz', '--labels', 'none', '--json')
    const figures = { ...packed.envelope.data!, microsecondsPerTransfer: data.microsecondsPerTransfer }
    assert.deepEqual(figures, data)
  })

  test('tables for people, and a curve', async () => {
    using home = new Home()
    write(home, 'world.csv', WORLD)
    const run = await evaluate(home, '--test', 'world.csv', '--from-day', '22', '--curve', 'curve.svg')
    assert.equal(run.code, 0, run.stderr)
    assert.match(run.stdout, /^file +world\.csv, from day 22 on$/m)
    assert.match(run.stdout, /^transfers +20 laundering, 240 ordinary$/m)
    assert.match(run.stdout, /^ +1\.0 % +\d+\.\d % +\d+\.\d %$/m)
    assert.match(run.stdout, /^fan_in +20 +\d+\.\d %$/m)
    const svg = readFileSync(join(home.path, 'curve.svg'), 'utf8')
    assert.match(svg, /^<svg [\s\S]*world\.csv: average precision 0\.\d{3}[\s\S]*<\/svg>\n$/)
    assert.equal(/<polyline points="([^"]*)"/.exec(svg)?.[1]?.split(' ').length, 20)
  })

  test('learns from other files, or from labels as they come; the same chance gives the same figures', async () => {
    using home = new Home()
    write(home, 'world.csv', WORLD)
    write(home, 'other.csv', WORLD)
    const trained = ['--test', 'world.csv', '--train', 'other.csv', '--json']
    const [first, again, delayed, immediate] = [
      await evaluate(home, ...trained),
      await evaluate(home, ...trained),
      await evaluate(home, '--test', 'world.csv', '--labels', 'delayed', '--delay-hours', '12', '--json'),
      await evaluate(home, '--test', 'world.csv', '--labels', 'immediate', '--json'),
    ]
    for (const run of [first, again, delayed, immediate]) {
      assert.equal(run.code, 0, run.stderr)
      assert.deepEqual([run.envelope.data!.positives, run.envelope.data!.negatives], [30, 360])
    }
    const figures = (run: Run): object => ({ ...run.envelope.data!, microsecondsPerTransfer: 0 })
    assert.deepEqual(figures(again), figures(first))
    assert.notDeepEqual(figures(delayed), figures(first))
    assert.ok(Number(first.envelope.data!.averagePrecision) > 0.5)
  })

  for (const [what, args, code, pattern] of [
    ['a missing file', ['--test', 'nowhere.csv'], 'not-found', /nowhere\.csv cannot be read \(ENOENT\)/],
    [
      'days that are not in the file',
      ['--test', 'world.csv', '--from-day', '99'],
      'labelled-file-invalid',
      /world\.csv, from day 99 on: expected both .*got 0 laundering and 0 ordinary/,
    ],
    [
      'a training file that is missing',
      ['--test', 'world.csv', '--train', 'nowhere.csv'],
      'not-found',
      /nowhere\.csv cannot be read/,
    ],
    [
      'a training file without days',
      ['--test', 'world.csv', '--train', 'world.csv', '--from-day', '99'],
      'labelled-file-invalid',
      /world\.csv, from day 99 on: expected rows of both labels, got 0 laundering among 0/,
    ],
    [
      'labels of another kind',
      ['--test', 'world.csv', '--labels', 'all'],
      'usage',
      /none, immediate, delayed/,
    ],
    ['no file', [], 'usage', /--test <file>/],
    [
      'a curve that is no SVG',
      ['--test', 'world.csv', '--curve', 'curve.png'],
      'usage',
      /named \.svg, got "curve\.png"/,
    ],
    [
      'a curve into nowhere',
      ['--test', 'world.csv', '--curve', 'no/curve.svg'],
      'usage',
      /no\/curve\.svg cannot be written \(ENOENT\)/,
    ],
  ] as const) {
    test(`refuses ${what}`, async () => {
      using home = new Home()
      write(home, 'world.csv', WORLD)
      const run = await evaluate(home, ...args, '--json')
      assert.equal(run.envelope.error?.code, code)
      assert.match(run.envelope.error.message, pattern)
      assert.equal(run.code, code === 'usage' ? 2 : 5)
      assert.equal(existsSync(join(home.path, 'curve.svg')), false)
    })
  }
})

suite('a labelled file', () => {
  async function readAll(path: string): Promise<void> {
    for await (const _rows of labelledRows(path, () => undefined));
  }

  test('says how much of it has been read', async () => {
    using home = new Home()
    const path = write(home, 'world.csv.gz', gzipSync(WORLD))
    const shares: number[] = []
    let count = 0
    for await (const rows of labelledRows(path, (share) => shares.push(share))) count += rows.length
    assert.equal(count, WORLD.split('\n').length - 2)
    assert.equal(shares.at(-1), 1)
  })

  for (const [what, name, content, code, pattern] of [
    ['empty', 'a.csv', '', 'labelled-file-invalid', /a\.csv, line 1: expected a header/],
    ['with other columns', 'a.csv', 'when,who\n1,2\n', 'labelled-file-invalid', /line 1: .*got "when,who"/],
    [
      'with a bad line',
      'a.csv',
      WORLD.replace(',opening,', ',closing,'),
      'labelled-file-invalid',
      /line 2: expected kind/,
    ],
    ['plain and called packed', 'a.csv.gz', WORLD, 'labelled-file-invalid', /a\.csv\.gz is not gzip/],
    [
      'packed and called plain',
      'a.csv',
      gzipSync(WORLD),
      'labelled-file-invalid',
      /a packed file is named \.gz/,
    ],
    [
      'packed and cut off',
      'a.csv.gz',
      gzipSync(WORLD).subarray(0, -20),
      'labelled-file-invalid',
      /or damaged \(unexpected end of file\)/,
    ],
    ['packed and empty', 'a.csv.gz', '', 'labelled-file-invalid', /or damaged \(unexpected end of file\)/],
  ] as const satisfies readonly (readonly [string, string, string | Uint8Array, ErrorCode, RegExp])[]) {
    test(what, async () => {
      using home = new Home()
      const error = await failure(readAll(write(home, name, content)))
      assert.equal(error.code, code)
      assert.match(error.message, pattern)
    })
  }

  test('that is missing, packed or not, or a folder', async () => {
    using home = new Home()
    mkdirSync(join(home.path, 'folder.csv'))
    for (const name of ['folder.csv', 'missing.csv', 'missing.csv.gz'])
      assert.equal((await failure(readAll(join(home.path, name)))).code, 'not-found')
  })
})
