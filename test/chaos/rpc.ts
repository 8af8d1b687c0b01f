/** JSON-RPC over HTTP with nothing of the project in between. */

/** Requests in one HTTP body; the node takes 100. */
const BATCH = 100

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

export interface Request {
  readonly method: string
  readonly params: object
}

export async function rpcCall<Result>(url: string, method: string, params: object): Promise<Result> {
  const [result] = await rpcBatch<Result>(url, [{ method, params }])
  return result as Result
}

/** Results in the order of the requests. @throws Error the first refusal. */
export async function rpcBatch<Result>(url: string, requests: readonly Request[]): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < requests.length; start += BATCH) {
    const page = requests.slice(start, start + BATCH)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(page.map((request, id) => ({ jsonrpc: '2.0', id, ...request }))),
    })
    const answers = new Map(((await response.json()) as Answer[]).map((answer) => [answer.id, answer]))
    for (const [id, { method }] of page.entries()) {
      const answer = answers.get(id)
      if (answer?.result === undefined) throw new Error(`${method}: ${answer?.error?.message ?? 'no answer'}`)
      results.push(answer.result as Result)
    }
  }
  return results
}
