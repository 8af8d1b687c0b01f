/** Speaks to the real `cordon mcp` over its pipes, as an assistant's host does. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { createInterface } from 'node:readline'
import { parseJSONRPCMessage } from '@modelcontextprotocol/server'
import { CORDON, environmentOf } from './cordon.ts'

export interface Message {
  readonly id?: number
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string }
}

/** Structured content and text of an answer. */
export interface ToolAnswer {
  readonly data: Readonly<Record<string, unknown>>
  readonly text: string
  readonly isError: boolean
}

/** Somebody who waits for a message. */
interface Waiter {
  readonly resolve: (message: Message) => void
  readonly reject: (error: Error) => void
}

export class McpClient implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #waiting = new Map<number, Waiter>()
  readonly #strayWaiting: Waiter[] = []
  readonly #ended: Promise<number | null>
  /** Why nothing will be answered any more. */
  #whyEnded: Error | null = null
  #nextId = 1
  stderr = ''

  /** @param home its home and working directory. */
  constructor(args: readonly string[], home: string) {
    this.#child = spawn(CORDON, ['mcp', ...args], {
      cwd: home,
      env: environmentOf(home),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.#child.stdin.on('error', () => undefined) // it has ended, and whoever waits is told why
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => {
        this.#onClose(code ?? signal)
        resolve(code)
      }),
    )
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#onLine(line))
  }

  /** Everything on standard output has to be a message of the protocol: another line throws here and fails the test. */
  #onLine(line: string): void {
    const message = parseJSONRPCMessage(JSON.parse(line)) as Message
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id)
    if (message.id !== undefined) this.#waiting.delete(message.id)
    const next = waiting ?? this.#strayWaiting.shift()
    assert.ok(next, `an answer that nobody waits for: ${line}`)
    next.resolve(message)
  }

  #onClose(how: number | NodeJS.Signals | null): void {
    this.#whyEnded = new Error(`cordon mcp ended with ${how} and answers no more; stderr: ${this.stderr}`)
    for (const { reject } of [...this.#waiting.values(), ...this.#strayWaiting]) reject(this.#whyEnded)
  }

  /** A message for which `keep` notes who waits; rejects once the server has ended. */
  #awaited(keep: (waiter: Waiter) => void): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#whyEnded === null) keep({ resolve, reject })
      else reject(this.#whyEnded)
    })
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  /** The next message that answers no request. */
  stray(): Promise<Message> {
    return this.#awaited((waiter) => this.#strayWaiting.push(waiter))
  }

  request(method: string, params?: object): { readonly id: number; readonly answer: Promise<Message> } {
    const id = this.#nextId++
    const answer = this.#awaited((waiter) => this.#waiting.set(id, waiter))
    this.write(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }))
    return { id, answer }
  }

  notify(method: string, params?: object): void {
    this.write(JSON.stringify({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) }))
  }

  async result(method: string, params?: object): Promise<Readonly<Record<string, unknown>>> {
    const { result, error } = await this.request(method, params).answer
    assert.ok(result, `${method}: ${JSON.stringify(error)}; stderr: ${this.stderr}`)
    return result
  }

  /** The handshake of the revisions with one. */
  async initialize(): Promise<Readonly<Record<string, unknown>>> {
    const result = await this.result('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    })
    this.notify('notifications/initialized')
    return result
  }

  async call(name: string, args: object = {}): Promise<ToolAnswer> {
    const { content, structuredContent, isError } = (await this.result('tools/call', {
      name,
      arguments: args,
    })) as {
      content: readonly { readonly text: string }[]
      structuredContent?: Readonly<Record<string, unknown>>
      isError?: boolean
    }
    return { data: structuredContent ?? {}, text: content[0]?.text ?? '', isError: isError === true }
  }

  /** Ends its input. @returns its exit code. */
  end(): Promise<number | null> {
    this.#child.stdin.end()
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.#ended
  }
}
