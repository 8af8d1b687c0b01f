import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from 'commander'
import { buildProgram } from '../../cli/program.ts'
import { CLIENT_VARIABLES } from '../../config/variables.ts'

function variablesOf(command: Command): readonly string[] {
  const own = command.options.flatMap(({ envVar }) => (envVar === undefined ? [] : [envVar]))
  return [...own, ...command.commands.flatMap(variablesOf)]
}

test('every flag of every command that has a variable is in the list, and no other', async () => {
  const program = await buildProgram(() => true, '', {})
  assert.deepEqual([...CLIENT_VARIABLES].sort(), [...new Set(variablesOf(program))].sort())
})
