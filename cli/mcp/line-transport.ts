/**
 * JSON-RPC messages on standard input and output, one a line. What is no message is answered with an error, so that a
 * client that has gone wrong hears of it; the package's own transport passes over broken lines and ends at long ones.
 */
import type { Readable, Writable } from 'node:stream'
import {
  parseJSONRPCMessage,
  ProtocolErrorCode,
  type JSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/server'
import { LIMITS } from '../../config/limits.ts'

const NEWLINE = 0x0a

export class LineTransport implements Transport {
  readonly #input: Readable
  readonly #output: Writable
  /** Of the line that has not ended. */
  #parts: Buffer[] = []
  #bytes = 0
  #closed = false
  readonly #whenClosed = Promise.withResolvers<undefined>()
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void

  constructor(input: Readable, output: Writable) {
    this.#input = input
    this.#output = output
  }

  /** Resolves when the other side has ended the input, or this one the connection. */
  get closed(): Promise<unknown> {
    return this.#whenClosed.promise
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#onData)
    this.#input.once('end', this.#onEnd)
    this.#input.once('close', this.#onEnd)
    this.#input.once('error', this.#onEnd)
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#output.write(`${JSON.stringify(message)}\n`, (error) =>
        error instanceof Error ? reject(error) : resolve(),
      )
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#input.off('data', this.#onData)
    this.onclose?.()
    this.#whenClosed.resolve(undefined)
  }

  readonly #onEnd = (): void => void this.close()

  readonly #onData = (chunk: Buffer): void => {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#collect(chunk.subarray(start, end))
      this.#onLine()
      start = end + 1
    }
    this.#collect(chunk.subarray(start))
  }

  /** Of a line that is too long only its length is kept. */
  #collect(part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes <= LIMITS.mcpMessageBytes) this.#parts.push(part)
    else this.#parts = []
  }

  #onLine(): void {
    const bytes = this.#bytes
    const line = Buffer.concat(this.#parts).toString('utf8').trim()
    this.#parts = []
    this.#bytes = 0
    if (bytes > LIMITS.mcpMessageBytes)
      this.#refuse(
        ProtocolErrorCode.InvalidRequest,
        `the message has ${bytes} bytes; expected at most ${LIMITS.mcpMessageBytes}`,
      )
    else if (line !== '') this.#onText(line)
  }

  #onText(line: string): void {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      this.#refuse(ProtocolErrorCode.ParseError, 'the line is not JSON')
      return
    }
    let message: JSONRPCMessage
    try {
      message = parseJSONRPCMessage(value)
    } catch {
      this.#refuse(ProtocolErrorCode.InvalidRequest, 'expected one JSON-RPC 2.0 message', idOf(value))
      return
    }
    this.onmessage?.(message)
  }

  #refuse(code: number, message: string, id?: string | number): void {
    this.send({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), error: { code, message } }).catch(
      (error: unknown) => this.onerror?.(error as Error),
    )
  }
}

/** Of a message that is none otherwise. */
function idOf(value: unknown): string | number | undefined {
  const { id } = (typeof value === 'object' && value !== null ? value : {}) as { readonly id?: unknown }
  return typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id)) ? id : undefined
}
