/** What was approved: sums of a day and of all time, several processes at once, and files that somebody touched. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SpendingLog, type Spent } from '../../cli/requests/spending.ts'

const HOUR_MS = 3_600_000
const START_MS = 1_700_000_000_000
const SPEND = fileURLToPath(new URL('spend.ts', import.meta.url))

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'cordon-spending-'))

  /** Spends in the hour after the start. */
  spend(
    hour: number,
    amountUnits: bigint,
    digit: string,
    check: (spent: Spent) => void = () => undefined,
  ): void {
    const timeMs = START_MS + hour * HOUR_MS
    new SpendingLog(this.path).reserve({ id: digit.repeat(32), amountUnits, timeMs }, check)
  }

  spent(hour: number): readonly [day: bigint, total: bigint] {
    const { dayUnits, totalUnits } = new SpendingLog(this.path).spent(START_MS + hour * HOUR_MS)
    return [dayUnits, totalUnits]
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

suite('sums', () => {
  test('a day is any 24 hours, and survives restarts', () => {
    using folder = new Folder()
    assert.deepEqual(folder.spent(0), [0n, 0n])
    folder.spend(0, 5n, 'a')
    folder.spend(23, 7n, 'b')
    assert.deepEqual(folder.spent(23.9), [12n, 12n])
    assert.deepEqual(folder.spent(24), [7n, 12n])
    folder.spend(30, 1n, 'c')
    assert.deepEqual(folder.spent(46.9), [8n, 13n])
    assert.deepEqual(folder.spent(47), [1n, 13n])
    assert.deepEqual(folder.spent(1_000), [0n, 13n])
  })

  test('one request counts once in a day, however often it is approved', () => {
    using folder = new Folder()
    for (let repeat = 0; repeat < 3; repeat++) folder.spend(0, 5n, 'a')
    assert.deepEqual(folder.spent(1), [5n, 5n])
    folder.spend(24, 5n, 'a')
    assert.deepEqual(folder.spent(24), [5n, 10n], 'a day later it is counted where it happens')
  })

  test('a refusal leaves nothing behind, and sees the sums before', () => {
    using folder = new Folder()
    folder.spend(0, 5n, 'a')
    assert.throws(
      () =>
        folder.spend(1, 5n, 'b', (spent) => {
          assert.deepEqual(spent, { dayUnits: 5n, totalUnits: 5n })
          throw new RangeError('too much')
        }),
      RangeError,
    )
    assert.deepEqual(folder.spent(1), [5n, 5n])
  })

  test('a clock that is put back does not open the day again', () => {
    using folder = new Folder()
    folder.spend(10, 5n, 'a')
    folder.spend(2, 7n, 'b')
    assert.deepEqual(folder.spent(33.9), [12n, 12n])
  })
})

test('three processes at once spend exactly what one may', async () => {
  using folder = new Folder()
  const runs = ['a', 'b', 'c'].map((name) =>
    promisify(execFile)(process.execPath, [SPEND, folder.path, name, '40000000']),
  )
  const spent = (await Promise.all(runs)).map(({ stdout }) => Number(stdout))
  assert.equal(
    spent.reduce((sum, count) => sum + count, 0),
    40,
  )
  assert.equal(readdirSync(folder.path).length, 40)
})

suite('files that somebody touched', () => {
  for (const [what, edit] of [
    ['an amount', (text: string): string => text.replace('"amount":"5"', '"amount":"1"')],
    ['a sum', (text: string): string => text.replace('"total":"5"', '"total":"1"')],
    ['the format', (text: string): string => text.replace('spending/1', 'spending/2')],
    ['a torn one', (text: string): string => text.slice(0, 20)],
  ] as const)
    test(`${what}: nothing is approved any more`, () => {
      using folder = new Folder()
      folder.spend(0, 5n, 'a')
      folder.spend(1, 7n, 'b')
      const path = join(folder.path, '1.json')
      writeFileSync(path, edit(readFileSync(path, 'utf8')))
      assert.throws(() => folder.spent(2), { code: 'policy-invalid' })
      assert.throws(() => folder.spend(2, 1n, 'c'), { code: 'policy-invalid' })
    })

  test('one that is missing in the middle', () => {
    using folder = new Folder()
    for (const digit of ['a', 'b', 'c']) folder.spend(0, 5n, digit)
    rmSync(join(folder.path, '2.json'))
    assert.throws(() => folder.spent(1), { code: 'policy-invalid', message: /2\.json is damaged/ })
  })
})
