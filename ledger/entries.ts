/**
 * Entries of the authenticated state and their keys. Each value starts with its kind and a version, so that an audit
 * can tell entries apart without their keys, which are hashes.
 *
 *   key = H("state-key", kind u8, id)      id: account id | hold id | validator index u16 | "" | bucket number u48
 */
import { isUtf8 } from 'node:buffer'
import type { Parameters } from '../config/parameters.ts'
import { PARAMETER_NAMES } from '../config/parameters.ts'
import { LIMITS } from '../config/limits.ts'
import { utf8 } from '../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { hash, hashToKeep } from '../crypto/hash.ts'
import type { Guardian } from './guardian.ts'
import {
  OFFENCE_KINDS,
  type Account,
  type Bytes32,
  type Flagger,
  type Hold,
  type HoldEnd,
  type Offence,
} from './types.ts'

/** Kinds of entries. Numbers are never reused. */
export const KIND = {
  account: 1,
  hold: 2,
  validator: 3,
  parameters: 4,
  fees: 5,
  liveIds: 6,
  executedBatches: 7,
} as const

const ENTRY_VERSION = 1

/** An account as stored: what everybody sees, and how many labels its holds have given. */
export interface AccountEntry extends Account {
  /** Reviewed holds of this payer that counted for the flaggers' record. */
  readonly labels: number
}

/** A validator as stored. */
export interface ValidatorEntry {
  readonly index: number
  readonly name: string
  readonly publicKey: Bytes32
  readonly operator: Bytes32
  /** Locked value and voting weight, uCRD. */
  readonly stake: bigint
  /** Own flags on holds that a review returned: fraud, rightly flagged. */
  readonly flagsConfirmed: bigint
  /** Own flags on holds that a review released: wrongly flagged. */
  readonly flagsRefuted: bigint
  /** Null: none is proven. */
  readonly offence: Offence | null
}

/** One 10-second bucket of a window (`windows.ts`). */
export interface BucketEntry {
  readonly chain: Bytes32
  readonly count: number
}

export function accountKey(id: Bytes32): Bytes32 {
  return hashToKeep('state-key', Uint8Array.of(KIND.account), id)
}

export function holdKey(id: Bytes32): Bytes32 {
  return hash('state-key', Uint8Array.of(KIND.hold), id)
}

export function validatorKey(index: number): Bytes32 {
  return new Writer(3)
    .u8(KIND.validator)
    .u16(index)
    .use((written) => hash('state-key', written))
}

export function parametersKey(): Bytes32 {
  return hash('state-key', Uint8Array.of(KIND.parameters))
}

export function feesKey(): Bytes32 {
  return hash('state-key', Uint8Array.of(KIND.fees))
}

export function bucketKey(kind: 'liveIds' | 'executedBatches', bucket: number): Bytes32 {
  return new Writer(9)
    .u8(KIND[kind])
    .u48(bucket)
    .use((written) => hash('state-key', written))
}

/** Id of the hold that an action of a transaction makes. */
export function holdId(txId: Bytes32, action: number): Bytes32 {
  return hash('hold', txId, Uint8Array.of(action))
}

function begin(kind: number, capacityBytes?: number): Writer {
  return new Writer(capacityBytes).u8(kind).u8(ENTRY_VERSION)
}

function open(bytes: Uint8Array, kind: number): Reader {
  const reader = new Reader(bytes)
  const found = reader.u8()
  const version = reader.u8()
  if (found !== kind || version !== ENTRY_VERSION) {
    throw new DecodeError(
      `expected a state entry of kind ${kind} version ${ENTRY_VERSION}, got kind ${found} version ${version}`,
    )
  }
  return reader
}

/** Runs `read` over an entry and makes sure that nothing is left over. */
function decode<T>(bytes: Uint8Array, kind: number, read: (reader: Reader) => T): T {
  const reader = open(bytes, kind)
  const value = read(reader)
  reader.end()
  return value
}

