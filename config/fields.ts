/**
 * Reading JSON or TOML that people may have edited: each value is checked where it is taken, and a problem names its
 * path, what was expected and what came.
 */

/** Makes the error of one kind of file. */
export type Refuse = (path: string, expected: string, got: unknown) => Error

/** One table of a file. Take what it should have, then `end()` refuses what is left over. */
export class Fields {
  readonly path: string
  readonly #values: Readonly<Record<string, unknown>>
  readonly #refuse: Refuse
  readonly #taken = new Set<string>()

  constructor(value: unknown, path: string, refuse: Refuse) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refuse(path, 'an object', value)
    this.path = path
    this.#values = value as Record<string, unknown>
    this.#refuse = refuse
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name)
  }

  names(): string[] {
    return Object.keys(this.#values)
  }

  take(name: string): unknown {
    this.#taken.add(name)
    return this.has(name) ? this.#values[name] : undefined
  }

  fail(name: string, expected: string): Error {
    return this.#refuse(this.pathOf(name), expected, this.has(name) ? this.#values[name] : undefined)
  }

  /** A text that `convert` understands; its error says what was expected. */
  text<Value = string>(name: string, expected: string, convert: (text: string) => Value | null): Value {
    const value = this.take(name)
    const converted = typeof value === 'string' ? convert(value) : null
    if (converted === null) throw this.fail(name, expected)
    return converted
  }

  /** A text of this form. */
  matching(name: string, expected: string, form: RegExp): string {
    return this.text(name, expected, (text) => (form.test(text) ? text : null))
  }

  /** The one text that may stand here, as the name of a format does. */
  constant(name: string, expected: string): void {
    this.text(name, expected, (text) => (text === expected ? text : null))
  }

  integer(name: string, min: number, max: number): number {
    const value = this.take(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw this.fail(name, `an integer from ${min} to ${max}`)
    }
    return value
  }

  boolean(name: string): boolean {
    const value = this.take(name)
    if (typeof value !== 'boolean') throw this.fail(name, 'true or false')
    return value
  }

  list(name: string, min: number, max: number): readonly unknown[] {
    const value = this.take(name)
    if (!Array.isArray(value)) throw this.fail(name, 'a list')
    if (value.length < min || value.length > max) throw this.fail(name, `a list of ${min} to ${max} items`)
    return value
  }

  /** A table inside this one. */
  table(name: string): Fields {
    return new Fields(this.take(name), this.pathOf(name), this.#refuse)
  }

  /** An error for everything that was not taken. */
  leftOver(): Error[] {
    const expected = `only ${[...this.#taken].join(', ')} here`
    return this.names()
      .filter((name) => !this.#taken.has(name))
      .map((name) => this.#refuse(this.pathOf(name), expected, this.#values[name]))
  }

  /** Refuses whatever was not taken. */
  end(): void {
    const [first] = this.leftOver()
    if (first !== undefined) throw first
  }
}

const SHOWN_CHARACTERS = 100

/** A value for an error message, cut if it is long. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length} items`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}
