/**
 * Addresses: bech32m (BIP-350) over the 32-byte account id, with one prefix per network (`config/networks.ts`), so that
 * an address of one network cannot be paid on another. The prefix is an argument: this folder knows no networks.
 */
import { bech32m } from '@scure/base'
import { CordonError } from '../config/errors.ts'

/** Length of an account id, in bytes. */
export const ACCOUNT_ID_BYTES: number = 32

/** Longest text that is looked at: the longest prefix, separator, 52 data characters and checksum, with room to spare. */
const MAX_TEXT = 90

export interface ParsedAddress {
  readonly prefix: string
  /** Account id, 32 bytes. */
  readonly id: Uint8Array
}

/** The address of account `id` on the network with this prefix. */
export function encodeAddress(prefix: string, id: Uint8Array): string {
  if (id.length !== ACCOUNT_ID_BYTES) {
    throw new RangeError(`expected an account id of ${ACCOUNT_ID_BYTES} bytes, got ${id.length}`)
  }
  return bech32m.encode(prefix, bech32m.toWords(id))
}

/**
 * The account id in an address of the network with this prefix.
 * @throws CordonError `address-invalid` if it is no address, mistyped, or of another network.
 */
export function decodeAddress(prefix: string, text: string): Uint8Array {
  const parsed = parseAddress(text)
  if (parsed.prefix !== prefix) {
    throw invalid(
      text,
      `belongs to another network: it starts with ${parsed.prefix}1, addresses of this network with ${prefix}1`,
    )
  }
  return parsed.id
}

/**
 * Prefix and account id of an address of any network.
 * @throws CordonError `address-invalid`.
 */
export function parseAddress(text: string): ParsedAddress {
  if (text.length > MAX_TEXT)
    throw invalid(text, `is too long: expected at most ${MAX_TEXT} characters, got ${text.length}`)
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) {
    throw invalid(text, 'mixes upper and lower case; write it all in lower case')
  }
  if (!/^[a-z]+1[02-9ac-hj-np-z]+$/.test(lower)) {
    throw invalid(text, 'is no address: expected a prefix such as cdn, the digit 1, then letters and digits')
  }
  const decoded = bech32m.decodeUnsafe(lower, MAX_TEXT)
  if (decoded === undefined)
    throw invalid(text, 'has a wrong checksum: a character is mistyped, missing or added')
  const id = bech32m.fromWordsUnsafe(decoded.words)
  if (id?.length !== ACCOUNT_ID_BYTES)
    throw invalid(text, `does not hold the ${ACCOUNT_ID_BYTES} bytes of an account id`)
  return { prefix: decoded.prefix, id }
}

function invalid(text: string, problem: string): CordonError {
  const shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  return new CordonError('address-invalid', `address ${JSON.stringify(shown)} ${problem}`, { address: shown })
}
