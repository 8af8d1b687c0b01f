/** What the fuzzer knows about one decoder. */
import { readFileSync } from 'node:fs'
import { CordonError, type ErrorCode } from '../../config/errors.ts'
import { fromHex } from '../../crypto/bytes.ts'

export interface Decoder<Value = unknown> {
  readonly name: string
  /** What decides over these bytes. A text format takes them as UTF-8. */
  decode(bytes: Uint8Array): Value | Promise<Value>
  /** Whether this is how the decoder says no. Everything else that it throws is a finding. */
  refuses(error: unknown): boolean
  /** The one spelling of what was decoded; left out where a format has several. `bytes` are those it was decoded from. */
  encode?(value: Value, bytes: Uint8Array): Uint8Array
  /** Inputs that are accepted. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** Makes checksums right again, so that mutations get past them. */
  repair?(bytes: Uint8Array): Uint8Array
  /** Of a format that people can read: its tokens and trees are mutated too. */
  readonly text?: boolean
}

/** For a registry of decoders of many kinds: a decoder's own value type is its own business. */
export function decoder<Value>(definition: Decoder<Value>): Decoder {
  return definition
}

/** A refusal by one of these codes, with something to read. */
export function refusesWith(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => error instanceof CordonError && codes.includes(error.code) && error.message.length > 0
}

export function refusesAs(kind: abstract new (...args: never[]) => Error): (error: unknown) => boolean {
  return (error) => error instanceof kind && error.message.length > 0
}

/** A file of frozen vectors. */
export function vectors<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as Content
}

export function hexes(...texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => fromHex(text))
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
