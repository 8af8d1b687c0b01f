/** The one table of operator methods: the scope that a token needs, what each takes, and what it gives. */
import type { OperatorMethod, OperatorParams } from '../../client/operator-api.ts'
import type { Scope } from '../../config/tokens.ts'
import { HEAD_LIMITS } from '../../fraud/head/limits.ts'
import { MethodTable, type JsonSchema, type MethodRow } from './method-table.ts'

interface OperatorRow<Params> extends MethodRow<Params> {
  readonly scope: Scope
}

const object: JsonSchema = { type: 'object' }
const modelName: JsonSchema = { type: 'string', minLength: 1, maxLength: 128 }

/** The methods in the order of `client/operator-api.ts`. */
export const OPERATOR_METHODS: {
  readonly [Method in OperatorMethod]: OperatorRow<OperatorParams<Method>>
} = {
  operator_whoami: {
    about: 'Whose token it is, what it allows, and of which node.',
    scope: 'read',
    params: {},
    required: [],
    result: { name: 'OperatorIdentity', schema: object },
  },
  model_list: {
    about: 'The fraud models that the node has, newest first.',
    scope: 'read',
    params: {},
    required: [],
    result: { name: 'ModelInfo[]', schema: { type: 'array' } },
  },
  model_get: {
    about: 'One model, by its id, the begin of its id, or its name.',
    scope: 'read',
    params: { model: modelName },
    required: ['model'],
    result: { name: 'ModelInfo', schema: object },
  },
  model_add: {
    about: 'Takes in the text of a model file of `cordon fraud train`. It does not vote by that.',
    scope: 'operate',
    params: { file: { type: 'string', maxLength: HEAD_LIMITS.fileCharacters } },
    required: ['file'],
    result: { name: 'ModelInfo', schema: object },
  },
  model_use: {
    about: 'Lets a model vote from now on; `pretrained` and `label-free` are always there.',
    scope: 'operate',
    params: { model: modelName },
    required: ['model'],
    result: { name: 'ModelInfo', schema: object },
  },
  model_rollback: {
    about: 'Lets the model that voted before the present one vote again.',
    scope: 'operate',
    params: {},
    required: [],
    result: { name: 'ModelInfo', schema: object },
  },
  model_shadow: {
    about: 'Lets a model score beside the one that votes without a vote of its own; null ends it.',
    scope: 'operate',
    params: { model: { type: ['string', 'null'], maxLength: 128 } },
    required: ['model'],
    result: { name: 'ModelInfo | null', schema: { type: ['object', 'null'] } },
  },
  model_report: {
    about: 'What the model in the shadow would have flagged, beside what was flagged; null without one.',
    scope: 'read',
    params: {},
    required: [],
    result: { name: 'ShadowReport | null', schema: { type: ['object', 'null'] } },
  },
}

export const OPERATOR_TABLE: MethodTable<OperatorMethod> = new MethodTable(
  OPERATOR_METHODS,
  'docs/rpc.md lists the operator methods; public ones are on the port of rpc.port',
)
