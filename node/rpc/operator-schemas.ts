/** The one table of operator methods: the scope that a token needs, what each takes, and what it gives. */
import type { OperatorMethod, OperatorParams } from '../../client/operator-api.ts'
import { LIMITS } from '../../config/limits.ts'
import type { Scope } from '../../config/scopes.ts'
import { HEAD_LIMITS } from '../../fraud/head/limits.ts'
import { ENTRY_KINDS, OUTCOMES, SNOOZABLE, VOTE_SIDES } from '../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../fraud/review/limits.ts'
import { MethodTable, type JsonSchema, type MethodRow } from './method-table.ts'
import { METHODS } from './schemas.ts'

interface OperatorRow<Params> extends MethodRow<Params> {
  readonly scope: Scope
}

const ADDRESS_CHARACTERS = 90
const ENTRY_MIN_MS = 1_000

const object: JsonSchema = { type: 'object' }
const modelName: JsonSchema = { type: 'string', minLength: 1, maxLength: 128 }
const none = { params: {}, required: [] } as const
const id: JsonSchema = {
  type: 'string',
  pattern: '^[0-9a-f]{64}$',
  description: 'id of the hold, or of the case: 32 bytes in lower-case hex',
}
const caseResult = { name: 'CaseInfo', schema: object }
const text = (description: string): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength: REVIEW_LIMITS.textCharacters,
  description,
})
const account = (description: string): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength: ADDRESS_CHARACTERS,
  description,
})
const limit: JsonSchema = {
  type: 'integer',
  minimum: 1,
  maximum: LIMITS.rpcPageItems,
  description: 'items at most',
}
const eventNumber: JsonSchema = { type: 'integer', minimum: 0, maximum: REVIEW_LIMITS.events }

