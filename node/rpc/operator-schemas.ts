/** The one table of operator methods: the scope that a token needs, what each takes, and what it gives. */
import type { OperatorMethod, OperatorParams } from '../../client/operator-api.ts'
import type { Scope } from '../../config/tokens.ts'
import { MethodTable, type JsonSchema, type MethodRow } from './method-table.ts'

interface OperatorRow<Params> extends MethodRow<Params> {
  readonly scope: Scope
}

const object: JsonSchema = { type: 'object' }

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
}

export const OPERATOR_TABLE: MethodTable<OperatorMethod> = new MethodTable(
  OPERATOR_METHODS,
  'docs/rpc.md lists the operator methods; public ones are on the port of rpc.port',
)
