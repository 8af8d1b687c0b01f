import assert from 'node:assert/strict'
import { CordonError } from '../../config/errors.ts'

/** The error of the project that something ends with; that it ends well, or with another, fails the test. */
export async function failure(promise: Promise<unknown>): Promise<CordonError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof CordonError, String(error))
    return error
  }
  return assert.fail('expected an error')
}
