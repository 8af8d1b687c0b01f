/**
 * Errors are data: a code from this table, a message that says what was expected, what came and what to do, and a
 * payload. `docs/errors.md` lists exactly these codes; a test holds the two together. A retired code keeps its row.
 */

/** Exit codes of client commands (0–8) and of the daemon (78–82). */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  cannotConnect: 3,
  outcomeUnknown: 4,
  rejected: 5,
  held: 6,
  partlyDone: 7,
  needsInput: 8,
  configuration: 78,
  doubleSign: 80,
  upgradeHalt: 81,
  dataInconsistent: 82,
} as const

interface ErrorRow {
  /** Exit code of a command that ends with this error. */
  readonly exit: number
  /** What it means, for docs/errors.md. */
  readonly meaning: string
}

/** The table. Area prefixes keep it sorted: each area appends to its own part. */
export const ERRORS = {
  unexpected: { exit: 1, meaning: 'A fault of Cordon itself. Please report it.' },
  usage: { exit: 2, meaning: 'The command line is wrong; the message says which part.' },

  // config
  'parameter-invalid': { exit: 2, meaning: 'A genesis parameter is unknown or out of range.' },
  'config-invalid': { exit: 78, meaning: 'The node configuration is missing, unreadable or wrong.' },
  'genesis-invalid': { exit: 78, meaning: 'The genesis file is missing, unreadable or wrong.' },
  'format-version': { exit: 78, meaning: 'A stored file or message has a version this build does not know.' },

  // crypto and keys
  'address-invalid': { exit: 2, meaning: 'Not an address, or one of another network.' },
  'amount-invalid': { exit: 2, meaning: 'An amount without unit, with too many decimals, or out of range.' },
  'keystore-invalid': { exit: 78, meaning: 'A key file is missing, unreadable or wrong.' },
  'key-exists': {
    exit: 2,
    meaning: 'The keystore has a key of this name already; keys are never overwritten.',
  },
  'key-unknown': { exit: 2, meaning: 'The keystore has no key of this name.' },
  'password-wrong': { exit: 8, meaning: 'The password does not open the key file.' },
  'needs-input': {
    exit: 8,
    meaning: 'A password or answer is needed and there is no terminal to ask on, or the answer was no.',
  },
  'mnemonic-invalid': { exit: 2, meaning: 'Not 24 words of the BIP-39 list with a right checksum.' },

  // node start
  'port-in-use': { exit: 78, meaning: 'Another process listens on a port this node was told to use.' },
  'directory-locked': { exit: 78, meaning: 'Another process uses the same node directory.' },
  'other-chain': { exit: 78, meaning: 'The data directory or a peer belongs to another chain.' },
  'data-inconsistent': {
    exit: 82,
    meaning: 'Stored data contradicts itself; the message has the repair command.',
  },
  'double-sign': {
    exit: 80,
    meaning: 'Signing would contradict an earlier vote of this key; the node refuses.',
  },
  'signer-lost': {
    exit: 80,
    meaning: 'This key has signed before and what it signed is not known here; the message has the ways out.',
  },
  'protection-invalid': {
    exit: 78,
    meaning: 'A signer protection file is missing, unreadable or wrong.',
  },

  // transactions
  'tx-malformed': { exit: 5, meaning: 'The bytes are not the canonical encoding of a transaction.' },
  'tx-too-large': { exit: 5, meaning: 'The transaction is longer than the limit.' },
  'tx-version': { exit: 5, meaning: 'The transaction has a version this build does not know.' },
  'tx-wrong-chain': { exit: 5, meaning: 'The transaction was signed for another chain.' },
  'tx-signature': { exit: 5, meaning: 'A signature is missing or wrong.' },
  'tx-expired': { exit: 5, meaning: 'The transaction is past its validity.' },
  'tx-validity-too-far': { exit: 5, meaning: 'The validity of an unordered transaction lies too far ahead.' },
  'tx-sequence': { exit: 5, meaning: 'The sequence number is not the next one of the sender.' },
  'tx-fee-too-low': { exit: 5, meaning: 'The fee is below the minimum.' },
  'tx-unknown-account': { exit: 5, meaning: 'The sender has no account on this chain.' },
  'tx-insufficient-funds': {
    exit: 5,
    meaning: 'The balance, less what is already pending, does not cover amount and fee.',
  },
  'tx-action-invalid': { exit: 5, meaning: 'An action can never succeed, whatever the state.' },
  'tx-unknown': { exit: 5, meaning: 'The node knows no such transaction.' },
  'tx-failed': { exit: 5, meaning: 'The transaction is final and failed: nothing moved but its fee.' },
  'hold-unknown': { exit: 5, meaning: 'There is no such hold.' },
  busy: { exit: 1, meaning: 'The node has more work than it can take; try again after retryAfterMs.' },

  // client
  'cannot-connect': { exit: 3, meaning: 'No node answers at the address.' },
  'connection-lost': { exit: 3, meaning: 'The connection to the node broke while a call was on its way.' },
  'outcome-unknown': {
    exit: 4,
    meaning: 'The time was up before the outcome was known. The payment may still settle.',
  },
  'rpc-invalid': {
    exit: 2,
    meaning: 'The request is no JSON-RPC 2.0, or its parameters do not fit the method.',
  },
  'rpc-method': { exit: 2, meaning: 'The method does not exist.' },
  'rpc-too-large': { exit: 2, meaning: 'The request is longer than the limit.' },
  'rpc-media-type': { exit: 2, meaning: 'The HTTP request has another content type than application/json.' },
  'rpc-origin': {
    exit: 2,
    meaning: 'A foreign web page may have caused the request, so the node refuses it.',
  },
  unauthorized: { exit: 5, meaning: 'An operator method needs a token, and there is none that is valid.' },
  forbidden: { exit: 5, meaning: 'The scope of the token does not cover the operator method.' },
  'review-refused': {
    exit: 5,
    meaning: 'The case or list is in a state, or at a limit, that does not allow it; the message says which.',
  },
  'review-invalid': {
    exit: 82,
    meaning:
      'A review log was changed, is damaged, or is of another key; the message has the line and the way out.',
  },
  'not-found': { exit: 5, meaning: 'What was asked for does not exist, or not any more.' },
  'payment-uri-invalid': {
    exit: 2,
    meaning: 'A payment request is no URI that this build can pay; the message has the part.',
  },
  'cursor-invalid': {
    exit: 2,
    meaning: 'A cursor to go on from is none, or belongs to another chain or account.',
  },
  'payout-invalid': {
    exit: 2,
    meaning: 'A payout file cannot be used; the message has each line that is wrong. Nothing was sent.',
  },
  'payout-changed': {
    exit: 2,
    meaning:
      'A payout file has other rows than those that an earlier run began to pay. Nothing was sent now.',
  },
  'receipt-invalid': { exit: 5, meaning: 'The receipt does not prove what it says.' },
  'model-invalid': { exit: 5, meaning: 'The file is no fraud model that this build can use.' },
  'labelled-file-invalid': {
    exit: 5,
    meaning:
      'A file of labelled payments cannot be used; the message has the line and what is wrong with it.',
  },
  'policy-invalid': {
    exit: 78,
    meaning:
      'The policy for payment requests, or what is kept of requests and of what was spent, is missing, unreadable or wrong.',
  },
  'policy-refused': {
    exit: 5,
    meaning:
      'A payment request is outside of the policy, has ended, or was changed; the message says which. Nothing was signed.',
  },

  unwell: { exit: 1, meaning: 'Something of a node is out of order; the message and the checks say what.' },

  // devnet
  'devnet-missing': { exit: 3, meaning: 'There is no devnet in the directory, or it does not run.' },
  'devnet-running': { exit: 2, meaning: 'The devnet of the directory runs already.' },
  'devnet-differs': {
    exit: 2,
    meaning: 'An option contradicts how the devnet of the directory was made.',
  },
  'devnet-failed': { exit: 1, meaning: 'A node of the devnet ended, or was not ready in time.' },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** An expected failure. Its message is for people, its code and payload for programs. */
export class CordonError extends Error {
  override readonly name: string = 'CordonError'
  readonly code: ErrorCode
  /** Facts behind the message; JSON values only. */
  readonly payload: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    payload: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.payload = payload
  }
}

/** The exit code for any thrown value. */
export function exitCodeOf(error: unknown): number {
  return error instanceof CordonError ? ERRORS[error.code].exit : EXIT.unexpected
}
