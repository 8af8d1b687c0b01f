/** The operator methods about models. */
import type { OperatorMethod } from '../../client/operator-api.ts'
import type { OperatorService } from '../rpc/operator-server.ts'
import type { Models } from './models.ts'

type ModelMethods = Pick<OperatorService, Extract<OperatorMethod, `model_${string}`>>

export function createModelMethods(models: Models): ModelMethods {
  return {
    model_list: async () => models.list(),
    model_get: async ({ model }) => models.get(model),
    model_add: async ({ file }) => models.add(file),
    model_use: async ({ model }) => models.use(model),
    model_rollback: async () => models.rollBack(),
    model_shadow: async ({ model }) => models.setShadow(model),
    model_report: async () => models.shadowReport(),
  }
}
