/** The unit for systemd: directives that exist, no restart where a person has to look, time to stop. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { deployed } from './files.ts'

const UNIT = deployed('cordon.service')

/** Of systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5) and systemd.resource-control(5): those used here. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  Unit: ['After', 'ConditionPathExists', 'Description', 'StartLimitBurst', 'StartLimitIntervalSec', 'Wants'],
  Service: [
    'AmbientCapabilities',
    'CacheDirectory',
    'CapabilityBoundingSet',
    'Environment',
    'ExecStart',
    'Group',
    'KillMode',
    'KillSignal',
    'LimitCORE',
    'LimitNOFILE',
    'LockPersonality',
    'NoNewPrivileges',
    'PrivateDevices',
    'PrivateTmp',
    'ProtectClock',
    'ProtectControlGroups',
    'ProtectHome',
    'ProtectHostname',
    'ProtectKernelLogs',
    'ProtectKernelModules',
    'ProtectKernelTunables',
    'ProtectProc',
    'ProtectSystem',
    'RemoveIPC',
    'Restart',
    'RestartPreventExitStatus',
    'RestartSec',
    'RestrictAddressFamilies',
    'RestrictNamespaces',
    'RestrictRealtime',
    'RestrictSUIDSGID',
    'StateDirectory',
    'StateDirectoryMode',
    'SystemCallArchitectures',
    'SystemCallErrorNumber',
    'SystemCallFilter',
    'TasksMax',
    'TimeoutStopSec',
    'Type',
    'UMask',
    'User',
    'WorkingDirectory',
  ],
  Install: ['WantedBy'],
}

/** Section → directive → value. A line that is none of these is an error. */
function sectionsOf(unit: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let current = new Map<string, string>()
  for (const line of unit.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, section, directive, value] = /^(?:\[(\w+)\]|(\w+)=(.*))$/.exec(line) ?? assert.fail(line)
    if (section !== undefined) sections.set(section, (current = new Map<string, string>()))
    else if (directive !== undefined) {
      assert.ok(!current.has(directive), `${directive} is there twice`)
      current.set(directive, value ?? '')
    }
  }
  return sections
}

const service = (directive: string): string | undefined => sectionsOf(UNIT).get('Service')?.get(directive)

test('every directive is one that its section has', () => {
  const sections = sectionsOf(UNIT)
  assert.deepEqual([...sections.keys()], Object.keys(KNOWN))
  for (const [section, directives] of sections)
    assert.deepEqual([...directives.keys()].sort(), KNOWN[section], section)
})

test('systemd has nothing to say against it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-unit-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'cordon.service')
  // The program of the unit is not on this machine; another one stands in.
  writeFileSync(file, UNIT.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
  const { error, status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], {
    encoding: 'utf8',
  })
  if (error !== undefined) return t.skip('this machine has no systemd-analyze')
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
})

test('it does not start again what a person has to look at', () => {
  const { configuration, doubleSign, upgradeHalt, dataInconsistent } = EXIT
  const exits = [configuration, doubleSign, upgradeHalt, dataInconsistent]
  assert.equal(service('Restart'), 'on-failure')
  assert.equal(service('RestartPreventExitStatus'), exits.join(' '))
  assert.doesNotMatch(service('ExecStart') ?? '', /signer-lost-wait/)
})

test('a node has the time to stop that it takes at most', () => {
  const [, seconds] = /^(\d+)s$/.exec(service('TimeoutStopSec') ?? '') ?? []
  assert.ok(Number(seconds) * 1_000 > 2 * LIMITS.stopMs)
  assert.equal(service('KillSignal'), 'SIGTERM')
})
