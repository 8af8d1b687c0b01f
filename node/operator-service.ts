/** The operator methods, as `client/operator-api.ts` describes them, over the parts of a running node. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RpcResult } from '../client/api.ts'
import { OPERATOR_URL_FILE } from '../config/node-config.ts'
import { VERSION } from '../config/version.ts'
import type { Models } from './models/models.ts'
import { createModelMethods } from './models/methods.ts'
import type { NodeReporter } from './node-reporter.ts'
import type { Decisions } from './review/decisions.ts'
import type { ReviewDesk } from './review/desk.ts'
import { createReviewMethods } from './review/methods.ts'
import type { OperatorContext, OperatorService } from './rpc/operator-server.ts'
import type { Scorer } from './scoring/scorer.ts'

export interface OperatorServiceOptions {
  /** Name of the own validator, or null: a full node. */
  readonly validator: string | null
  readonly models: Models
  /** Of addresses. */
  readonly prefix: string
  readonly review: ReviewDesk
  readonly scorer: Pick<Scorer, 'details'>
  readonly decisions: Decisions
  readonly reporter: NodeReporter
  /** A hold as everybody sees it. @throws CordonError `hold-unknown`. */
  readonly hold: (id: string, context: OperatorContext) => Promise<RpcResult<'quarantine_get'>>
}

export function createOperatorService(options: OperatorServiceOptions): OperatorService {
  return {
    operator_whoami: async (_params, { token: { name, scope, expiresMs } }) => ({
      token: name,
      scope,
      expiresMs,
      validator: options.validator,
      version: VERSION,
      reviewer: options.decisions.reviewer,
    }),
    operator_peers: async () => options.reporter.peers(),
    operator_node: () => options.reporter.report(),
    ...createModelMethods(options.models),
    ...createReviewMethods(options),
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