/** An account that has no guardian has no bytes for it. */
export function encodeAccount(account: AccountEntry): Uint8Array {
  const writer = begin(KIND.account, 28)
    .u64(account.balance)
    .u64(account.sequence)
    .u48(account.createdMs)
    .u16(account.labels)
  const { guardian } = account
  if (guardian !== null) {
    const { before, after, fromMs } = guardian
    writer.u8((before === null ? 0 : BEFORE) + (after === null ? 0 : AFTER)).u48(fromMs)
    for (const id of [before, after]) if (id !== null) writer.fixed(id, 32)
  }
  return writer.finish()
}

/** Which of two guardians an account has. */
const [BEFORE, AFTER] = [1, 2]

function readGuardian(reader: Reader): Guardian {
  const which = reader.u8()
  if (which < BEFORE || which > BEFORE + AFTER)
    throw new DecodeError(`expected ${BEFORE} to ${BEFORE + AFTER}, got ${which}`)
  const fromMs = reader.u48()
  return {
    fromMs,
    before: (which & BEFORE) === 0 ? null : reader.fixed(32),
    after: (which & AFTER) === 0 ? null : reader.fixed(32),
  }
}

/** @throws DecodeError, as all of the decoders here. */
export function decodeAccount(id: Bytes32, bytes: Uint8Array): AccountEntry {
  return decode(bytes, KIND.account, (reader) => ({
    id,
    balance: reader.u64(),
    sequence: reader.u64(),
    createdMs: reader.u48(),
    labels: reader.u16(),
    guardian: reader.offset === bytes.length ? null : readGuardian(reader),
  }))
}

/** A validator without an offence has no bytes for it. */
export function encodeValidator(validator: ValidatorEntry): Uint8Array {
  const writer = begin(KIND.validator)
    .u16(validator.index)
    .bytes(utf8(validator.name))
    .fixed(validator.publicKey, 32)
    .fixed(validator.operator, 32)
    .u64(validator.stake)
    .u64(validator.flagsConfirmed)
    .u64(validator.flagsRefuted)
  const { offence } = validator
  if (offence !== null) {
    writer.u8(OFFENCE_KINDS.indexOf(offence.kind)).u48(offence.epoch).u48(offence.position)
    writer.u48(offence.atMs).u48(offence.height).fixed(offence.txId, 32)
  }
  return writer.finish()
}

export function decodeValidator(bytes: Uint8Array): ValidatorEntry {
  return decode(bytes, KIND.validator, (reader) => ({
    index: reader.u16(),
    name: readText(reader),
    publicKey: reader.fixed(32),
    operator: reader.fixed(32),
    stake: reader.u64(),
    flagsConfirmed: reader.u64(),
    flagsRefuted: reader.u64(),
    offence: reader.offset === bytes.length ? null : readOffence(reader),
  }))
}

function readText(reader: Reader): string {
  const bytes = reader.bytes(LIMITS.genesisBytes)
  if (!isUtf8(bytes)) throw new DecodeError('expected UTF-8 text')
  return Buffer.from(bytes).toString('utf8')
}

function readOffence(reader: Reader): Offence {
  const code = reader.u8()
  const kind = OFFENCE_KINDS[code]
  if (kind === undefined) throw new DecodeError(`expected a kind of offence, got ${code}`)
  return {
    kind,
    epoch: reader.u48(),
    position: reader.u48(),
    atMs: reader.u48(),
    height: reader.u48(),
    txId: reader.fixed(32),
  }
}

/** Parameters as an entry: names and values as in the genesis hash. */
export function encodeParameters(parameters: Parameters): Uint8Array {
  const writer = begin(KIND.parameters, 2048).u32(PARAMETER_NAMES.length)
  for (const name of PARAMETER_NAMES) writer.bytes(utf8(name)).bytes(utf8(String(parameters[name])))
  return writer.finish()
}

export function encodeFees(fees: bigint): Uint8Array {
  return begin(KIND.fees, 10).u64(fees).finish()
}

export function decodeFees(bytes: Uint8Array): bigint {
  return decode(bytes, KIND.fees, (reader) => reader.u64())
}

export function encodeBucket(kind: 'liveIds' | 'executedBatches', bucket: BucketEntry): Uint8Array {
  return begin(KIND[kind], 38).fixed(bucket.chain, 32).u32(bucket.count).finish()
}

