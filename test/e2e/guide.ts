/** A page that people follow, as steps that a test can follow: its shell blocks, with who types each. */
import assert from 'node:assert/strict'

export interface Step {
  /** Heading that it stands under. */
  readonly section: string
  /** As in `Anna's` or `both`, in lower case and without the `'s`. */
  readonly machine: string
  /** How its last command ends; all before it end with 0. */
  readonly exit: number
  readonly commands: readonly string[]
}

const SECTION = /^## (.+)$/
const BLOCK = /^```sh\n(.*?)^```$/gms
/** First line of a block. */
const WHERE = /^# on (\w+?)(?:'s machine| machines)(?:, exit (\d+))?$/

export function stepsOf(page: string): Step[] {
  return page.split(/^(?=## )/m).flatMap((part) => {
    const [, section = ''] = SECTION.exec(part.split('\n', 1)[0] ?? '') ?? []
    return [...part.matchAll(BLOCK)].map(([, block = '']) => stepOf(section, block))
  })
}

function stepOf(section: string, block: string): Step {
  const [first = '', ...lines] = block.trimEnd().split('\n')
  const [, machine, exit = '0'] = WHERE.exec(first) ?? []
  assert.ok(machine !== undefined, `expected where it is typed, got: ${first}`)
  const commands = lines.join('\n').split(/(?<!\\)\n/)
  return { section, machine: machine.toLowerCase(), exit: Number(exit), commands }
}
