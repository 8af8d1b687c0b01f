/**
 * The one table of public methods: what each takes, as JSON Schema, and what it gives. Requests are checked by it, and
 * `rpc.discover` hands it out.
 */
import type { RpcMethod, RpcParams } from '../../client/api.ts'
import { LIMITS } from '../../config/limits.ts'
import { MethodTable, type JsonSchema, type MethodRow } from './method-table.ts'

const NAME_CHARACTERS = 90
const CURSOR_CHARACTERS = 512
const MAX_HEIGHT = 2 ** 48 - 1

const address: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: NAME_CHARACTERS,
  description: 'bech32m address of this network',
}
const digest: JsonSchema = {
  type: 'string',
  pattern: '^[0-9a-f]{64}$',
  description: '32 bytes in lower-case hex',
}
const height: JsonSchema = { type: 'integer', minimum: 0, maximum: MAX_HEIGHT }
const cursor: JsonSchema = {
  type: 'string',
  maxLength: CURSOR_CHARACTERS,
  description: 'cursor of the page before; leave it out for the first',
}
const limit: JsonSchema = {
  type: 'integer',
  minimum: 1,
  maximum: LIMITS.rpcPageItems,
  description: 'items at most',
}
const timeoutMs: JsonSchema = {
  type: 'integer',
  minimum: 0,
  maximum: LIMITS.rpcWaitMs,
  description: 'longest wait, in ms',
}
const transaction: JsonSchema = {
  type: 'string',
  description: 'canonical encoding of a transaction in lower-case hex',
}

const object: JsonSchema = { type: 'object' }
const list: JsonSchema = { type: 'array', items: object }
const orNull: JsonSchema = { type: ['object', 'null'] }

/** The methods in the order of `client/api.ts`. */
export const METHODS: { readonly [Method in RpcMethod]: MethodRow<RpcParams<Method>> } = {
  'rpc.discover': {
    about: 'This document.',
    params: {},
    required: [],
    result: { name: 'OpenRPC', schema: object },
  },
  chain_status: {
    about: 'How chain and node are now.',
    params: {},
    required: [],
    result: { name: 'ChainStatus', schema: object },
  },
  chain_info: {
    about: 'What never changes: the chain and its parameters.',
    params: {},
    required: [],
    result: { name: 'ChainInfo', schema: object },
  },
  chain_block: {
    about: 'One final block.',
    params: { height },
    required: ['height'],
    result: { name: 'BlockInfo', schema: object },
  },
  chain_validators: {
    about: 'The validators with their stake, and how often their flags were right.',
    params: {},
    required: [],
    result: { name: 'ValidatorInfo[]', schema: list },
  },
  chain_votes: {
    about:
      'Who voted for the newest final blocks, as this node heard it, and how long each took to become final.',
    params: { fromHeight: height },
    required: [],
    result: { name: 'BlockVotes[]', schema: list },
  },
  evidence_list: {
    about: 'Validators with a proven contradiction: what, where, and the transaction that proves it.',
    params: {},
    required: [],
    result: { name: 'OffenceInfo[]', schema: list },
  },
  chain_progress: {
    about:
      'What the next block waits for: votes of the current view, who is missing, which certificate is lacking.',
    params: {},
    required: [],
    result: { name: 'ChainProgress', schema: object },
  },
  account_get: {
    about: 'Balance and sequence of an account.',
    params: { address },
    required: ['address'],
    result: { name: 'AccountInfo', schema: object },
  },
  account_history: {
    about: 'Payments of an account, newest first.',
    params: { address, cursor, limit },
    required: ['address'],
    result: { name: 'Page<HistoryItem>', schema: object },
  },
  payments_follow: {
    about:
      'What happens to payments, of one account or of all, oldest first: settled, held, failed, and holds that end. A call answers with a page of at most `limit` events and a cursor to go on from, at this node or another of the chain; if there is nothing yet, it waits up to `timeoutMs`. Nothing is kept for a reader between two calls, so a slow one misses nothing. A node that has as many readers as it takes answers `busy`: ask again later, from the same cursor.',
    params: {
      address,
      cursor: { ...cursor, description: 'cursor to go on from; leave it out to begin with the next block' },
      limit,
      timeoutMs,
    },
    required: [],
    result: { name: 'PaymentEvents', schema: object },
  },
  tx_submit: {
    about:
      'Takes a signed transaction. Once answered it is durable; the same bytes again are the same payment.',
    params: { tx: transaction },
    required: ['tx'],
    result: { name: 'SubmitResult', schema: object },
  },
  tx_get: {
    about: 'How a transaction stands.',
    params: { txId: digest },
    required: ['txId'],
    result: { name: 'TxInfo', schema: object },
  },
  tx_wait: {
    about: 'Answers when the transaction is final or expired, or when the time is up.',
    params: { txId: digest, timeoutMs },
    required: ['txId', 'timeoutMs'],
    result: { name: 'TxInfo', schema: object },
  },
  tx_dryRun: {
    about: 'What a transaction would cost and whether this node would hold it. Changes nothing.',
    params: { tx: transaction },
    required: ['tx'],
    result: { name: 'DryRun', schema: object },
  },
  tx_receipt: {
    about: 'The portable receipt, which proves itself; null if it does not exist yet.',
    params: { txId: digest, timeoutMs },
    required: ['txId'],
    result: { name: 'PortableReceipt', schema: orNull },
  },
  tx_trace: {
    about:
      'When the stages of an executed payment were, as this node saw them; null if it is not executed, or too long ago.',
    params: { txId: digest },
    required: ['txId'],
    result: { name: 'PaymentTrace', schema: orNull },
  },
  quarantine_list: {
    about: 'Held payments.',
    params: { cursor, limit, status: { type: 'string', enum: ['open', 'ended'] } },
    required: [],
    result: { name: 'Page<HoldInfo>', schema: object },
  },
  quarantine_get: {
    about: 'One held payment.',
    params: { id: digest },
    required: ['id'],
    result: { name: 'HoldInfo', schema: object },
  },
  blocks_subscribe: {
    about:
      'WebSocket only. A `blocks_event` notification for every executed block from `fromHeight` (default: the next) on.',
    params: { fromHeight: height },
    required: [],
    result: { name: 'Subscription', schema: object },
  },
  blocks_unsubscribe: {
    about: 'WebSocket only. Ends a subscription; false if there was none.',
    params: { subscription: { type: 'string', maxLength: NAME_CHARACTERS } },
    required: ['subscription'],
    result: { name: 'boolean', schema: { type: 'boolean' } },
  },
}

export const PUBLIC_TABLE: MethodTable<RpcMethod> = new MethodTable(METHODS, 'rpc.discover lists them')
