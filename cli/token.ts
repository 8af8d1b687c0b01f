/** The tokens of a node, for people: make, list, revoke, and ask a node about one. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { NODE_CONFIG_FILE } from '../config/node-config.ts'
import {
  isExpired,
  isTokenName,
  makeToken,
  readTokenFile,
  TOKENS_FILE,
  writeTokenFile,
  type Token,
} from '../config/tokens.ts'
import type { CreateOptions, TokenOptions } from './commands/token.ts'
import { writeNewFile } from './files.ts'
import { facts, table, time } from './format.ts'
import { requireOperator } from './operator.ts'
import type { OperatorOptions } from './options.ts'
import { note, type CommandResult } from './output.ts'

export function createToken({ dir, scope, expires, out }: CreateOptions, name: string): CommandResult {
  const file = fileOf(dir)
  if (!isTokenName(name))
    throw new CordonError(
      'usage',
      `expected a name of 1 to ${LIMITS.tokenNameCharacters} letters, digits, ".", "_" and "-", beginning with a letter or digit, got ${JSON.stringify(name.slice(0, 80))}`,
    )
  const tokens = readTokenFile(file)
  if (tokens.some((token) => token.name === name))
    throw new CordonError(
      'usage',
      `there is a token ${name} already; choose another name, or revoke it first`,
    )
  if (tokens.length >= LIMITS.operatorTokens)
    throw new CordonError(
      'usage',
      `${file} has ${tokens.length} tokens, as many as it may; revoke some first`,
    )
  const nowMs = Date.now()
  const { token, secret } = makeToken(name, scope, nowMs, expires === undefined ? null : nowMs + expires)
  if (out !== undefined) writeNewFile(out, `${secret}\n`)
  writeTokenFile(file, [...tokens, token])
  if (out === undefined)
    note('this is the only time that the secret is shown; keep it in a file of mode 0600')
  const data = { ...described(token, nowMs), ...(out === undefined ? { secret } : { file: resolve(out) }) }
  return { data, text: out === undefined ? secret : `token ${name}, scope ${scope}, written to ${out}` }
}

export function listTokens({ dir }: TokenOptions): CommandResult {
  const nowMs = Date.now()
  const tokens = readTokenFile(fileOf(dir)).map((token) => described(token, nowMs))
  const text =
    tokens.length === 0
      ? `no tokens: nobody can use the operator methods; make one with: cordon token create NAME --scope operate --dir ${dir}`
      : table(
          [{ title: 'TOKEN' }, { title: 'SCOPE' }, { title: 'MADE' }, { title: 'EXPIRES' }],
          tokens.map(({ name, scope, createdMs, expiresMs, expired }) => [
            name,
            scope,
            time(createdMs),
            expiresMs === null ? 'never' : `${time(expiresMs)}${expired ? ' (expired)' : ''}`,
          ]),
        )
  return { data: { tokens }, text }
}

export function revokeToken({ dir }: TokenOptions, name: string): CommandResult {
  const file = fileOf(dir)
  const tokens = readTokenFile(file)
  const left = tokens.filter((token) => token.name !== name)
  if (left.length === tokens.length)
    throw new CordonError(
      'not-found',
      `there is no token ${JSON.stringify(name.slice(0, 80))}; see: cordon token list --dir ${dir}`,
    )
  writeTokenFile(file, left)
  return { data: { name, revoked: true }, text: `token ${name} is revoked` }
}

export async function whoami(options: OperatorOptions): Promise<CommandResult> {
  const client = requireOperator(options)
  const identity = await client.call('operator_whoami', {})
  const { token, scope, expiresMs, validator, version, reviewer } = identity
  const text = facts([
    ['token', token],
    ['scope', scope],
    ['expires', expiresMs === null ? 'never' : time(expiresMs)],
    ['node', `${validator ?? 'a full node'}, version ${version}, at ${client.url}`],
    [
      'votes on holds',
      reviewer === null ? 'no: it has no review.key_file' : `as ${reviewer.validators.join(', ')}`,
    ],
  ])
  return { data: { ...identity, url: client.url }, text }
}

/** @throws CordonError `usage` if the directory is not that of a node. */
function fileOf(dir: string): string {
  if (existsSync(join(dir, NODE_CONFIG_FILE))) return join(dir, TOKENS_FILE)
  throw new CordonError(
    'usage',
    `${dir} is not the directory of a node: there is no ${NODE_CONFIG_FILE} in it; of a devnet take DEVNET/v1`,
    { dir },
  )
}

interface DescribedToken {
  readonly name: string
  readonly scope: string
  readonly createdMs: number
  readonly expiresMs: number | null
  readonly expired: boolean
}

function described(token: Token, nowMs: number): DescribedToken {
  const { name, scope, createdMs, expiresMs } = token
  return { name, scope, createdMs, expiresMs, expired: isExpired(token, nowMs) }
}
