/**
 * How `cordon devnet stop`, `kill`, `partition` and the like reach the process that owns the nodes: one JSON line each way over a loopback
 * connection. The port and a secret stand in `devnet.json`, which only its owner can read. (A unix socket would need no
 * secret, but its path may have 108 bytes at most.)
 */
import { timingSafeEqual } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { CordonError, ERRORS, type ErrorCode } from '../config/errors.ts'
import { hash } from '../crypto/hash.ts'
import { utf8 } from '../crypto/bytes.ts'
import { LOOPBACK, type SupervisorRecord } from './layout.ts'

const LINE_BYTES = 65_536

/** What is done to one node. */
export interface NodeRequest {
  readonly op: 'kill' | 'restart' | 'pause' | 'resume'
  readonly name: string
}

/** What is done to the network between nodes; no names: to all. */
export type LinkRequest =
  | { readonly op: 'partition'; readonly names: readonly string[]; readonly oneWay: boolean }
  | {
      readonly op: 'delay'
      readonly delayMs: number
      readonly jitterMs: number
      readonly names: readonly string[]
    }
  | { readonly op: 'loss'; readonly lossPercent: number; readonly names: readonly string[] }
  | { readonly op: 'heal' }

/** Moves the clocks of all nodes on. */
interface WarpRequest {
  readonly op: 'warp'
  readonly byMs: number
}

/** Keeps what all nodes know, or goes back to it. */
interface SnapshotRequest {
  readonly op: 'snapshot' | 'restore'
  readonly name: string
}

export type ControlRequest =
  | { readonly op: 'status' }
  | { readonly op: 'stop' }
  | NodeRequest
  | LinkRequest
  | WarpRequest
  | SnapshotRequest

type ControlHandler = (request: ControlRequest) => Promise<unknown>

type Answer =
  | { readonly ok: true; readonly data: unknown }
  | {
      readonly ok: false
      readonly error: {
        readonly code: string
        readonly message: string
        readonly payload: Record<string, unknown>
      }
    }

/** Listens for requests. Resolves to the port and what closes it. */
export async function listenForControl(
  token: string,
  handler: ControlHandler,
): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => {
    serve(socket, token, handler)
  })
  await listening(server)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new RangeError('the control channel has no port')
  return { port: address.port, close: () => server.close() }
}

/**
 * Sends a request to the running supervisor.
 * @throws CordonError what the supervisor answers, or `devnet-missing` if it does not.
 */
export async function askSupervisor(
  record: Pick<SupervisorRecord, 'port' | 'token' | 'pid'>,
  request: ControlRequest,
): Promise<unknown> {
  const line = await exchange(record, request)
  const answer = parseAnswer(line)
  if (answer === null)
    throw new CordonError(
      'devnet-missing',
      `the supervisor (pid ${record.pid}) did not answer; it may just have stopped: see cordon devnet status`,
    )
  if (answer.ok) return answer.data
  const { code, message, payload } = answer.error
  throw new CordonError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'unexpected', message, payload)
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: LOOPBACK, exclusive: true }, resolve)
  })
}

function serve(socket: Socket, token: string, handler: ControlHandler): void {
  socket.on('error', () => socket.destroy())
  readLine(socket)
    .then(async (line) => {
      const answer = await answerTo(line, token, handler)
      socket.end(`${JSON.stringify(answer)}\n`)
    })
    .catch(() => socket.destroy())
}

async function answerTo(line: string, token: string, handler: ControlHandler): Promise<Answer> {
  try {
    return { ok: true, data: await handler(parseRequest(line, token)) }
  } catch (error) {
    if (error instanceof CordonError)
      return { ok: false, error: { code: error.code, message: error.message, payload: { ...error.payload } } }
    return {
      ok: false,
      error: {
        code: 'unexpected',
        message: error instanceof Error ? error.message : String(error),
        payload: {},
      },
    }
  }
}

function parseRequest(line: string, token: string): ControlRequest {
  const { token: given, ...request } = JSON.parse(line) as Record<string, unknown>
  if (typeof given !== 'string' || !sameSecret(given, token))
    throw new CordonError('usage', 'the control channel needs the token of devnet.json')
  if (isRequest(request)) return request
  throw new CordonError(
    'usage',
    `unknown request ${JSON.stringify(request)}; is this Cordon of the same version?`,
  )
}

function isRequest(request: Record<string, unknown>): request is Record<string, unknown> & ControlRequest {
  const { op, name, names, oneWay, delayMs, jitterMs, lossPercent, byMs } = request
  const hasNames = Array.isArray(names) && names.every((each) => typeof each === 'string')
  switch (op) {
    case 'status':
    case 'stop':
    case 'heal':
      return true
    case 'kill':
    case 'restart':
    case 'pause':
    case 'resume':
    case 'snapshot':
    case 'restore':
      return typeof name === 'string'
    case 'warp':
      return typeof byMs === 'number'
    case 'partition':
      return hasNames && typeof oneWay === 'boolean'
    case 'delay':
      return hasNames && typeof delayMs === 'number' && typeof jitterMs === 'number'
    case 'loss':
      return hasNames && typeof lossPercent === 'number'
    default:
      return false
  }
}

function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash('devnet-key', utf8(a)), hash('devnet-key', utf8(b)))
}

function exchange(
  record: Pick<SupervisorRecord, 'port' | 'token'>,
  request: ControlRequest,
): Promise<string> {
  const socket = connect({ port: record.port, host: LOOPBACK })
  socket.on('error', () => socket.destroy())
  socket.write(`${JSON.stringify({ token: record.token, ...request })}\n`)
  return readLine(socket)
}

/** The first line that comes; an empty text if the other side closes before. */
function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
      else if (text.length > LINE_BYTES) socket.destroy()
    })
    socket.once('close', () => resolve(''))
  })
}

function parseAnswer(line: string): Answer | null {
  try {
    return JSON.parse(line) as Answer
  } catch {
    return null
  }
}
