import assert from 'node:assert/strict'
import type { Terminal } from '../../cli/input.ts'

export interface PersonOptions {
  /** What happens while they look, before each answer. */
  readonly meanwhile?: () => void
  /** Default true. */
  readonly canAsk?: boolean
}

/** Somebody at a terminal who answers yes or no, and is asked for nothing else. */
export class Person implements Terminal {
  readonly canAsk: boolean
  readonly questions: string[] = []
  readonly #answer: boolean | readonly boolean[]
  readonly #meanwhile: () => void

  /** @param answer to every question, or to each in turn: one more fails the test. */
  constructor(answer: boolean | readonly boolean[], options: PersonOptions = {}) {
    this.canAsk = options.canAsk ?? true
    this.#answer = answer
    this.#meanwhile = options.meanwhile ?? ((): void => undefined)
  }

  secret(): Promise<string> {
    return assert.fail('the password lies in a file')
  }

  line(): Promise<string> {
    return assert.fail('yes or no is the question')
  }

  confirm(question: string): Promise<boolean> {
    const answer = typeof this.#answer === 'boolean' ? this.#answer : this.#answer[this.questions.length]
    assert.ok(answer !== undefined, `one question too many: ${question}`)
    this.questions.push(question)
    this.#meanwhile()
    return Promise.resolve(answer)
  }
}
