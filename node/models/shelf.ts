/**
 * The models that a node has: in `models/` of its directory a file of each, and `index.json`, which says which one votes,
 * which did before it, and which scores in its shadow. The label-free model is a number of the code and has no file.
 *
 * What the configuration names votes until an operator or learning puts another in its place. When it names another than
 * it did, or the model that comes with Cordon is a new one, that one votes again.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { LABEL_FREE } from '../../fraud/head/choose.ts'
import { decodeHead, encodeHead, type HeadCard } from '../../fraud/head/file.ts'
import { headId, type Head } from '../../fraud/head/head.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { modelIdOf } from '../../fraud/model/model-spec.ts'
import {
  emptyIndex,
  parseModelIndex,
  serialiseModelIndex,
  type ModelIndex,
  type ModelRecord,
} from './shelf-index.ts'

const INDEX = 'index.json'
/** Shortest part of an id that names a model. */
const PREFIX_DIGITS = 4

export interface ShelfOptions {
  readonly directory: string
  /** The model that the configuration names, and what it is called; null: it cannot be used. */
  readonly configured: { readonly name: string; readonly head: Head | null } | null
  readonly nowMs: () => number
  readonly log: { warn(fields: object, message: string): void }
}

/** What is known of a model before it lies on the shelf. */
type ModelCard = Omit<ModelRecord, 'id' | 'addedMs'> & Pick<HeadCard, 'data'>

const LABEL_FREE_ID = modelIdText(null)

/** Id of a model as in acks, hex. */
export function modelIdText(head: Head | null): string {
  return toHex(modelIdOf(head === null ? null : headId(head)))
}

export class ModelShelf {
  readonly #options: ShelfOptions
  #index: ModelIndex
  /** Heads read so far, by id: a start asks for the same one several times. */
  readonly #heads: Map<string, Head> = new Map()

