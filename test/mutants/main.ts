/**
 * Proves that simulator and scenarios bite: `npm run sim:mutants -- [--seeds N] [--only TEXT] [--scenarios]`. Each rule of `rules.ts` is broken
 * in a copy of the sources, and seeds of the profile `swarm` run there until one fails, or its directed scenario does.
 * `--scenarios` leaves out what takes seeds: minutes instead of an hour. Prints a table; exit code 1 if a broken rule was not found.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BROKEN_RULES, type BrokenRule, type Scenario } from './rules.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SOURCES = [
  'client',
  'config',
  'consensus',
  'crypto',
  'fraud',
  'ledger',
  'node',
  'test/sim',
  'test/consensus',
  'test/vectors',
  'package.json',
]
/** Runs that are started together; how many it took is counted in seeds. */
const CHUNK_SEEDS = 8
/** A broken rule may let a run go on for ever: that counts as found, like any run that does not end. */
const CHUNK_TIMEOUT_MS = 180_000

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    scenarios: { type: 'boolean', default: false },
  },
})

function breakRule(dir: string, { name, edits }: BrokenRule): void {
  for (const { file, find, replace } of edits) {
    const path = join(dir, file)
    const text = readFileSync(path, 'utf8')
    const count = text.split(find).length - 1
    if (count !== 1) throw new Error(`${name}: expected once in ${file}, found ${count} times: ${find}`)
    writeFileSync(
      path,
      text.replace(find, () => replace),
    )
  }
}

/** @returns how many seeds it took and what was seen, or null. */
function hunt(dir: string, seeds: number): { readonly seeds: number; readonly seen: string } | null {
  for (let first = 1; first <= seeds; first += CHUNK_SEEDS) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        'test/sim/main.ts',
        '--profile',
        'swarm',
        '--no-shrink',
        '--start',
        String(first),
        '--seeds',
        String(CHUNK_SEEDS),
      ],
      { cwd: dir, encoding: 'utf8', timeout: CHUNK_TIMEOUT_MS },
    )
    if (status === 0) continue
    const failures = [...stderr.matchAll(/^seed (\d+) FAILED, (.*)$/gm)]
    const earliest = failures.sort((a, b) => Number(a[1]) - Number(b[1]))[0]
    return earliest === undefined
      ? { seeds: first, seen: status === null ? 'a run without end' : stderr.slice(0, 200) }
      : { seeds: Number(earliest[1]), seen: earliest[2] ?? '' }
  }
  return null
}

/** @returns the first test that fails, or null. */
function play(dir: string, { file, test }: Scenario): string | null {
  const only = test === undefined ? [] : [`--test-name-pattern=${test}`]
  const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...only, file], {
    cwd: dir,
    encoding: 'utf8',
    timeout: CHUNK_TIMEOUT_MS,
  })
  if (status === 0) return null
  const failed = /✖ (.*?) \(/.exec(stdout)?.[1] ?? 'a run without end'
  // A file that fails as a whole could not even be loaded: that shows nothing of the rule.
  if (failed.endsWith('.test.ts')) throw new Error(`${file} does not load:\n${stdout}`)
  return failed
}

function look(
  dir: string,
  { scenario }: BrokenRule,
): { readonly seeds: string; readonly seen: string } | null {
  if (scenario !== undefined) {
    const failed = play(dir, scenario)
    return failed === null ? null : { seeds: 'scenario', seen: failed }
  }
  const found = hunt(dir, Number(values.seeds))
  return found === null ? null : { ...found, seeds: String(found.seeds) }
}

let missed = 0
process.stdout.write('| rule broken | source | seeds | what the simulator saw |\n|---|---|---|---|\n')
const chosen = BROKEN_RULES.filter(
  ({ name, rule, scenario }) =>
    `${name} ${rule}`.includes(values.only) && (!values.scenarios || scenario !== undefined),
)
for (const rule of chosen) {
  const dir = mkdtempSync(join(tmpdir(), 'cordon-mutant-'))
  try {
    for (const source of SOURCES) cpSync(join(ROOT, source), join(dir, source), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
    breakRule(dir, rule)
    const found = look(dir, rule)
    if (found === null) missed++
    process.stdout.write(
      `| ${rule.name} | ${rule.rule} | ${found?.seeds ?? 'not found'} | ${found?.seen.slice(0, 120) ?? ''} |\n`,
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
process.exitCode = missed === 0 ? 0 : 1
