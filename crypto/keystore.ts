/**
 * The wallet's keys: one JSON file per key, mode 0600, in one folder. Name and address stand in clear, the 32-byte
 * Ed25519 seed is sealed with XChaCha20-Poly1305 under a key that argon2id makes from the password. Everything in clear
 * is authenticated with it, so an address cannot be swapped; a checksum tells a damaged file from a wrong password.
 */
import { argon2, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { encodeAddress, parseAddress } from './address.ts'
import { equalBytes, fromHex, toHex, utf8 } from './bytes.ts'
import { Writer } from './codec.ts'
import { keyPairFromSeed, SEED_BYTES, type KeyPair } from './ed25519.ts'
import { hash } from './hash.ts'
import { writeOnce } from './write-once.ts'

const KEYSTORE_FORMAT = 'cordon-keystore/1'

const SALT_BYTES = 16
const NONCE_BYTES = 24
const SEAL_KEY_BYTES = 32
const TAG_BYTES = 16
const EXTENSION = '.json'

/** What opening a key costs: argon2id memory, passes and lanes. */
export interface KeyCost {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/**
 * `standard` is RFC 9106's second recommendation, 0.1–0.3 s. `light` is for devnet keys, whose password lies in a file
 * next to them: some 5 ms.
 */
export const KEY_COSTS: { readonly standard: KeyCost; readonly light: KeyCost } = {
  standard: { memoryKiB: 65_536, passes: 3, lanes: 4 },
  light: { memoryKiB: 4_096, passes: 1, lanes: 1 },
}

/** What a key file says without a password. The address counts as claimed until the key is opened. */
export interface KeyInfo {
  readonly name: string
  readonly address: string
}

export interface OpenKey extends KeyInfo, KeyPair {
  /** 32 bytes. Secret. */
  readonly seed: Uint8Array
}

interface KeyFile extends KeyInfo {
  readonly cost: KeyCost
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  /** Sealed seed and tag. */
  readonly sealed: Uint8Array
}

const deriveKey = promisify(argon2)

/** Whether `name` can be the name of a key: it becomes a file name, and must not look like an address. */
export function isKeyName(name: string): boolean {
  return name.length <= LIMITS.keyNameCharacters && /^[a-z0-9][a-z0-9_-]*$/.test(name)
}

/** Whether the keystore in `directory` has a key of this name. */
export function hasKey(directory: string, name: string): boolean {
  return isKeyName(name) && existsSync(pathOf(directory, name))
}

/** That a key of this name can be made. @throws CordonError `usage` for a bad name, `key-exists`. */
export function requireFree(directory: string, name: string): void {
  checkName(name)
  if (hasKey(directory, name)) throw exists(directory, name)
}

/**
 * All keys in `directory`, by name; none if it does not exist. Opens nothing.
 * @throws CordonError `keystore-invalid` or `format-version` if a file is not what it should be.
 */
export function listKeys(directory: string): KeyInfo[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((file) => file.endsWith(EXTENSION) && isKeyName(file.slice(0, -EXTENSION.length)))
    .sort()
    .map((file) => readKeyInfo(directory, file.slice(0, -EXTENSION.length)))
}

/**
 * Name and address of one key, without a password.
 * @throws CordonError `key-unknown`, `keystore-invalid`, `format-version`.
 */
export function readKeyInfo(directory: string, name: string): KeyInfo {
  const { address } = readFile(directory, name)
  return { name, address }
}

/**
 * Seals `seed` under `password` into a new file and makes it durable before it returns.
 * @throws CordonError `usage` for a bad name or password, `key-exists`, `keystore-invalid` if it cannot be written.
 */
export async function createKey(
  directory: string,
  key: {
    readonly name: string
    readonly seed: Uint8Array
    readonly password: string
    /** Of the network the wallet is for. */
    readonly prefix: string
    readonly cost?: KeyCost
  },
): Promise<KeyInfo> {
  requireFree(directory, key.name)
  const { publicKey } = keyPairFromSeed(key.seed)
  const clear = {
    name: key.name,
    address: encodeAddress(key.prefix, publicKey),
    cost: key.cost ?? KEY_COSTS.standard,
    salt: randomBytes(SALT_BYTES),
    nonce: randomBytes(NONCE_BYTES),
  }
  const sealKey = await sealKeyOf(key.password, clear)
  const sealed = xchacha20poly1305(sealKey, clear.nonce, clearBytes(clear)).encrypt(key.seed)
  writeDurably(directory, key.name, serialise({ ...clear, sealed }))
  return { name: clear.name, address: clear.address }
}

/**
 * Opens a key.
 * @throws CordonError `key-unknown`; `keystore-invalid` for a damaged file, `format-version` for one of a newer Cordon,
 * `password-wrong` if the file is whole and the password does not open it.
 */
export async function openKey(directory: string, name: string, password: string): Promise<OpenKey> {
  const file = readFile(directory, name)
  const sealKey = await sealKeyOf(password, file)
  let seed: Uint8Array
  try {
    seed = xchacha20poly1305(sealKey, file.nonce, clearBytes(file)).decrypt(file.sealed)
  } catch {
    throw new CordonError('password-wrong', `the password does not open key ${name} (${file.address})`, {
      name,
    })
  }
  const keyPair = keyPairFromSeed(seed)
  if (!equalBytes(keyPair.publicKey, parseAddress(file.address).id)) {
    throw damaged(pathOf(directory, name), `holds another key than that of its address ${file.address}`)
  }
  return { name, address: file.address, seed, ...keyPair }
}

/**
 * The file of a key as it is: sealed, of no use without its password.
 * @throws CordonError `key-unknown`, `keystore-invalid`, `format-version`.
 */
export function exportKey(directory: string, name: string): KeyInfo & { readonly text: string } {
  const text = readText(directory, name)
  const { address } = parseNamed(pathOf(directory, name), name, text)
  return { name, address, text }
}

/**
 * Takes in what `exportKey` gave, durable before it returns. Its name is sealed with it, so it keeps it.
 * @param source names the text in errors.
 * @throws CordonError `usage` for another name, `key-exists`, `keystore-invalid`, `format-version`.
 */
export function importKey(directory: string, name: string, text: string, source: string): KeyInfo {
  requireFree(directory, name)
  const file = parse(source, text)
  if (file.name !== name) {
    throw new CordonError(
      'usage',
      `${source} holds the key ${JSON.stringify(file.name)}, whose name is sealed with it; import it under that name`,
      { name: file.name },
    )
  }
  writeDurably(directory, name, text)
  return { name, address: file.address }
}

async function sealKeyOf(
  password: string,
  { cost, salt }: Pick<KeyFile, 'cost' | 'salt'>,
): Promise<Uint8Array> {
  const message = utf8(password.normalize('NFKC'))
  if (message.length === 0 || message.length > LIMITS.passwordBytes) {
    throw new CordonError(
      'usage',
      `expected a password of 1 to ${LIMITS.passwordBytes} bytes, got ${message.length}`,
    )
  }
  return deriveKey('argon2id', {
    message,
    nonce: salt,
    memory: cost.memoryKiB,
    passes: cost.passes,
    parallelism: cost.lanes,
    tagLength: SEAL_KEY_BYTES,
  })
}

/** What the seal authenticates. */
function clearBytes(file: Omit<KeyFile, 'sealed'>): Uint8Array {
  const { memoryKiB, passes, lanes } = file.cost
  return new Writer()
    .bytes(utf8(KEYSTORE_FORMAT))
    .bytes(utf8(file.name))
    .bytes(utf8(file.address))
    .u32(memoryKiB)
    .u32(passes)
    .u32(lanes)
    .fixed(file.salt, SALT_BYTES)
    .fixed(file.nonce, NONCE_BYTES)
    .finish()
}

function checksum(file: KeyFile): string {
  return toHex(hash('keystore', clearBytes(file), file.sealed))
}

function serialise(file: KeyFile): string {
  const content = {
    format: KEYSTORE_FORMAT,
    name: file.name,
    address: file.address,
    kdf: { name: 'argon2id', ...file.cost, salt: toHex(file.salt) },
    cipher: { name: 'xchacha20-poly1305', nonce: toHex(file.nonce), sealed: toHex(file.sealed) },
    checksum: checksum(file),
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

function readFile(directory: string, name: string): KeyFile {
  return parseNamed(pathOf(directory, name), name, readText(directory, name))
}

function readText(directory: string, name: string): string {
  checkName(name)
  const path = pathOf(directory, name)
  try {
    const bytes = statSync(path).size
    if (bytes > LIMITS.keystoreBytes) throw damaged(path, `has ${bytes} bytes, more than a key file can have`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof CordonError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    if (code === 'ENOENT') throw unknown(directory, name)
    throw new CordonError(
      'keystore-invalid',
      `key file ${path} cannot be read (${code}); check its owner and mode`,
      { path },
    )
  }
}

function parseNamed(path: string, name: string, text: string): KeyFile {
  const file = parse(path, text)
  if (file.name !== name) throw damaged(path, `is the key ${JSON.stringify(file.name)} under another name`)
  return file
}

function parse(path: string, text: string): KeyFile {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw damaged(path, 'is not JSON')
  }
  const fields = object(content)
  const { format } = fields
  if (typeof format === 'string' && /^cordon-keystore\/\d+$/.test(format) && format !== KEYSTORE_FORMAT) {
    throw new CordonError(
      'format-version',
      `key file ${path} has format ${format}; this build knows ${KEYSTORE_FORMAT}: use the Cordon that wrote it, or a newer one`,
      { path, format },
    )
  }
  if (format !== KEYSTORE_FORMAT) throw damaged(path, `has no format ${KEYSTORE_FORMAT}`)
  let file: KeyFile
  try {
    file = fileOf(fields)
    parseAddress(file.address)
  } catch (error) {
    throw damaged(path, (error as Error).message)
  }
  if (fields.checksum !== checksum(file)) throw damaged(path, 'has a wrong checksum: some of it was changed')
  return file
}

function fileOf(fields: Readonly<Record<string, unknown>>): KeyFile {
  const kdf = object(fields.kdf)
  const cipher = object(fields.cipher)
  if (kdf.name !== 'argon2id') throw new RangeError(`has an unknown kdf ${JSON.stringify(kdf.name)}`)
  if (cipher.name !== 'xchacha20-poly1305')
    throw new RangeError(`has an unknown cipher ${JSON.stringify(cipher.name)}`)
  return {
    name: string(fields, 'name'),
    address: string(fields, 'address'),
    cost: {
      memoryKiB: integer(kdf, 'memoryKiB', LIMITS.keystoreMemoryKiB),
      passes: integer(kdf, 'passes', LIMITS.keystorePasses),
      lanes: integer(kdf, 'lanes', LIMITS.keystoreLanes),
    },
    salt: fromHex(string(kdf, 'salt'), SALT_BYTES),
    nonce: fromHex(string(cipher, 'nonce'), NONCE_BYTES),
    sealed: fromHex(string(cipher, 'sealed'), SEED_BYTES + TAG_BYTES),
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function string(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new RangeError(`lacks the text ${name}`)
  return value
}

function integer(fields: Readonly<Record<string, unknown>>, name: string, max: number): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw new RangeError(`has ${name} ${JSON.stringify(value)}, expected an integer from 1 to ${max}`)
  }
  return value
}

/** Never over another key. */
function writeDurably(directory: string, name: string, content: string): void {
  const path = pathOf(directory, name)
  const unwritable = (code: string): CordonError =>
    new CordonError('keystore-invalid', `key file ${path} cannot be written (${code}); check the folder`, {
      path,
    })
  if (!writeOnce(path, content, unwritable)) throw exists(directory, name)
}

function pathOf(directory: string, name: string): string {
  return join(directory, `${name}${EXTENSION}`)
}

function checkName(name: string): void {
  if (isKeyName(name)) return
  throw new CordonError(
    'usage',
    `key name ${JSON.stringify(name.slice(0, 80))}: expected 1 to ${LIMITS.keyNameCharacters} characters of a–z, 0–9, - and _, beginning with a letter or digit`,
    { name: name.slice(0, 80) },
  )
}

function exists(directory: string, name: string): CordonError {
  return new CordonError(
    'key-exists',
    `key ${name} exists in ${directory}; keys are never overwritten: choose another name`,
    { name },
  )
}

function unknown(directory: string, name: string): CordonError {
  const known = existsSync(directory)
    ? readdirSync(directory)
        .filter((file) => file.endsWith(EXTENSION))
        .map((file) => file.slice(0, -EXTENSION.length))
        .sort()
    : []
  const hint =
    known.length === 0
      ? 'it has none yet'
      : `it has ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`
  return new CordonError('key-unknown', `no key ${name} in ${directory}; ${hint}`, { name })
}

function damaged(path: string, problem: string): CordonError {
  return new CordonError(
    'keystore-invalid',
    `key file ${path} ${problem}; restore it from a backup, or import the wallet again from its 24 words`,
    { path },
  )
}
