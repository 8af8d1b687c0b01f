/** Alerts and dashboard ask for metrics that a node has, and say something that helps. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { buildProgram } from '../../cli/program.ts'
import { LIMITS } from '../../config/limits.ts'
import { commandProblem } from '../cli/command-lines.ts'
import { exportedMetrics } from './exported-metrics.ts'
import { deployed } from './files.ts'
import { metricsIn } from './promql.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

interface Dashboard {
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[]
  }
}

const { groups } = parse(deployed('alerts.yml')) as unknown as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[]
}
const ALERTS = groups.flatMap(({ rules }) => rules)
const DASHBOARD = JSON.parse(deployed('grafana/cordon.json')) as Dashboard
const PANELS = DASHBOARD.panels.filter(({ type }) => type !== 'row')

let exported: ReadonlySet<string>
let program: Command

before(async () => {
  exported = await exportedMetrics()
  program = await buildProgram(() => true, '', {})
})

/** Prometheus itself says whether a target answers. */
const OF_PROMETHEUS = 'up'

function assertExported(where: string, expression: string): void {
  const names = metricsIn(expression)
  assert.ok(names.length > 0, `${where}: no metric in ${expression}`)
  for (const name of names) assert.ok(name === OF_PROMETHEUS || exported.has(name), `${where}: ${name}`)
}

test('every metric of an alert is one that a node exports', () => {
  assert.ok(ALERTS.length >= 20)
  for (const { alert, expr } of ALERTS) assertExported(alert, expr)
})

test('every metric of the dashboard is one that a node exports', () => {
  assert.ok(PANELS.length >= 20)
  for (const { title, targets = [] } of PANELS) for (const { expr } of targets) assertExported(title, expr)
  for (const { expr } of DASHBOARD.annotations.list) assertExported('annotation', expr)
})

test('an alert has one name, a severity, and says what it means', () => {
  assert.equal(new Set(ALERTS.map(({ alert }) => alert)).size, ALERTS.length)
  for (const { alert, labels, annotations, for: lasting = '0s' } of ALERTS) {
    assert.match(alert, /^Cordon[A-Z]/)
    assert.match(labels.severity, /^(critical|warning)$/, alert)
    assert.match(lasting, /^\d+[smh]$/, alert)
    assert.ok(annotations.summary.length > 10 && annotations.description.length > 30, alert)
  }
})

test('what an alert tells people to run exists', () => {
  const commands = ALERTS.flatMap(({ annotations }) =>
    [...annotations.description.matchAll(/\bcordon ([a-z-]+(?: [a-z-]+)*)/g)].map(([, words = '']) => words),
  )
  assert.ok(commands.length >= 5)
  for (const words of commands) assert.equal(commandProblem(program, words.split(' ')), null, words)
})

test('the alarm of the clock goes off where that of the node does', () => {
  const alarm = ALERTS.find(({ alert }) => alert === 'CordonClockWrong')
  assert.equal(alarm?.expr, `abs(cordon_clock_skew_ms) > ${LIMITS.clockSkewMs}`)
})

test('panels do not lie on each other, fit the screen, and say what they show', () => {
  const taken = new Map<string, string>()
  for (const { title, gridPos } of DASHBOARD.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.equal(taken.get(`${x} ${y}`), undefined, title)
        taken.set(`${x} ${y}`, title)
      }
  }
  assert.equal(new Set(DASHBOARD.panels.map(({ id }) => id)).size, DASHBOARD.panels.length)
  for (const { title, description = '', targets = [] } of PANELS) {
    assert.ok(description.length > 20 && targets.length > 0, title)
    for (const { datasource } of targets) assert.equal(datasource.uid, '${datasource}', title)
  }
})

test('the variables of the dashboard are there', () => {
  const names = DASHBOARD.templating.list.map(({ name }) => name)
  assert.deepEqual(names, ['datasource', 'instance'])
  const used = new Set(
    [...deployed('grafana/cordon.json').matchAll(/\$\{?(?!__)(\w+)/g)].map(([, name]) => name),
  )
  assert.deepEqual([...used].sort(), names)
  const { query } = DASHBOARD.templating.list[1]!
  const [, name = ''] =
    /^label_values\((\w+), instance\)$/.exec(typeof query === 'string' ? query : query.query) ?? []
  assert.ok(exported.has(name))
})
