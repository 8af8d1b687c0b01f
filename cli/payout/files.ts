/** Where the files of a payout lie, and reading what a run before kept of it. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CordonError } from '../../config/errors.ts'

/** `pay.payout` of `pay.csv`. */
export function payoutFolder(csv: string): string {
  return besides(csv, '.payout')
}

/** `pay.results.csv` of `pay.csv`. */
export function defaultResultsFile(csv: string): string {
  return besides(csv, '.results.csv')
}

function besides(csv: string, ending: string): string {
  return join(dirname(csv), `${basename(csv).replace(/\.csv$/i, '')}${ending}`)
}

/** The text of a file in the payout's folder; null: it is not there. @throws CordonError `config-invalid`. */
export function keptText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw damaged(path, (error as Error).message)
  }
}

/** Whoever removes what is damaged may pay rows twice, so the message says what to do first. */
export function damaged(path: string, problem: string): CordonError {
  return new CordonError(
    'config-invalid',
    `payout state ${path} is damaged (${problem}); find out with cordon wallet history which rows are paid before you remove it, or they may be paid twice`,
    { path },
  )
}
