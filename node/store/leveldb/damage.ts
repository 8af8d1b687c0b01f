/** A damaged file of a database, and what an operator is told of it. */
import { join } from 'node:path'
import { CordonError } from '../../../config/errors.ts'

export interface FileDamage {
  /** Name in the directory of the database. */
  readonly file: string
  readonly what: string
}

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
