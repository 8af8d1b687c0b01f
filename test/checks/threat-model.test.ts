/** The threat model names code, limits and tests: all of them exist. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { PARAMETERS } from '../../config/parameters.ts'
import { DECODERS } from '../fuzz/decoders.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const text = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8')
const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name)

/** Words in quotes that are no names of ours: values, formats, folders of a node, fields of a hold. */
const OTHERS = ['accepted', 'core', 'swarm', 'expiresMs', 'data/', 'signer/']

function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(ROOT, path))
  const [folder = '', pattern = ''] = path.split('/')
  const [start = '', end = ''] = pattern.split('*')
  return readdirSync(join(ROOT, folder)).some((file) => file.startsWith(start) && file.endsWith(end))
}

test('everything that the threat model names is there', () => {
  const unknown = quoted.filter((name) => {
    if (OTHERS.includes(name) || name in PARAMETERS || DECODERS.some((decoder) => decoder.name === name))
      return false
    if (name.startsWith('npm run ')) return false
    if (name.includes('/')) return !exists(name)
    return !Object.hasOwn(LIMITS, name.replace('LIMITS.', ''))
  })
  assert.deepEqual(unknown, [])
})
