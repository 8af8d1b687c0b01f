/** The files of `deploy/`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT: string = join(import.meta.dirname, '..', '..')
export const DEPLOY: string = join(ROOT, 'deploy')

export function deployed(name: string): string {
  return readFileSync(join(DEPLOY, name), 'utf8')
}
