/** The registry of actions: which tags exist, and which are reserved for later. Retired tags keep their number. */
import { CordonError } from '../../config/errors.ts'
import { DecodeError, type Reader, type Writer } from '../../crypto/codec.ts'
import { accountGuardian, type AccountGuardian } from './account-guardian.ts'
import type { ActionDefinition } from './definition.ts'
import { evidence, type EvidenceAction } from './evidence.ts'
import { holdConfirm, type HoldConfirm } from './hold-confirm.ts'
import { holdRecall, type HoldRecall } from './hold-recall.ts'
import { holdReview, type HoldReview } from './hold-review.ts'
import { transfer, type Transfer } from './transfer.ts'

export type { AccountGuardian, EvidenceAction, HoldConfirm, HoldRecall, HoldReview, Transfer }
export type { ReviewSide } from './hold-review.ts'
export type { ActionContext, ActionDefinition } from './definition.ts'

export type Action = Transfer | HoldRecall | HoldReview | HoldConfirm | AccountGuardian | EvidenceAction
export type ActionType = Action['type']

type Registry = { readonly [Type in ActionType]: ActionDefinition<Extract<Action, { readonly type: Type }>> }

const ACTIONS: Registry = {
  transfer,
  'hold.recall': holdRecall,
  'hold.review': holdReview,
  'hold.confirm': holdConfirm,
  'account.guardian': accountGuardian,
  evidence,
}

/** Tags with a name and no meaning yet. */
export const RESERVED_TAGS: Readonly<Record<number, string>> = {
  16: 'validator.create',
  17: 'validator.edit',
  18: 'validator.unjail',
  24: 'stake.delegate',
  25: 'stake.undelegate',
  26: 'stake.claim',
}

const BY_TAG: ReadonlyMap<number, ActionDefinition<Action>> = new Map(
  (Object.keys(ACTIONS) as ActionType[]).map((type) => {
    const definition = ACTIONS[type] as unknown as ActionDefinition<Action>
    return [definition.tag, definition]
  }),
)

/** Every tag in use, ascending. */
export const ACTION_TAGS: readonly number[] = [...BY_TAG.keys()].sort((a, b) => a - b)

/** The definition that fits an action. */
export function definitionOf(action: Action): ActionDefinition<Action> {
  // The key of the registry is the discriminant of the body, which TypeScript cannot follow through a union.
  return ACTIONS[action.type]
}

/** Appends tag and body. */
export function encodeAction(writer: Writer, action: Action): void {
  const definition = definitionOf(action)
  writer.u8(definition.tag)
  definition.encode(writer, action)
}

/**
 * Takes tag and body.
 * @throws DecodeError on an unknown tag or a body that is not canonical; CordonError `tx-action-invalid` on a reserved tag.
 */
export function decodeAction(reader: Reader): Action {
  const tag = reader.u8()
  const definition = BY_TAG.get(tag)
  if (definition !== undefined) return definition.decode(reader)
  const reserved = RESERVED_TAGS[tag]
  if (reserved !== undefined) {
    throw new CordonError(
      'tx-action-invalid',
      `action ${reserved} (tag ${tag}) is reserved and cannot be used on this network yet`,
      { tag, reserved },
    )
  }
  throw new DecodeError(`expected an action tag (${ACTION_TAGS.join(', ')}), got ${tag}`)
}
