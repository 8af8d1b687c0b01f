/**
 * A payment request: what somebody without a key asks a person to pay. It is a file whose name is the hash of its text,
 * so that who approves a name approves exactly the text that was shown under it.
 */
import { createHash } from 'node:crypto'
import { Fields, type Refuse } from '../../config/fields.ts'
import { LIMITS } from '../../config/limits.ts'
import { parseAddress } from '../../crypto/address.ts'

const FORMAT = 'cordon-payment-request/1'
const ID_CHARACTERS = 32

export interface PaymentRequest {
  /** Address. */
  readonly payer: string
  /** Address. */
  readonly payee: string
  readonly amountUnits: bigint
  /** In the words of who asks. */
  readonly why: string
  readonly createdMs: number
  readonly expiresMs: number
  /** Digest of the policy it was made under. */
  readonly policyDigest: string
  /** Tells it from another one like it: 16 bytes, hex. */
  readonly salt: string
}

export function encodeRequest(request: PaymentRequest): string {
  const { payer, payee, amountUnits, why, createdMs, expiresMs, policyDigest, salt } = request
  const content = { format: FORMAT, payer, payee, amount: String(amountUnits), why }
  return `${JSON.stringify({ ...content, createdMs, expiresMs, policyDigest, salt }, null, 2)}\n`
}

/** The name of a request with this text: 32 hex digits. */
export function requestIdOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, ID_CHARACTERS)
}

export function isRequestId(text: string): boolean {
  return new RegExp(`^[0-9a-f]{${ID_CHARACTERS}}$`).test(text)
}

/** @throws RangeError with what is wrong. */
export function decodeRequest(text: string): PaymentRequest {
  const fields = new Fields(JSON.parse(text), '', refuse)
  fields.constant('format', FORMAT)
  const time = (name: string): number => fields.integer(name, 0, 2 ** 48 - 1)
  const request = {
    payer: fields.text('payer', 'an address', addressOrNull),
    payee: fields.text('payee', 'an address', addressOrNull),
    amountUnits: BigInt(fields.matching('amount', 'an amount in uCRD', /^[1-9]\d{0,18}$/)),
    why: fields.text('why', `at most ${LIMITS.paymentRequestWhyCharacters} characters`, (why) =>
      Array.from(why).length <= LIMITS.paymentRequestWhyCharacters ? why : null,
    ),
    createdMs: time('createdMs'),
    expiresMs: time('expiresMs'),
    policyDigest: fields.matching('policyDigest', '64 hex digits', /^[0-9a-f]{64}$/),
    salt: fields.matching('salt', '32 hex digits', /^[0-9a-f]{32}$/),
  }
  fields.end()
  return request
}

const refuse: Refuse = (path, expected) => new RangeError(`expected ${path} as ${expected}`)

function addressOrNull(text: string): string | null {
  try {
    parseAddress(text)
    return text
  } catch {
    return null
  }
}
