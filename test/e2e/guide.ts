/** A page that people follow, as steps that a test can follow: its shell blocks, with who types each. */
import assert from 'node:assert/strict'
import { commandsOf, shellBlocksOf } from '../pages/shell-blocks.ts'

export interface Step {
  /** Whose it is in lower case, or `both`. */
  readonly machine: string
  /** How its last command ends; all before it end with 0. */
  readonly exit: number
  readonly commands: readonly string[]
}

/** First line of a block. */
const WHERE = /^# on (\w+?)(?:'s machine| machines)(?:, exit (\d+))?$/

export function stepsOf(page: string): Step[] {
  return shellBlocksOf(page).map((block) => {
    const [first = '', ...commands] = commandsOf(block)
    const [, machine, exit = '0'] = WHERE.exec(first) ?? []
    assert.ok(machine !== undefined, `expected where it is typed, got: ${first}`)
    return { machine: machine.toLowerCase(), exit: Number(exit), commands }
  })
}

/** The commands of all shell blocks under a heading of a page. */
export function commandsUnder(page: string, heading: string): string[] {
  const part = page.split(/^(?=## )/m).find((text) => text.startsWith(`## ${heading}\n`))
  assert.ok(part !== undefined, `the page has no heading ${heading}`)
  return shellBlocksOf(part).flatMap(commandsOf)
}
