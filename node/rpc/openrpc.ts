/** The OpenRPC document of `rpc.discover`, from the table of methods. */
import { ERRORS } from '../../config/errors.ts'
import { VERSION } from '../../config/version.ts'
import type { JsonSchema } from './method-table.ts'
import { METHODS } from './schemas.ts'

const OPENRPC_VERSION = '1.3.2'

/** All methods with their parameters; `x-errors` lists the codes that `error.data.code` can have. */
export function openRpcDocument(): object {
  return {
    openrpc: OPENRPC_VERSION,
    info: {
      title: 'Cordon',
      version: VERSION,
      description:
        'JSON-RPC 2.0 over POST / and WebSocket /. Amounts are decimal strings of uCRD, hashes lower-case hex.',
    },
    methods: Object.entries(METHODS).map(([name, row]) => {
      const required: readonly string[] = row.required
      return {
        name,
        summary: row.about,
        paramStructure: 'by-name',
        params: Object.entries<JsonSchema>(row.params).map(([param, schema]) => ({
          name: param,
          required: required.includes(param),
          schema,
        })),
        result: { name: row.result.name, schema: row.result.schema },
      }
    }),
    'x-errors': Object.entries(ERRORS).map(([code, { meaning }]) => ({ code, meaning })),
  }
}
