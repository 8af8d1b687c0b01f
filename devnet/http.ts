/** One HTTP GET to a node's port, for health checks. */
import { get, type Agent } from 'node:http'

const TIMEOUT_MS = 1_000
const TEXT_CHARACTERS = 400

interface HttpAnswer {
  /** 0: no answer. */
  readonly status: number
  /** Start of the body, or why there was no answer. */
  readonly text: string
}

/** Never throws. An `agent` that keeps connections makes repeated questions cheap for both sides. */
export function ask(url: string, agent: Agent | false = false): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: text.slice(0, TEXT_CHARACTERS) }),
      )
      response.once('error', (error) => resolve({ status: 0, text: error.message }))
    })
    request.once('timeout', () => request.destroy(new Error('no answer in time')))
    request.once('error', (error) => resolve({ status: 0, text: error.message }))
  })
}
