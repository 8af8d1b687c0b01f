/**
 * Which model votes, in one place: what operators ask for, and what is learned. The shelf keeps the models, the scorer is
 * told which one judges, and learning which one to start from.
 */
import type { Logger } from 'pino'
import type { ModelInfo, ShadowReport } from '../../client/operator-api.ts'
import { fromHex } from '../../crypto/bytes.ts'
import { LABEL_FREE, PRETRAINED } from '../../fraud/head/choose.ts'
import { decodeHead } from '../../fraud/head/file.ts'
import { pretrainedHead } from '../../fraud/head/pretrained.ts'
import type { TransferOutcome } from '../../fraud/types.ts'
import type { Base, LearnedHead, OnlineLearning } from '../learning/online-learning.ts'
import type { OutcomeLabel } from '../learning/labels.ts'
import type { Scorer } from '../scoring/scorer.ts'
import { modelIdText, type ModelShelf } from './shelf.ts'
import type { ModelRecord } from './shelf-index.ts'

export interface ModelsOptions {
  readonly shelf: ModelShelf
  readonly scorer: Pick<Scorer, 'useHead' | 'useShadow' | 'comparison'>
  /** Null: this node does not learn. */
  readonly learning: Pick<OnlineLearning, 'startFrom'> | null
  readonly log: Pick<Logger, 'info'>
}

/** The model that learning starts from while the voting one votes. */
export function baseOf(shelf: ModelShelf): Base {
  const { base } = shelf.voting
  return { id: fromHex(base), head: shelf.headOf(shelf.find(base)) }
}

export class Models {
  readonly #options: ModelsOptions

  constructor(options: ModelsOptions) {
    this.#options = options
    const { shelf, scorer } = options
    if (shelf.shadow !== null) scorer.useShadow({ head: shelf.headOf(shelf.shadow) })
  }

  /** Newest first. */
  list(): ModelInfo[] {
    return this.#options.shelf.models.map((model) => this.#info(model))
  }

  /** @throws CordonError `not-found`. */
  get(name: string): ModelInfo {
    return this.#info(this.#find(name))
  }

  /** Takes a model file in. @throws CordonError `model-invalid`. */
  add(text: string): ModelInfo {
    const { head, card } = decodeHead(text)
    const about = `trained ${card.trainedOn} on ${card.data.join(', ') || 'nothing that its card names'}`
    const base = modelIdText(head)
    const { name, data } = card
    return this.#info(this.#options.shelf.add(head, { name, origin: 'added', base, about, data }))
  }

  /** It votes from now on, and learning starts from it. @throws CordonError `not-found`, `model-invalid`. */
  use(name: string): ModelInfo {
    const model = this.#find(name)
    const head = this.#options.shelf.headOf(model)
    this.#options.shelf.use(model)
    return this.#vote(model, head)
  }

  /** The one that voted before votes again. @throws CordonError `not-found`, `model-invalid`. */
  rollBack(): ModelInfo {
    const { shelf } = this.#options
    const model = shelf.rollBack()
    return this.#vote(model, shelf.headOf(model))
  }

  /** A model scores in the shadow of the one that votes; null: none does. */
  setShadow(name: string | null): ModelInfo | null {
    const { shelf, scorer } = this.#options
    const model = name === null ? null : this.#find(name)
    scorer.useShadow(model === null ? null : { head: shelf.headOf(model) })
    shelf.setShadow(model)
    return model === null ? null : this.#info(model)
  }

  /** Null: no model is in the shadow. */
  shadowReport(): ShadowReport | null {
    const { shelf, scorer } = this.#options
    const { shadow, voting } = shelf
    if (shadow === null || scorer.comparison === null) return null
    return { voting: this.#info(voting), shadow: this.#info(shadow), ...scorer.comparison.report }
  }

  /** What was learned won its trial, or what it started from did. */
  learned({ head, outcomes, fraud }: LearnedHead): void {
    const { shelf, scorer, log } = this.#options
    const about = `learned from ${outcomes} outcomes, ${fraud} of them fraud`
    const { base } = shelf.voting
    const model = shelf.add(head, { name: 'learned', origin: 'learned', base, about, data: [about] })
    shelf.use(model)
    scorer.useHead(head)
    log.info(
      { model: model.id, outcomes, fraud },
      'a fraud model that learned from outcomes votes from now on',
    )
  }

  /** What was executed, and outcomes of holds, for the comparison. */
  executed(outcomes: readonly TransferOutcome[], labels: readonly OutcomeLabel[]): void {
    const { comparison } = this.#options.scorer
    if (comparison === null) return
    for (const { facts, held } of outcomes) comparison.executed(facts.key, held)
    for (const { key, label } of labels) comparison.outcome(key, label === 'fraud')
  }

  #vote(model: ModelRecord, head: ReturnType<ModelShelf['headOf']>): ModelInfo {
    const { shelf, scorer, learning, log } = this.#options
    scorer.useHead(head)
    learning?.startFrom(baseOf(shelf))
    log.info({ model: model.id, name: model.name }, 'an operator chose the fraud model that votes')
    return this.#info(model)
  }

  #find(name: string): ModelRecord {
    const { shelf } = this.#options
    if (name === PRETRAINED) return this.#ofBuild(PRETRAINED, pretrainedHead())
    if (name === LABEL_FREE) return this.#ofBuild(LABEL_FREE, null)
    return shelf.find(name)
  }

  #ofBuild(name: string, head: ReturnType<ModelShelf['headOf']>): ModelRecord {
    const base = modelIdText(head)
    return this.#options.shelf.add(head, { name, origin: 'configured', base, about: name, data: [] })
  }

  #info({ id, name, origin, addedMs, about }: ModelRecord): ModelInfo {
    const { voting, previous, shadow } = this.#options.shelf
    const role =
      id === voting.id ? 'votes' : id === shadow?.id ? 'shadow' : id === previous?.id ? 'previous' : null
    return { id, name, origin, addedMs, about, role }
  }
}
