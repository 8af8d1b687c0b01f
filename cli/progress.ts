/** A bar on stderr for a command that takes a while. Only on a terminal: a log has no use for it. */

const WIDTH = 30
const CLEAR_LINE = '\r\u001b[K'

export interface Terminal {
  readonly isTTY: boolean
  write(text: string): unknown
}

export class ProgressBar {
  readonly #what: string
  readonly #terminal: Terminal
  #percent = -1

  constructor(what: string, terminal: Terminal = process.stderr) {
    this.#what = what
    this.#terminal = terminal
  }

  /** `share` done, from 0 to 1. Drawn when another whole per cent is reached. */
  show(share: number): void {
    const percent = Math.floor(100 * share)
    if (!this.#terminal.isTTY || percent === this.#percent) return
    this.#percent = percent
    const done = '='.repeat(Math.floor(WIDTH * share)).padEnd(WIDTH)
    this.#terminal.write(`${CLEAR_LINE}${this.#what} [${done}] ${percent} %`)
  }

  /** Takes the bar away, so that a result or an error starts on an empty line. */
  clear(): void {
    if (this.#percent >= 0) this.#terminal.write(CLEAR_LINE)
    this.#percent = -1
  }
}