  /** Makes the directory if it is not there. An index that cannot be used is begun anew, with a warning. */
  constructor(options: ShelfOptions) {
    this.#options = options
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    this.#index = this.#read()
    this.#put(null, {
      name: LABEL_FREE,
      origin: 'configured',
      base: LABEL_FREE_ID,
      about: LABEL_FREE,
      data: [],
    })
    if (options.configured !== null) this.#configure(options.configured)
    if (!this.#isUsable(this.#index.voting)) this.#fallBack()
    if (this.#index.shadow !== null && !this.#isUsable(this.#index.shadow)) this.#change({ shadow: null })
  }

  get voting(): ModelRecord {
    return this.#record(this.#index.voting)
  }

  get shadow(): ModelRecord | null {
    return this.#index.shadow === null ? null : this.#record(this.#index.shadow)
  }

  /** Newest first. */
  get models(): readonly ModelRecord[] {
    return this.#index.models
  }

  /** The one that voted before; null: none. */
  get previous(): ModelRecord | null {
    const [id] = this.#index.previous
    return id === undefined ? null : this.#record(id)
  }

  /**
   * A model by its id, the begin of its id, or its name (the newest of that name).
   * @throws CordonError `not-found`, with what there is.
   */
  find(name: string): ModelRecord {
    const named = this.#index.models.find((model) => model.id === name || model.name === name)
    if (named !== undefined) return named
    const begun = this.#index.models.filter(({ id }) => name.length >= PREFIX_DIGITS && id.startsWith(name))
    if (begun.length === 1) return begun[0] as ModelRecord
    throw new CordonError(
      'not-found',
      `${begun.length === 0 ? 'no model' : 'more than one model'} is called ${JSON.stringify(name)}; see: cordon fraud model list`,
      { name },
    )
  }

  /** @throws CordonError `not-found` or `model-invalid` if its file is gone or damaged. */
  headOf({ id, name }: ModelRecord): Head | null {
    if (id === LABEL_FREE_ID) return null
    const known = this.#heads.get(id)
    if (known !== undefined) return known
    let text: string
    try {
      text = readFileSync(this.#file(id), 'utf8')
    } catch (error) {
      throw new CordonError('not-found', `the file of model ${name} cannot be read`, { id }, { cause: error })
    }
    const { head } = decodeHead(text)
    if (modelIdText(head) !== id)
      throw new CordonError('model-invalid', `the file of model ${name} has another model in it`, { id })
    this.#heads.set(id, head)
    return head
  }

  /** Keeps a model; one that is there already stays as it is. */
  add(head: Head | null, card: ModelCard): ModelRecord {
    const record = this.#put(head, card)
    this.#change({})
    return record
  }

  /** It votes from now on. */
  use({ id }: ModelRecord): void {
    if (id !== this.#index.voting) this.#change(this.#voting(id))
  }

  /** @throws CordonError `not-found` if none voted before. */
  rollBack(): ModelRecord {
    const { previous } = this
    if (previous === null)
      throw new CordonError('not-found', 'no model voted before this one; see: cordon fraud model list')
    this.#change({ voting: previous.id, previous: this.#index.previous.slice(1) })
    return previous
  }

  setShadow(model: ModelRecord | null): void {
    this.#change({ shadow: model?.id ?? null })
  }

  #voting(id: string): Pick<ModelIndex, 'voting' | 'previous'> {
    const { voting, previous } = this.#index
    const before = [voting, ...previous].filter((each) => each !== id && this.#has(each))
    return { voting: id, previous: before.slice(0, LEARNING_LIMITS.keptModels) }
  }

  #configure({ name, head }: NonNullable<ShelfOptions['configured']>): void {
    const id = modelIdText(head)
    this.#put(head, { name, origin: 'configured', base: id, about: name, data: [] })
    if (this.#index.configured !== id) this.#change({ ...this.#voting(id), configured: id })
  }

  #fallBack(): void {
    const { voting, configured } = this.#index
    if (voting !== '')
      this.#options.log.warn(
        { model: voting },
        'the fraud model that voted cannot be used; the configured one does',
      )
    this.#change({ voting: this.#isUsable(configured) ? configured : LABEL_FREE_ID })
  }

  #put(head: Head | null, { data, ...card }: ModelCard): ModelRecord {
    const id = modelIdText(head)
    const known = this.#index.models.find((model) => model.id === id)
    if (known !== undefined && this.#isUsable(id)) return known
    const addedMs = this.#options.nowMs()
    const record: ModelRecord = { id, addedMs, ...card }
    if (head !== null) {
      const trainedOn = new Date(addedMs).toISOString().slice(0, 10)
      this.#write(this.#file(id), encodeHead(head, { name: card.name, trainedOn, data }))
    }
    const others = this.#index.models.filter((model) => model.id !== id)
    this.#index = { ...this.#index, models: [record, ...others] }
    return record
  }

  /** Writes the index and forgets what is not needed any more: beside those in use the newest are kept. */
  #change(changes: Partial<ModelIndex>): void {
    const index = { ...this.#index, ...changes }
    const { configured, voting, previous, shadow } = index
    const needed = new Set([LABEL_FREE_ID, configured, voting, shadow, ...previous])
    for (const { id, base } of index.models) if (needed.has(id)) needed.add(base)
    let others = 0
    const models = index.models.filter(({ id }) => needed.has(id) || ++others <= LEARNING_LIMITS.keptModels)
    this.#index = { ...index, models }
    this.#write(join(this.#options.directory, INDEX), serialiseModelIndex(this.#index))
    const kept = new Set([INDEX, ...models.map(({ id }) => `${id}.json`)])
    for (const id of this.#heads.keys()) if (!this.#has(id)) this.#heads.delete(id)
    for (const name of readdirSync(this.#options.directory))
      if (/^[0-9a-f]{64}\.json$/.test(name) && !kept.has(name)) rmSync(join(this.#options.directory, name))
  }

  #read(): ModelIndex {
    const { directory, log } = this.#options
    try {
      return parseModelIndex(readFileSync(join(directory, INDEX), 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        log.warn({ err: error, directory }, 'the list of fraud models cannot be used; it is begun anew')
      return emptyIndex()
    }
  }

  #has(id: string): boolean {
    return this.#index.models.some((model) => model.id === id)
  }

  #record(id: string): ModelRecord {
    const record = this.#index.models.find((model) => model.id === id)
    if (record === undefined) throw new Error(`the index of models lacks ${id}`)
    return record
  }

  #isUsable(id: string): boolean {
    const record = this.#index.models.find((model) => model.id === id)
    if (record === undefined) return false
    try {
      this.headOf(record)
      return true
    } catch {
      return false
    }
  }

  #file(id: string): string {
    return join(this.#options.directory, `${id}.json`)
  }

  #write(path: string, text: string): void {
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
}
