/** A table of JSON-RPC methods: which there are, and whether the parameters of a call fit. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { CordonError } from '../../config/errors.ts'
import { show } from '../../config/fields.ts'

/** The part of JSON Schema used here. */
export type JsonSchema = Readonly<Record<string, unknown>>

type RequiredNames<Params> = {
  [Name in keyof Params]-?: undefined extends Params[Name] ? never : Name
}[keyof Params]

export interface MethodRow<Params> {
  readonly about: string
  readonly params: { readonly [Name in keyof Params]-?: JsonSchema }
  readonly required: readonly RequiredNames<Params>[]
  /** Type in `client/` with its schema. */
  readonly result: { readonly name: string; readonly schema: JsonSchema }
}

/** What the checks need of a row. */
interface ParameterRow {
  readonly params: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
}

const ajv = new Ajv({ strict: true, verbose: true })

export class MethodTable<Name extends string> {
  readonly #rows: Readonly<Record<Name, ParameterRow>>
  readonly #whereListed: string
  /** Compiled at first use: a client rarely calls them all, and a node has to start quickly. */
  readonly #validators = new Map<Name, ValidateFunction>()

  /** @param whereListed ends the error for a name that is no method: where one sees which there are. */
  constructor(rows: Readonly<Record<Name, ParameterRow>>, whereListed: string) {
    this.#rows = rows
    this.#whereListed = whereListed
  }

  /** @throws CordonError `rpc-method` for a name that is no method. */
  nameOf(text: string): Name {
    if (Object.hasOwn(this.#rows, text)) return text as Name
    throw new CordonError(
      'rpc-method',
      `there is no method ${JSON.stringify(text.slice(0, 80))}; ${this.#whereListed}`,
    )
  }

  /**
   * Checks the parameters of a call.
   * @throws CordonError `rpc-invalid` naming the parameter, what was expected and what came.
   */
  check(method: Name, params: unknown): void {
    if (Array.isArray(params)) {
      throw new CordonError('rpc-invalid', `${method}: expected params as an object with names, got a list`, {
        method,
      })
    }
    const validate = this.#validatorOf(method)
    if (validate(params)) return
    throw new CordonError('rpc-invalid', `${method}: ${explain(validate.errors?.[0])}`, { method })
  }

  #validatorOf(method: Name): ValidateFunction {
    const known = this.#validators.get(method)
    if (known !== undefined) return known
    const { params, required } = this.#rows[method]
    const compiled = ajv.compile({
      type: 'object',
      properties: params,
      required,
      additionalProperties: false,
    })
    this.#validators.set(method, compiled)
    return compiled
  }
}

function explain(error: ErrorObject | undefined): string {
  if (error === undefined) return 'the params do not fit'
  const path = `params${error.instancePath.replaceAll('/', '.')}`
  if (error.keyword === 'required') return `${path} lacks ${String(error.params.missingProperty)}`
  if (error.keyword === 'additionalProperties')
    return `${path} has an unknown ${show(error.params.additionalProperty)}`
  const expected =
    error.keyword === 'enum'
      ? `be one of ${(error.params.allowedValues as string[]).join(', ')}`
      : (error.message ?? 'fit').replace(/^must /, '')
  return `${path} must ${expected}, got ${show(error.data)}`
}
