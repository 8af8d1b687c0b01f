/** JSON-RPC texts: every answer is one by the book, whatever came. */
import type { RpcMethod } from '../../../client/api.ts'
import { CordonError, ERRORS, type ErrorCode } from '../../../config/errors.ts'
import { JsonRpc, type Handlers } from '../../../node/rpc/json-rpc.ts'
import { METHODS, PUBLIC_TABLE } from '../../../node/rpc/schemas.ts'
import type { CallContext } from '../../../node/rpc/service.ts'
import { decoder, refusesWith, textOf, type Decoder } from '../decoder.ts'

const names = Object.keys(METHODS) as RpcMethod[]
const handlers = Object.fromEntries(names.map((name) => [name, async () => 'called'])) as unknown as Handlers<
  RpcMethod,
  CallContext
>
const failures: string[] = []
const rpc = new JsonRpc(PUBLIC_TABLE, handlers, {
  debug: () => undefined,
  warn: () => undefined,
  error: (_fields, message) => failures.push(message),
})
const context = {} as CallContext

/** Values that fit the parameters of the methods, by what the schema says. */
const FITTING: Readonly<Record<string, unknown>> = {
  string: 'ab'.repeat(32),
  integer: 1,
  boolean: true,
  array: [],
}

function requestFor(name: RpcMethod): Uint8Array {
  const params = Object.entries(METHODS[name].params).map(([param, schema]) => [
    param,
    (schema.enum as readonly unknown[] | undefined)?.[0] ?? FITTING[String(schema.type)],
  ])
  return Buffer.from(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: name, params: Object.fromEntries(params) as unknown }),
  )
}

interface Answer {
  readonly jsonrpc: unknown
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: {
    readonly code: unknown
    readonly message: unknown
    readonly data: { readonly code: string }
  }
}

/** What the answer says: the results, or the first refusal as it was meant. */
async function answered(bytes: Uint8Array): Promise<unknown> {
  failures.length = 0
  const text = await rpc.answer(textOf(bytes), context)
  if (failures.length > 0) throw new Error(`the log says: ${failures.join(', ')}`)
  if (text === null) return null
  const parsed = JSON.parse(text) as Answer | readonly Answer[]
  const answers = Array.isArray(parsed) ? (parsed as readonly Answer[]) : [parsed as Answer]
  for (const answer of answers) check(answer)
  const [refused] = answers.flatMap(({ error }) => (error === undefined ? [] : [error]))
  if (refused !== undefined) throw new CordonError(refused.data.code as ErrorCode, String(refused.message))
  return answers.map(({ result }) => result)
}

function check({ jsonrpc, id, result, error }: Answer): void {
  if (jsonrpc !== '2.0' || id === undefined || (result === undefined) === (error === undefined))
    throw new Error('the answer is no JSON-RPC 2.0')
  if (error === undefined) return
  if (
    !Number.isInteger(error.code) ||
    typeof error.message !== 'string' ||
    !Object.hasOwn(ERRORS, error.data.code)
  )
    throw new Error(`the error is none of the table: ${JSON.stringify(error)}`)
}

export const RPC_DECODERS: readonly Decoder[] = [
  decoder({
    name: 'json-rpc',
    decode: answered,
    refuses: refusesWith('rpc-invalid', 'rpc-method', 'rpc-too-large'),
    seeds: () => [
      ...names.map(requestFor),
      Buffer.from(
        `[${names
          .slice(0, 3)
          .map((name) => textOf(requestFor(name)))
          .join(',')}]`,
      ),
    ],
    text: true,
  }),
]
