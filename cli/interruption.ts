/** Ctrl-C and SIGTERM for a command that has something to finish. A second one ends it at once. */

export class Interruption implements Disposable {
  readonly #controller = new AbortController()
  readonly #onSignal = (): void => {
    this[Symbol.dispose]()
    this.#controller.abort()
  }

  constructor() {
    process.on('SIGINT', this.#onSignal).on('SIGTERM', this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal)
  }
}
