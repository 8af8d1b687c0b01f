import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validatorSet } from '../consensus/fixtures.ts'
import { leaderSchedule } from '../../consensus/validator-set.ts'
import { INSTANCES } from './instances.ts'
import { keptTraces } from './kept.ts'
import { replay } from './replay.ts'
import type { ModelStep, ModelTrace } from './trace.ts'

const traces = keptTraces()

function countSteps(matches: (step: ModelStep) => boolean): number {
  return traces.reduce((sum, { steps }) => sum + steps.filter(matches).length, 0)
}

for (const [position, trace] of traces.entries()) {
  test(`trace ${position} (${trace.instance}): the engine does what the model does`, async () => {
    await replay(trace)
  })
}

test('the kept traces come to what matters', () => {
  assert.ok(countSteps(({ nodes }) => nodes.some(({ final }) => final.length >= 2)) > 0, 'final chains')
  assert.ok(countSteps(({ event }) => event.type === 'recover') > 20, 'recoveries')
  for (const fate of ['Done', 'BeforeStore', 'BeforeJournal', 'BeforeSend'])
    assert.ok(countSteps(({ event }) => event.type === 'input' && event.fate === fate) > 3, fate)
  for (const input of ['proposal', 'vote', 'certificate', 'timer'])
    assert.ok(countSteps(({ event }) => event.type === 'input' && event.input.type === input) > 20, input)
})

test('the schedules of the model are those of the engine', () => {
  assert.deepEqual(leaderSchedule(validatorSet(INSTANCES['equal']?.weights)), [0, 1, 2, 3])
  assert.deepEqual(leaderSchedule(validatorSet(INSTANCES['weighted']?.weights)), [0, 1, 2, 0, 3, 1, 0])
})

test('a difference is noticed: a vote the model did not cast, another view, another final chain, a message unsent', async () => {
  const trace = traces.find(({ steps }) =>
    steps.some(({ nodes }) => nodes[0]?.final.length === 1),
  ) as ModelTrace
  const position = trace.steps.findIndex(({ nodes }) => nodes[0]?.final.length === 1)
  const step = trace.steps[position] as ModelStep
  const [node] = step.nodes
  assert.ok(node)
  const view = 10 * node.view
  const forged: ModelStep[] = [
    { ...step, nodes: [{ ...node, votes: [...node.votes, `notarize ${view}1 by ${node.index}`].sort() }] },
    { ...step, nodes: [{ ...node, view: node.view + 1 }] },
    { ...step, nodes: [{ ...node, certificates: node.certificates.slice(1) }] },
    { ...step, nodes: [{ ...node, final: [] }] },
    { ...step, sent: [...step.sent, 'nullify 9 by 1'] },
  ]
  for (const other of forged)
    await assert.rejects(
      replay({ ...trace, steps: trace.steps.with(position, other) }),
      /model and engine differ/,
    )
})
