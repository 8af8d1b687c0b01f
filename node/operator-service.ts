/** The operator methods, as `client/operator-api.ts` describes them, over the parts of a running node. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OPERATOR_URL_FILE } from '../config/node-config.ts'
import { VERSION } from '../config/version.ts'
import type { Models } from './models/models.ts'
import type { OperatorService } from './rpc/operator-server.ts'

export interface OperatorServiceOptions {
  /** Name of the own validator, or null: a full node. */
  readonly validator: string | null
  readonly models: Models
}

export function createOperatorService({ validator, models }: OperatorServiceOptions): OperatorService {
  return {
    operator_whoami: async (_params, { token: { name, scope, expiresMs } }) => ({
      token: name,
      scope,
      expiresMs,
      validator,
      version: VERSION,
    }),
    model_list: async () => models.list(),
    model_get: async ({ model }) => models.get(model),
    model_add: async ({ file }) => models.add(file),
    model_use: async ({ model }) => models.use(model),
    model_rollback: async () => models.rollBack(),
    model_shadow: async ({ model }) => models.setShadow(model),
    model_report: async () => models.shadowReport(),
  }
}

/**
 * Writes where the operator methods are, for the CLI on the same machine: the port may be any free one.
 * @returns how to take it back.
 */
export function announceOperatorUrl(dataDirectory: string, url: string): () => void {
  const file = join(dataDirectory, OPERATOR_URL_FILE)
  writeFileSync(file, `${url}\n`)
  return () => {
    rmSync(file, { force: true })
  }
}
