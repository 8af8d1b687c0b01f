/** The kept inputs: one file each, named by its hash, in a folder per decoder. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CORPUS = new URL('corpus/', import.meta.url).pathname
/** Longest input that is kept, and how many per decoder: the folder stays below 300 KiB. */
export const KEPT_BYTES = 2_048
export const KEPT_INPUTS = 24
const NAME_DIGITS = 16

export function corpusOf(decoder: string): Uint8Array[] {
  const folder = join(CORPUS, decoder)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((file) => Uint8Array.from(readFileSync(join(folder, file))))
}

/** Folders that hold inputs. */
export function corpusNames(): string[] {
  return readdirSync(CORPUS)
}

/** Keeps an input, if there is room for it. @returns whether it was kept. */
export function keep(decoder: string, bytes: Uint8Array): boolean {
  const folder = join(CORPUS, decoder)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, createHash('sha256').update(bytes).digest('hex').slice(0, NAME_DIGITS))
  if (bytes.length > KEPT_BYTES || existsSync(file) || readdirSync(folder).length >= KEPT_INPUTS) return false
  writeFileSync(file, bytes)
  return true
}