const EXPIRY_SIDES = ['release', 'return'] as const
/** In the order of their codes, from 1. Append only. */
const ENDS: readonly HoldEnd[] = [
  'recalled',
  'released',
  'returned',
  'expired-returned',
  'expired-released',
  'confirmed',
]

/** A hold that no guardian may confirm has no bytes for one. */
export function encodeHold(hold: Hold): Uint8Array {
  const writer = begin(KIND.hold, 320)
    .fixed(hold.id, 32)
    .u8(0) // kind: quarantine
    .fixed(hold.txId, 32)
    .u8(hold.action)
    .fixed(hold.payer, 32)
    .fixed(hold.payee, 32)
    .u64(hold.amount)
    .u48(hold.createdMs)
    .u48(hold.expiresMs)
    .u8(EXPIRY_SIDES.indexOf(hold.onExpiry))
    .u16(hold.flaggers.length)
  for (const { signer, weight, score, reasons } of hold.flaggers)
    writer.u16(signer).u64(weight).u8(score).u16(reasons)
  writer.u16(hold.reviews.length)
  for (const { validator, side } of hold.reviews) writer.u16(validator).u8(EXPIRY_SIDES.indexOf(side))
  writer.u8(hold.end === null ? 0 : ENDS.indexOf(hold.end.how) + 1)
  if (hold.end !== null) writer.u48(hold.end.atMs).u48(hold.end.height)
  if (hold.guardian !== null) writer.fixed(hold.guardian, 32)
  return writer.finish()
}

export function decodeHold(bytes: Uint8Array): Hold {
  return decode(bytes, KIND.hold, (reader) => {
    const id = reader.fixed(32)
    const kind = reader.u8()
    if (kind !== 0) throw new DecodeError(`expected hold kind 0, got ${kind}`)
    return {
      id,
      kind: 'quarantine',
      txId: reader.fixed(32),
      action: reader.u8(),
      payer: reader.fixed(32),
      payee: reader.fixed(32),
      amount: reader.u64(),
      createdMs: reader.u48(),
      expiresMs: reader.u48(),
      onExpiry: side(reader),
      flaggers: list(reader, flagger),
      reviews: list(reader, () => ({ validator: reader.u16(), side: side(reader) })),
      end: end(reader),
      guardian: reader.offset === bytes.length ? null : reader.fixed(32),
    }
  })
}

function list<T>(reader: Reader, item: (reader: Reader) => T): T[] {
  return Array.from({ length: reader.u16() }, () => item(reader))
}

function flagger(reader: Reader): Flagger {
  return { signer: reader.u16(), weight: reader.u64(), score: reader.u8(), reasons: reader.u16() }
}

function side(reader: Reader): 'release' | 'return' {
  const code = reader.u8()
  const found = EXPIRY_SIDES[code]
  if (found === undefined) throw new DecodeError(`expected 0 or 1, got ${code}`)
  return found
}

function end(reader: Reader): Hold['end'] {
  const code = reader.u8()
  if (code === 0) return null
  const how = ENDS[code - 1]
  if (how === undefined) throw new DecodeError(`expected how a hold ended, got ${code}`)
  return { how, atMs: reader.u48(), height: reader.u48() }
}

/** What an entry adds to the totals; for audits. */
export function valueOfEntry(bytes: Uint8Array): {
  balances: bigint
  holds: bigint
  stake: bigint
  fees: bigint
} {
  const none = { balances: 0n, holds: 0n, stake: 0n, fees: 0n }
  switch (bytes[0]) {
    case KIND.account:
      return { ...none, balances: decodeAccount(new Uint8Array(32), bytes).balance }
    case KIND.hold: {
      const hold = decodeHold(bytes)
      return { ...none, holds: hold.end === null ? hold.amount : 0n }
    }
    case KIND.validator:
      return { ...none, stake: decodeValidator(bytes).stake }
    case KIND.fees:
      return { ...none, fees: decodeFees(bytes) }
    default:
      return none
  }
}
