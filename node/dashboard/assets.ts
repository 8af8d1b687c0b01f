/** The dashboard as its server has it: a few files in memory. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a build keeps them under, beside the programs. */
export const ASSETS_FOLDER = 'dashboard'

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

export type AssetName = keyof typeof TYPES

export interface Asset {
  readonly type: string
  readonly body: Buffer
}

export type Assets = ReadonlyMap<string, Asset>

let loading: Promise<Assets> | null = null

/** Read once, when somebody looks first. */
export function loadAssets(): Promise<Assets> {
  loading ??= files().then(
    (found) =>
      new Map(Object.entries(TYPES).map(([name, type]) => [name, { type, body: Buffer.from(found(name)) }])),
  )
  return loading
}

async function files(): Promise<(name: string) => Uint8Array> {
  if (!import.meta.filename.endsWith('.ts'))
    return (name) => readFileSync(join(dirname(import.meta.filename), ASSETS_FOLDER, name))
  // By its address, so that a build does not take the bundler in.
  const { bundlePage } = (await import(
    new URL('./bundle.ts', import.meta.url).href
  )) as typeof import('./bundle.ts')
  const bundle = await bundlePage()
  return (name) => bundle.get(name) ?? new Uint8Array()
}