/** The methods in the order of `client/operator-api.ts`. */
export const OPERATOR_METHODS: {
  readonly [Method in OperatorMethod]: OperatorRow<OperatorParams<Method>>
} = {
  operator_whoami: {
    about: 'Whose token it is, what it allows, and of which node.',
    scope: 'read',
    ...none,
    result: { name: 'OperatorIdentity', schema: object },
  },
  operator_peers: {
    about: 'The peers of this node: addresses, round-trip times, how long connected, when last heard.',
    scope: 'read',
    ...none,
    result: { name: 'PeerReport[]', schema: { type: 'array' } },
  },
  operator_node: {
    about: 'How process and machine are: memory, event loop, disk by store, what waits in queues.',
    scope: 'read',
    ...none,
    result: { name: 'NodeReport', schema: object },
  },
  model_list: {
    about: 'The fraud models that the node has, newest first.',
    scope: 'read',
    params: {},
    required: [],
    result: { name: 'ModelInfo[]', schema: { type: 'array' } },
  },
  model_get: {
    about: 'One model, by its id, the begin of its id, or its name.',
    scope: 'read',
    params: { model: modelName },
    required: ['model'],
    result: { name: 'ModelInfo', schema: object },
  },
  model_add: {
    about: 'Takes in the text of a model file of `cordon fraud train`. It does not vote by that.',
    scope: 'operate',
    params: { file: { type: 'string', maxLength: HEAD_LIMITS.fileCharacters } },
    required: ['file'],
    result: { name: 'ModelInfo', schema: object },
  },
  model_use: {
    about: 'Lets a model vote from now on; `pretrained` and `label-free` are always there.',
    scope: 'operate',
    params: { model: modelName },
    required: ['model'],
    result: { name: 'ModelInfo', schema: object },
  },
  model_rollback: {
    about: 'Lets the model that voted before the present one vote again.',
    scope: 'operate',
    params: {},
    required: [],
    result: { name: 'ModelInfo', schema: object },
  },
  model_shadow: {
    about: 'Lets a model score beside the one that votes without a vote of its own; null ends it.',
    scope: 'operate',
    params: { model: { type: ['string', 'null'], maxLength: 128 } },
    required: ['model'],
    result: { name: 'ModelInfo | null', schema: { type: ['object', 'null'] } },
  },
  model_report: {
    about: 'What the model in the shadow would have flagged, beside what was flagged; null without one.',
    scope: 'read',
    params: {},
    required: [],
    result: { name: 'ShadowReport | null', schema: { type: ['object', 'null'] } },
  },
  review_hold: {
    about:
      "A hold with the numbers behind this node's flag, and its case; for a token with scope `review` also past holds like it, and how they ended.",
    scope: 'read',
    params: { id },
    required: ['id'],
    result: { name: 'HoldReview', schema: object },
  },
  review_decide: {
    about:
      'Votes on an open hold with the operator account whose key the node holds (`review.key_file`), and waits up to 10 s for the vote to be final. A vote stands.',
    scope: 'review',
    params: { id, side: { type: 'string', enum: VOTE_SIDES } },
    required: ['id', 'side'],
    result: { name: 'HoldDecision', schema: object },
  },
  review_cases: {
    about:
      'Cases: the open ones by deadline, amount and score (default), or those that were closed, the newest first.',
    scope: 'read',
    params: { status: { type: 'string', enum: ['open', 'closed'] }, limit },
    required: [],
    result: { name: '{ cases: CaseInfo[], total }', schema: object },
  },
  review_case: {
    about: 'One case.',
    scope: 'read',
    params: { id },
    required: ['id'],
    result: caseResult,
  },
  review_note: {
    about: 'Adds a note to a case.',
    scope: 'review',
    params: { id, text: text('the note') },
    required: ['id', 'text'],
    result: caseResult,
  },
  review_close: {
    about: 'Gives a case its outcome; above `review.second_reviewer_above` somebody else has to confirm it.',
    scope: 'review',
    params: { id, outcome: { type: 'string', enum: OUTCOMES } },
    required: ['id', 'outcome'],
    result: caseResult,
  },
  review_confirm: {
    about: 'Confirms the outcome that somebody with another token gave.',
    scope: 'review',
    params: { id },
    required: ['id'],
    result: caseResult,
  },
  review_entries: {
    about: 'The entries of the lists, and what is snoozed.',
    scope: 'read',
    ...none,
    result: { name: '{ entries: EntryInfo[] }', schema: object },
  },
  review_addEntry: {
    about:
      'Adds an entry: `allow` (never flag) and `watch` (always open a case) are about `payer` and `payee` or about an `account`, `snooze` (ignore) about a `rule`.',
    scope: 'operate',
    params: {
      kind: { type: 'string', enum: ENTRY_KINDS },
      why: text('the reason, for those who come later'),
      forMs: {
        type: 'integer',
        minimum: ENTRY_MIN_MS,
        maximum: REVIEW_LIMITS.entryMs,
        description: 'how long it is in force, in ms',
      },
      payer: account('address of a pair'),
      payee: account('address of a pair'),
      account: account('address on either side'),
      rule: { type: 'string', enum: SNOOZABLE },
    },
    required: ['kind', 'why', 'forMs'],
    result: { name: 'EntryInfo', schema: object },
  },
  review_removeEntry: {
    about: 'Ends an entry before its time.',
    scope: 'operate',
    params: { entry: { ...eventNumber, description: 'number of the entry' } },
    required: ['entry'],
    result: { name: 'boolean', schema: { type: 'boolean' } },
  },
  review_export: {
    about: 'Lines of the review log as they are stored (docs/review.md).',
    scope: 'read',
    params: { since: { ...eventNumber, description: 'number of the first event' }, limit },
    required: [],
    result: { name: '{ lines: string[], next, events }', schema: object },
  },
}

export function isOperatorMethod(method: string): method is OperatorMethod {
  return Object.hasOwn(OPERATOR_METHODS, method)
}

/** Payments come in at the public port, where they are admitted in the measure that this node can take. */
const { tx_submit: _payments, ...READS } = METHODS

/** What the operator port answers: operator methods, and the public ones that read. */
export type OperatorPortMethod = OperatorMethod | keyof typeof READS

export const OPERATOR_PORT_TABLE: MethodTable<OperatorPortMethod> = new MethodTable<OperatorPortMethod>(
  { ...READS, ...OPERATOR_METHODS },
  'docs/rpc.md lists the methods; payments are submitted at the port of rpc.port',
)
