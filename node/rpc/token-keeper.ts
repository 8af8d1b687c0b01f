/** The tokens of a running node: read at its start, and again when their file has changed. */
import { statSync } from 'node:fs'
import { CordonError } from '../../config/errors.ts'
import { findToken, isExpired, readTokenFile, type Token } from '../../config/tokens.ts'
import type { RpcLog } from './service.ts'

export class TokenKeeper {
  readonly #path: string
  readonly #log: RpcLog
  #tokens: readonly Token[]
  #stamp: string

  /** @throws CordonError `config-invalid` or `format-version` if there is a file that cannot be used. */
  constructor(path: string, log: RpcLog) {
    this.#path = path
    this.#log = log
    this.#stamp = stampOf(path)
    this.#tokens = readTokenFile(path)
  }

  get size(): number {
    return this.#tokens.length
  }

  /**
   * Whose token a request carries.
   * @param header The `Authorization` of the request.
   * @throws CordonError `unauthorized`. It says the same of a token that never was and of one that was revoked.
   */
  authenticate(header: string | undefined, nowMs: number): Token {
    this.#readIfChanged()
    const secret = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
    if (secret === undefined)
      throw new CordonError(
        'unauthorized',
        "operator methods need a token: expected the header Authorization: Bearer TOKEN; make one on the node's machine with: cordon token create",
      )
    const token = findToken(this.#tokens, secret)
    if (token === null)
      throw new CordonError(
        'unauthorized',
        'the token is not one of this node, or was revoked; see on its machine: cordon token list',
      )
    if (isExpired(token, nowMs))
      throw new CordonError(
        'unauthorized',
        `the token ${token.name} has expired; make another on the node's machine with: cordon token create`,
        { token: token.name },
      )
    return token
  }

  /** A file that cannot be used opens nothing: what it revoked must not go on. */
  #readIfChanged(): void {
    let stamp = UNREADABLE
    try {
      stamp = stampOf(this.#path)
      if (stamp === this.#stamp) return
      this.#tokens = []
      this.#tokens = readTokenFile(this.#path)
    } catch (error) {
      this.#tokens = []
      if (stamp !== this.#stamp)
        this.#log.error({ err: error }, 'the token file has changed and cannot be used: no token is accepted')
    }
    this.#stamp = stamp
  }
}

/** In place of a stamp: the system does not even tell that. */
const UNREADABLE = 'unreadable'

/** Changes whenever the file does; a rename gives it another inode. */
function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true })
  return stats === undefined ? 'none' : `${stats.ino}/${stats.ctimeNs}/${stats.size}`
}
