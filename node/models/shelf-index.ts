/** The list of a node's models as a file. */
import { CordonError } from '../../config/errors.ts'
import { show } from '../../config/fields.ts'

export const MODEL_ORIGINS = ['configured', 'learned', 'added'] as const
export type ModelOrigin = (typeof MODEL_ORIGINS)[number]

export interface ModelRecord {
  /** As in acks, 32 bytes hex. */
  readonly id: string
  readonly name: string
  readonly origin: ModelOrigin
  /** Id of the model that learning started from; its own if it was not learned here. */
  readonly base: string
  readonly addedMs: number
  /** What it learned from, for people. */
  readonly about: string
}

export interface ModelIndex {
  /** Id of the one that the configuration named last; empty: it could never be used. */
  readonly configured: string
  readonly voting: string
  /** Ids of those that voted before, the latest first. */
  readonly previous: readonly string[]
  readonly shadow: string | null
  /** Newest first. */
  readonly models: readonly ModelRecord[]
}

const VERSION = 1
const MOST_CHARACTERS = 65_536

export function emptyIndex(): ModelIndex {
  return { configured: '', voting: '', previous: [], shadow: null, models: [] }
}

export function serialiseModelIndex(index: ModelIndex): string {
  return `${JSON.stringify({ version: VERSION, ...index }, null, 2)}\n`
}

/** @throws CordonError `format-version` or `data-inconsistent`. */
export function parseModelIndex(text: string): ModelIndex {
  if (text.length > MOST_CHARACTERS) throw wrong(`at most ${MOST_CHARACTERS} characters`, text.length)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong('JSON', text.slice(0, 80))
  }
  if (typeof value !== 'object' || value === null) throw wrong('an object', value)
  const { version, ...index } = value as Record<string, unknown>
  if (version !== VERSION)
    throw new CordonError(
      'format-version',
      `the list of models has version ${show(version)}, this build knows ${VERSION}`,
      {
        version,
      },
    )
  if (!isIndex(index)) throw wrong('configured, voting, previous, shadow and models', index)
  return index
}

function isIndex(value: Readonly<Record<string, unknown>>): value is ModelIndex & Record<string, unknown> {
  const { configured, voting, previous, shadow, models } = value
  return (
    (configured === '' || isId(configured)) &&
    isId(voting) &&
    Array.isArray(previous) &&
    previous.every(isId) &&
    (shadow === null || isId(shadow)) &&
    Array.isArray(models) &&
    models.every(isRecord)
  )
}

function isRecord(value: unknown): value is ModelRecord {
  if (typeof value !== 'object' || value === null) return false
  const { id, name, origin, base, addedMs, about } = value as Record<string, unknown>
  return (
    isId(id) &&
    isId(base) &&
    typeof name === 'string' &&
    typeof about === 'string' &&
    typeof addedMs === 'number' &&
    MODEL_ORIGINS.some((each) => each === origin)
  )
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function wrong(expected: string, got: unknown): CordonError {
  return new CordonError('data-inconsistent', `the list of models: expected ${expected}, got ${show(got)}`, {
    expected,
  })
}
