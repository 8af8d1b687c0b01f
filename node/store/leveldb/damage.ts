/** What an operator is told of a damaged file of a database. */
import { join } from 'node:path'
import { CordonError } from '../../../config/errors.ts'
import type { FileDamage } from './check.ts'

/** @param means what may follow from it, or what the node does about it. */
export function damagedFile(directory: string, { file, what }: FileDamage, means: string): CordonError {
  return new CordonError('data-inconsistent', `${join(directory, file)} ${what}; ${means}`, {
    directory,
    file,
  })
}

/** Of a database in use. */
export function damagedInUse(directory: string, damage: FileDamage): CordonError {
  return damagedFile(directory, damage, 'the node stops before it answers from it')
}
