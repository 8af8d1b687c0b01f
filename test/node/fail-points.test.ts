import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { FAIL_POINT_NAMES, failPointOf, NOTHING_FAILS, type FailPoint } from '../../node/fail-points.ts'

/** What died at which passing, for a process that passes these points. */
function deaths(setting: string, passed: readonly FailPoint[]): string[] {
  const dead: string[] = []
  const reached = failPointOf(setting, (point, passing) => dead.push(`${point} ${passing}`))
  for (const point of passed) reached(point)
  return dead
}

test('without the variable nothing is counted', () => {
  assert.equal(failPointOf(undefined), NOTHING_FAILS)
})

test('dies at the first passing, or at the one named, and only of its own point', () => {
  const passed: FailPoint[] = ['vote-sent', 'tx-logged', 'vote-sent', 'vote-sent', 'vote-sent']
  assert.deepEqual(deaths('tx-logged', passed), ['tx-logged 1'])
  assert.deepEqual(deaths('vote-sent:3', passed), ['vote-sent 3'])
  assert.deepEqual(deaths('vote-sent:5', passed), [])
})

test('what is no fail point is refused, with the names there are', () => {
  for (const setting of [
    '',
    'vote',
    'vote-sent:',
    'vote-sent:0',
    'vote-sent:1.5',
    'vote-sent:1:2',
    ':1',
    'toString',
  ]) {
    assert.throws(() => failPointOf(setting), { code: 'config-invalid', message: /journal-synced.*unset it/ })
  }
})

test('a real process says where, and is killed before anything else happens in it', () => {
  const module = new URL('../../node/fail-points.ts', import.meta.url).href
  const script = `const { failPointOf } = await import(${JSON.stringify(module)})
    const reached = failPointOf('block-stored:2')
    process.on('exit', () => console.log('exit handler'))
    reached('block-stored'); console.log('first'); reached('block-stored'); console.log('second')`
  const { signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.equal(signal, 'SIGKILL')
  assert.equal(stdout, 'first\n')
  assert.equal(stderr, 'cordon: fail point block-stored, passing 2\n')
})

test('names are in kebab case and each is there once', () => {
  for (const name of FAIL_POINT_NAMES) assert.match(name, /^[a-z]+(-[a-z]+)+$/)
  assert.equal(new Set(FAIL_POINT_NAMES).size, FAIL_POINT_NAMES.length)
})
