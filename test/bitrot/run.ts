/** Flips one bit of one file in a copy of a node's directory, opens the copy, and says what came of it. */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CordonError, EXIT, exitCodeOf } from '../../config/errors.ts'
import { Prng } from '../sim/prng.ts'
import { flipBit } from './flip.ts'
import { examine, type Examination } from './examine.ts'
import { makeNodeDirectory, type MadeDirectory } from './node-directory.ts'

/** A start that takes longer hangs. */
const HANG_MS = 20_000

/**
 * - unaffected: every answer is right, nothing had to be done
 * - repaired: every answer is right, after something was executed again or came from peers
 * - refused: exit 82; 78 for configuration and keys; 80 if the settings now lead past the signer's folder
 * - reconfigured: a setting reads otherwise, since a text that people write has no checksum; every answer is right, but for
 *   payments on their way in a data directory where nobody looks any more
 * - wrong, crashed (another exit code), hung: never to happen
 */
export const VERDICTS = [
  'unaffected',
  'repaired',
  'refused',
  'reconfigured',
  'wrong',
  'crashed',
  'hung',
] as const
export type Verdict = (typeof VERDICTS)[number]

const REFUSALS: readonly number[] = [EXIT.dataInconsistent, EXIT.configuration, EXIT.doubleSign]

/** What no peer has. */
const IN_DATA_ALONE: readonly string[] = ['pending', 'expired']

export interface Flip {
  /** In the node's directory. */
  readonly file: string
  readonly bit: number
}

export interface FlipResult extends Flip {
  readonly verdict: Verdict
  /** What was refused with, or what is wrong. */
  readonly detail: string
}

export interface BitrotResult {
  readonly flips: number
  readonly verdicts: Readonly<Record<Verdict, number>>
  /** By kind of file. */
  readonly byFile: Readonly<Record<string, Partial<Record<Verdict, number>>>>
  readonly failures: readonly FlipResult[]
}

export interface BitrotOptions {
  readonly flips: number
  readonly seed: number
  /** Flip while the stores are open, before the first question, instead of before the start. */
  readonly running?: boolean
  /** Only files whose path this matches. */
  readonly only?: RegExp
  readonly onProgress?: (done: number, result: FlipResult) => void
}

export async function runBitrot(options: BitrotOptions): Promise<BitrotResult> {
  const root = mkdtempSync(join(tmpdir(), 'cordon-bitrot-'))
  try {
    return await new Bitrot(root, options).run()
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

class Bitrot {
  readonly #original: string
  readonly #root: string
  readonly #options: BitrotOptions
  readonly #prng: Prng
  #count = 0

  constructor(root: string, options: BitrotOptions) {
    this.#root = root
    this.#original = join(root, 'original')
    this.#options = options
    this.#prng = new Prng(options.seed)
  }

  async run(): Promise<BitrotResult> {
    const made = await makeNodeDirectory(this.#original)
    const sound = await examine(this.#copy(), made)
    const files = filesIn(this.#original).filter(
      (file) => statSync(join(this.#original, file)).size > 0 && this.#options.only?.test(file) !== false,
    )
    const results: FlipResult[] = []
    while (results.length < this.#options.flips) {
      // Files in turn, not by size: a byte of a small one matters as much.
      const file = files[results.length % files.length] as string
      const bits = 8 * statSync(join(this.#original, file)).size
      const flip = { file, bit: this.#prng.int(0, bits - 1) }
      const result = await this.#try(flip, made, sound)
      results.push(result)
      this.#options.onProgress?.(results.length, result)
    }
    return summaryOf(results)
  }

  #copy(): string {
    const copy = join(this.#root, `copy-${++this.#count}`)
    cpSync(this.#original, copy, { recursive: true })
    return copy
  }

  async #try(flip: Flip, made: MadeDirectory, sound: Examination): Promise<FlipResult> {
    const directory = this.#copy()
    const spoil = (): void => {
      const path = join(directory, flip.file)
      // LevelDB may have replaced the file while it opened: then another one of its kind.
      const isOfKind = (file: string): boolean =>
        kindOf(file) === kindOf(flip.file) && statSync(join(directory, file)).size > 0
      const instead = existsSync(path) ? flip.file : filesIn(directory).find(isOfKind)
      if (instead === undefined) return
      const file = join(directory, instead)
      flipBit(file, flip.bit % (8 * statSync(file).size))
    }
    let timer: NodeJS.Timeout | undefined
    const timeUp = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, HANG_MS, null)
    })
    if (this.#options.running !== true) spoil()
    try {
      const examination = examine(directory, made, this.#options.running === true ? spoil : undefined)
      const found = await Promise.race([examination, timeUp])
      if (found === null) return { ...flip, verdict: 'hung', detail: `no answer after ${HANG_MS} ms` }
      return { ...flip, ...judge(found, sound) }
    } catch (error) {
      return { ...flip, ...judgeError(error) }
    } finally {
      clearTimeout(timer)
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

function judge(found: Examination, sound: Examination): Pick<FlipResult, 'verdict' | 'detail'> {
  const wrong = Object.keys(sound.answers).filter(
    (question) => found.answers[question] !== sound.answers[question],
  )
  const reconfigured = withoutPaths(found.settings) !== withoutPaths(sound.settings)
  if (reconfigured && wrong.every((question) => IN_DATA_ALONE.includes(question)))
    return { verdict: 'reconfigured', detail: found.settings }
  if (wrong.length > 0) {
    const detail = wrong.map((question) => difference(question, found, sound)).join('; ')
    return { verdict: 'wrong', detail }
  }
  return { verdict: found.repaired ? 'repaired' : 'unaffected', detail: '' }
}

function withoutPaths(settings: string): string {
  return settings.replaceAll(/copy-\d+/g, 'copy')
}

function judgeError(error: unknown): Pick<FlipResult, 'verdict' | 'detail'> {
  const detail = error instanceof Error ? error.message : String(error)
  const code = exitCodeOf(error)
  return error instanceof CordonError && REFUSALS.includes(code)
    ? { verdict: 'refused', detail: `${code} ${detail}` }
    : { verdict: 'crashed', detail: error instanceof Error ? (error.stack ?? detail) : detail }
}

function difference(question: string, found: Examination, sound: Examination): string {
  const [got = '', expected = ''] = [found.answers[question], sound.answers[question]]
  let at = 0
  while (got[at] === expected[at]) at++
  const from = Math.max(0, at - 40)
  return `${question}: got …${got.slice(from, at + 40)}…, expected …${expected.slice(from, at + 40)}…`
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}

/** `data/chain/000005.ldb` → `chain *.ldb`. */
export function kindOf(file: string): string {
  const [folder = '', ...rest] = file.split('/')
  const name = (rest.at(-1) ?? '').replace(/^\d+\./, '*.').replace(/-\d+$/, '')
  return `${folder === 'data' && rest.length > 1 ? String(rest[0]) : folder} ${name}`
}

function summaryOf(results: readonly FlipResult[]): BitrotResult {
  const verdicts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>
  const byFile: Record<string, Partial<Record<Verdict, number>>> = {}
  for (const { file, verdict } of results) {
    verdicts[verdict]++
    const row = (byFile[kindOf(file)] ??= {})
    row[verdict] = (row[verdict] ?? 0) + 1
  }
  const failures = results.filter(({ verdict }) => ['wrong', 'crashed', 'hung'].includes(verdict))
  return { flips: results.length, verdicts, byFile, failures }
}
