/** What the dashboard says first: one sentence, with its cause and a command when something is wrong. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ChainProgress, ChainStatus, ValidatorInfo } from '../../client/api.ts'
import { healthOf, type Facts } from '../../node/dashboard/page/health.ts'

const STATUS = { height: 1_234, openHolds: 0 } as ChainStatus
const PROGRESS = { stalled: false, sinceFinalMs: 340, findings: [] as string[] } as unknown as ChainProgress

function validators(...connected: boolean[]): readonly ValidatorInfo[] {
  return connected.map((each, i) => ({ name: `v${i + 1}`, connected: each }) as ValidatorInfo)
}

const WELL: Facts = {
  line: 'open',
  status: STATUS,
  progress: PROGRESS,
  validators: validators(true, true, true, true),
  problems: [],
}

describe('the health sentence', () => {
  test('all is well, with how long ago the newest block became final', () => {
    assert.deepEqual(healthOf(WELL), {
      tone: 'well',
      sentence: 'All is well. Block 1,234 became final 340 ms ago.',
      cause: '4 of 4 validators are connected. Nothing is held.',
      command: null,
    })
  })

  test('holds are no illness, and are told', () => {
    const cause = (openHolds: number): string | null =>
      healthOf({ ...WELL, status: { ...STATUS, openHolds } }).cause
    assert.match(cause(1) ?? '', /1 payment waits for review\.$/)
    assert.match(cause(2_000) ?? '', /2,000 payments wait for review\.$/)
  })

  test('a standstill comes first, with what the chain waits for', () => {
    const findings = ['two of four have not voted']
    const health = healthOf({
      ...WELL,
      progress: { ...PROGRESS, stalled: true, sinceFinalMs: 12_000, findings },
      validators: validators(true, true, false, false),
      problems: [{ what: 'fraud model', detail: 'down', hint: 'see the log' }],
    })
    assert.deepEqual(health, {
      tone: 'ill',
      sentence: 'Nothing has become final for 12 s.',
      cause: 'Two of four have not voted.',
      command: 'cordon doctor stall',
    })
  })

  test('what the node says of itself comes before who is away', () => {
    const problem = { what: 'fraud model', detail: 'the worker ended', hint: 'see its log' }
    const health = healthOf({ ...WELL, validators: validators(true, false), problems: [problem] })
    assert.equal(health.tone, 'warning')
    assert.equal(health.cause, 'The worker ended. See its log.')
    assert.equal(health.command, 'cordon fraud model list')
    const unknown = healthOf({ ...WELL, problems: [{ ...problem, what: 'weather' }] })
    assert.equal(unknown.sentence, 'Out of order: weather.')
  })

  test('validators that are away are named', () => {
    assert.equal(healthOf({ ...WELL, validators: validators(true, false) }).sentence, 'v2 is not connected.')
    assert.equal(
      healthOf({ ...WELL, validators: validators(false, false) }).sentence,
      'v1, v2 are not connected.',
    )
  })

  test('without the node there is nothing else to say', () => {
    for (const line of ['lost', 'connecting'] as const) {
      const { tone, sentence } = healthOf({ ...WELL, line })
      assert.deepEqual([tone, sentence], ['ill', 'The node does not answer.'])
    }
    assert.equal(healthOf({ ...WELL, line: 'connecting', status: null }).tone, 'waiting')
    assert.equal(healthOf({ ...WELL, status: { ...STATUS, height: 0 } }).sentence, 'No block is final yet.')
  })
})
