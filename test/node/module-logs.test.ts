import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { pino } from 'pino'
import { LOG_MODULES, moduleLevels } from '../../config/node-settings.ts'
import { moduleLogs } from '../../node/module-logs.ts'

test('every line says whose it is, and a module may say more or less than the rest', () => {
  const lines: { module: string; msg: string }[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(String(chunk)) as (typeof lines)[number])
      done()
    },
  })
  const levels = moduleLevels(['p2p=debug', 'fraud=info', 'fraud=silent'])
  const logs = moduleLogs(pino({ base: null, level: 'info' }, stream), levels)
  for (const module of LOG_MODULES) {
    logs[module].debug('detail')
    logs[module].info('news')
  }
  assert.deepEqual(
    lines.map(({ module, msg }) => `${module} ${msg}`),
    ['node news', 'consensus news', 'p2p detail', 'p2p news', 'rpc news', 'review news', 'signer news'],
  )
})
