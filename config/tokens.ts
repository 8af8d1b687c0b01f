/**
 * Tokens that open the operator methods of a node. The node keeps only hashes of their secrets, in `config/tokens.json`;
 * a hash is enough, since a secret is 32 random bytes that nobody guesses.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toHex, utf8 } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'
import { CordonError } from './errors.ts'
import { Fields, show, type Refuse } from './fields.ts'
import { LIMITS } from './limits.ts'
import { SCOPES, type Scope } from './scopes.ts'

/** Where they lie in a node's directory. */
export const TOKENS_FILE: string = join('config', 'tokens.json')
/** The secret of the local operator: what `cordon` on the same machine uses. */
export const OPERATOR_TOKEN_FILE: string = join('config', 'operator-token')
const OPERATOR_TOKEN_NAME = 'operator'

export interface Token {
  readonly name: string
  readonly scope: Scope
  /** Of the secret, 32 bytes. */
  readonly hash: Uint8Array
  readonly createdMs: number
  /** Null: never. */
  readonly expiresMs: number | null
}

const FORMAT = 'cordon-tokens/1'
const SECRET_BYTES = 32
/** Lets scanners for leaked secrets, and people, see what it is. */
const SECRET_PREFIX = 'cordon-token-'
const NAME = /^[a-z0-9][a-z0-9._-]*$/i

export function isExpired({ expiresMs }: Pick<Token, 'expiresMs'>, nowMs: number): boolean {
  return expiresMs !== null && expiresMs <= nowMs
}

/** A name of letters, digits, `.`, `_` and `-`. */
export function isTokenName(text: string): boolean {
  return text.length <= LIMITS.tokenNameCharacters && NAME.test(text)
}

/** A new token, and the secret that only its holder gets. */
export function makeToken(
  name: string,
  scope: Scope,
  createdMs: number,
  expiresMs: number | null,
): { readonly token: Token; readonly secret: string } {
  const secret = `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`
  return { token: { name, scope, hash: hashOf(secret), createdMs, expiresMs }, secret }
}

function hashOf(secret: string): Uint8Array {
  return hash('operator-token', utf8(secret))
}

/** The token of a secret, or null. Takes as long whichever it is. */
export function findToken(tokens: readonly Token[], secret: string): Token | null {
  const wanted = hashOf(secret)
  let found: Token | null = null
  for (const token of tokens) if (timingSafeEqual(token.hash, wanted)) found = token
  return found
}

/**
 * Reads the text of a token file.
 * @param source Names the text in errors.
 * @throws CordonError `config-invalid`, `format-version`.
 */
export function parseTokens(text: string, source: string): readonly Token[] {
  const refuse: Refuse = (path, expected, got) =>
    new CordonError('config-invalid', `${source}: ${path}: expected ${expected}, got ${show(got)}`, {
      source,
    })
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new CordonError('config-invalid', `${source} is not JSON; remove it and make tokens anew`, {
      source,
    })
  }
  const fields = new Fields(content, '', refuse)
  const format = fields.take('format')
  if (format !== FORMAT)
    throw new CordonError('format-version', `${source}: expected format ${FORMAT}, got ${show(format)}`, {
      source,
    })
  const tokens = fields
    .list('tokens', 0, LIMITS.operatorTokens)
    .map((token, index) => parseToken(new Fields(token, `tokens[${index}]`, refuse)))
  fields.end()
  if (new Set(tokens.map(({ name }) => name)).size < tokens.length)
    throw refuse('tokens', 'names that differ', tokens.map(({ name }) => name).join(', '))
  return tokens
}

function parseToken(fields: Fields): Token {
  const time = (name: string): number => fields.integer(name, 0, Number.MAX_SAFE_INTEGER)
  const token = {
    name: fields.text('name', 'a short name', (text) => (isTokenName(text) ? text : null)),
    scope: fields.text('scope', SCOPES.join(', '), (text) => SCOPES.find((scope) => scope === text) ?? null),
    hash: fromHex(fields.matching('hash', '64 hex digits', /^[0-9a-f]{64}$/)),
    createdMs: time('createdMs'),
    expiresMs: fields.take('expiresMs') === null ? null : time('expiresMs'),
  }
  fields.end()
  return token
}

export function serialiseTokens(tokens: readonly Token[]): string {
  const rows = tokens.map((token) => ({ ...token, hash: toHex(token.hash) }))
  return `${JSON.stringify({ format: FORMAT, tokens: rows }, null, 2)}\n`
}

/**
 * The tokens of a file; none if there is no file.
 * @throws CordonError `config-invalid` if it cannot be used, or others may change or read it; `format-version`.
 */
export function readTokenFile(path: string): readonly Token[] {
  try {
    const { mode, size } = statSync(path)
    checkPrivate(path, mode, 'config-invalid')
    if (size > LIMITS.configBytes)
      throw new CordonError('config-invalid', `${path} has ${size} bytes, more than ${LIMITS.configBytes}`, {
        path,
      })
    return parseTokens(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof CordonError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    if (code === 'ENOENT') return []
    throw new CordonError('config-invalid', `${path} cannot be read (${code})`, { path }, { cause: error })
  }
}

/** Replaces the file in one step, so that a running node never reads half of it. */
export function writeTokenFile(path: string, tokens: readonly Token[]): void {
  const temporary = `${path}.${process.pid}.tmp`
  writePrivate(temporary, serialiseTokens(tokens))
  renameSync(temporary, path)
}

/** Writes a secret to a new file that only its owner may read. @throws if the file is there. */
function writeSecretFile(path: string, secret: string): void {
  writePrivate(path, `${secret}\n`, 'wx')
}

/**
 * The secret in a file.
 * @throws CordonError `unauthorized` if there is none to use.
 */
export function readSecretFile(path: string): string {
  let text: string
  try {
    checkPrivate(path, statSync(path).mode, 'unauthorized')
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw new CordonError(
      'unauthorized',
      `the token file ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); make a token on the node's machine with: cordon token create`,
      { path },
      { cause: error },
    )
  }
  if (text.startsWith(SECRET_PREFIX) && /^[\w-]+$/.test(text)) return text
  throw new CordonError('unauthorized', `${path} holds no token: expected ${SECRET_PREFIX}… on one line`, {
    path,
  })
}

/** Makes the first token of a new node, for its operator on the same machine. */
export function makeOperatorToken(nodeDirectory: string, nowMs: number): void {
  const { token, secret } = makeToken(OPERATOR_TOKEN_NAME, 'operate', nowMs, null)
  writeTokenFile(join(nodeDirectory, TOKENS_FILE), [token])
  writeSecretFile(join(nodeDirectory, OPERATOR_TOKEN_FILE), secret)
}

function writePrivate(path: string, text: string, flag: 'w' | 'wx' = 'w'): void {
  writeFileSync(path, text, { mode: 0o600, flag })
  chmodSync(path, 0o600)
}

function checkPrivate(path: string, mode: number, code: 'config-invalid' | 'unauthorized'): void {
  if ((mode & 0o077) !== 0)
    throw new CordonError(code, `${path}: expected mode 0600, others may read it; run: chmod 600 ${path}`, {
      path,
    })
}
