/**
 * Where payment requests lie, with what a person decided about each. One file for a request and one for the decision;
 * both are written once, so that of two people who decide at the same time one does, and the other is told.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { writeOnce } from '../../crypto/write-once.ts'
import { decodeRequest, encodeRequest, isRequestId, requestIdOf, type PaymentRequest } from './request.ts'

type Decision = 'approved' | 'declined'

/** A request without a decision that is past its time has expired. */
export type RequestState = 'open' | 'expired' | Decision

export interface StoredRequest extends PaymentRequest {
  readonly id: string
  readonly decision: Decision | null
}

interface FolderContent {
  /** The oldest first. */
  readonly requests: readonly StoredRequest[]
  /** One for each file that is not what was asked. */
  readonly damaged: readonly CordonError[]
}

export function stateOf({ decision, expiresMs }: StoredRequest, nowMs: number): RequestState {
  return decision ?? (nowMs < expiresMs ? 'open' : 'expired')
}

export class RequestFolder {
  readonly #directory: string
  readonly #kept: number

  /** @param kept how many requests it keeps. */
  constructor(directory: string, kept: number = LIMITS.paymentRequestsKept) {
    this.#directory = directory
    this.#kept = kept
  }

  /** Makes a request durable, and forgets the oldest that have expired if there are too many. */
  add(request: PaymentRequest): StoredRequest {
    this.#makeRoom(request.createdMs)
    const text = encodeRequest(request)
    const id = requestIdOf(text)
    writeOnce(this.#pathOf(id), text)
    return { ...request, id, decision: null }
  }

  /** @throws CordonError `not-found`; `policy-refused` if its file was changed. */
  get(id: string): StoredRequest {
    const text = isRequestId(id) ? textOf(this.#pathOf(id)) : null
    if (text === null)
      throw new CordonError(
        'not-found',
        `there is no payment request ${id.slice(0, 80)}; see: cordon mcp requests`,
        {
          id: id.slice(0, 80),
        },
      )
    if (requestIdOf(text) !== id) throw changed(id, 'its text is not the one that was asked for')
    try {
      return { ...decodeRequest(text), id, decision: this.#decisionOf(id) }
    } catch (error) {
      if (error instanceof CordonError) throw error
      throw changed(id, (error as Error).message)
    }
  }

  list(): FolderContent {
    const requests: StoredRequest[] = []
    const damaged: CordonError[] = []
    for (const id of this.#ids()) {
      try {
        requests.push(this.get(id))
      } catch (error) {
        if (!(error instanceof CordonError)) throw error
        damaged.push(error)
      }
    }
    requests.sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1))
    return { requests, damaged }
  }

  /** Decides if nobody has. @returns the decision that holds. */
  decide(id: string, decision: Decision): Decision {
    writeOnce(this.#decisionPathOf(id), `${JSON.stringify({ decision })}\n`)
    return this.#decisionOf(id) ?? decision
  }

  #decisionOf(id: string): Decision | null {
    const text = textOf(this.#decisionPathOf(id))
    if (text === null) return null
    for (const decision of ['approved', 'declined'] as const)
      if (text === `${JSON.stringify({ decision })}\n`) return decision
    throw changed(id, 'what was decided about it cannot be read')
  }

  #makeRoom(nowMs: number): void {
    const surplus = this.#ids().length + 1 - this.#kept
    if (surplus <= 0) return
    const ended = this.list().requests.filter(({ expiresMs }) => expiresMs <= nowMs)
    for (const { id } of ended.slice(0, surplus)) {
      // The request goes first: a decision without a request means nothing.
      rmSync(this.#pathOf(id), { force: true })
      rmSync(this.#decisionPathOf(id), { force: true })
    }
  }

  #ids(): string[] {
    let files: readonly string[]
    try {
      files = readdirSync(this.#directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    return files.flatMap((file) => {
      const id = file.slice(0, -'.json'.length)
      return file === `${id}.json` && isRequestId(id) ? [id] : []
    })
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}.json`)
  }

  #decisionPathOf(id: string): string {
    return join(this.#directory, `${id}.decision.json`)
  }
}

/** Null if there is no file. */
function textOf(path: string): string | null {
  try {
    if (statSync(path).size > LIMITS.paymentRequestBytes)
      throw new CordonError(
        'policy-refused',
        `${path} has more than ${LIMITS.paymentRequestBytes} bytes: it is no payment request`,
        { path },
      )
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function changed(id: string, problem: string): CordonError {
  return new CordonError(
    'policy-refused',
    `payment request ${id} was changed on disk (${problem}); nothing is signed for it`,
    { id },
  )
}
