import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildProgram } from '../../cli/program.ts'
import { commandProblem, cordonLinesOf } from './command-lines.ts'

test('lines of shell blocks are found, with what goes on and without what comes after', () => {
  const page = [
    'cordon prose',
    '```',
    'cordon output',
    '```',
    '```sh',
    'sudo --user=cordon cordon init \\',
    "  --dir 'a b' # cordon comment",
    '# cordon comment',
    'cordon status [--json] | jq .',
    'docker compose ps',
    'cordon tx build | cordon tx sign | jq .',
    'cordon tx wait "$(cordon tx hash FILE)"',
    '```',
  ].join('\n')
  assert.deepEqual(cordonLinesOf(page), [
    ['init', '--dir', "'a b'"],
    ['status', '--json'],
    ['tx', 'build'],
    ['tx', 'sign'],
    ['tx', 'wait', '"$(cordon tx hash FILE)"'],
    ['tx', 'hash', 'FILE'],
  ])
})

test('commands, flags and arguments that are not there are noticed', async () => {
  const program = await buildProgram(() => true, '', {})
  const problem = (line: string): string | null => commandProblem(program, line.split(' '))
  for (const right of [
    'status --json',
    'init --dir D --genesis G --validator-key',
    'init --dir D --genesis G --validator-key FILE',
    'init --dir=D --genesis=G',
    'token create alice --scope read --dir D',
    'tx get ID',
    'devnet --detach',
    'fraud train --data A B --out C',
  ])
    assert.equal(problem(right), null, right)
  for (const [wrong, says] of [
    ['frobnicate', /takes 0 to 0 arguments|needs a command/],
    ['status --frob', /no --frob/],
    ['status now', /takes 0 to 0 arguments, got 1/],
    ['tx get', /takes 1 to 1 arguments, got 0/],
    ['verify FILE', /needs --genesis/],
    ['init --genesis G --dir', /--dir needs a value/],
    ['signer', /needs a command/],
    ['signer frob', /needs a command/],
  ] as const)
    assert.match(problem(wrong) ?? 'nothing', says, wrong)
})
