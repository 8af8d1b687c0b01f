/** Help of every command: it fits a screen, and shows how the command is used. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Command } from 'commander'
import { EXAMPLE_PATHS } from '../../cli/examples.ts'
import { explanationOf } from '../../cli/explanation.ts'
import { buildProgram } from '../../cli/program.ts'
import { commandProblem, cordonLinesOf } from './command-lines.ts'

const SCREEN = { lines: 40, columns: 100 }

let program: Command
let commands: ReadonlyMap<string, Command>

function pathsOf(command: Command, path: string): [string, Command][] {
  const below = command.commands.flatMap((child) => pathsOf(child, `${path} ${child.name()}`.trim()))
  return [[path, command], ...below]
}

/** Whether it does something by itself, and not only names those that do. */
function runs(command: Command): boolean {
  return command.commands.length === 0 || command.options.length > 0
}

before(async () => {
  program = await buildProgram(() => true, '', {})
  commands = new Map(pathsOf(program, '').filter(([path]) => path !== ''))
})

test(`no help has more than ${SCREEN.lines} lines of ${SCREEN.columns} columns`, () => {
  for (const [path, command] of commands) {
    let help = ''
    command.configureOutput({ getOutHelpWidth: () => SCREEN.columns, writeOut: (text) => (help += text) })
    command.outputHelp()
    const lines = help.trimEnd().split('\n')
    assert.ok(lines.length <= SCREEN.lines, `cordon ${path} --help has ${lines.length} lines`)
    for (const line of lines) assert.ok(line.length <= SCREEN.columns, `cordon ${path} --help: ${line}`)
  }
})

test('every command that runs has an example, and each example is a use of it', () => {
  for (const [path, command] of commands) {
    if (!runs(command)) continue
    const examples = explanationOf(command)?.examples ?? []
    assert.ok(examples.length > 0, `cordon ${path} has no example`)
    const lines = cordonLinesOf(['```sh', ...examples, '```'].join('\n'))
    for (const words of lines) assert.equal(commandProblem(program, words), null, `cordon ${words.join(' ')}`)
    const own = lines.filter((words) => `${words.join(' ')} `.startsWith(`${path} `))
    assert.ok(own.length > 0 || path === 'completion', `no example of cordon ${path} shows it`)
  }
})

test('the table of examples has commands that exist and say nothing else', () => {
  for (const path of EXAMPLE_PATHS) {
    const command = commands.get(path)
    assert.ok(command !== undefined, path)
    assert.deepEqual(explanationOf(command)?.about, [], `${path} has an example of its own`)
  }
})
