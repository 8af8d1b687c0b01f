/** Calls operator methods of one node, with a token. */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { postRequest } from './json-rpc.ts'
import type { OperatorMethod, OperatorParams, OperatorResult } from './operator-api.ts'

export class OperatorClient {
  readonly url: string
  readonly #secret: string

  /**
   * @param url `http://` or `https://` URL of the operator methods.
   * @throws CordonError `usage` for what is no such URL.
   */
  constructor(url: string, secret: string) {
    if (!/^https?:/.test(URL.canParse(url) ? new URL(url).protocol : ''))
      throw new CordonError(
        'usage',
        `expected the URL of operator methods such as http://127.0.0.1:7312, got ${JSON.stringify(url)}`,
        { url },
      )
    this.url = url
    this.#secret = secret
  }

  /**
   * Calls one method.
   * @throws CordonError: the node's own, `unauthorized` and `forbidden` among them, or `connection-lost`.
   */
  async call<Method extends OperatorMethod>(
    method: Method,
    params: OperatorParams<Method>,
  ): Promise<OperatorResult<Method>> {
    const target = {
      url: this.url,
      endpoint: this.url,
      signal: AbortSignal.timeout(LIMITS.rpcAnswerMs),
      headers: { authorization: `Bearer ${this.#secret}` },
    }
    return (await postRequest(target, method, params)) as OperatorResult<Method>
  }
}
