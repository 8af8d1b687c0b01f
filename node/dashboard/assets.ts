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

interface Asset {
  readonly type: string
  readonly body: Buffer
}

let loading: Promise<ReadonlyMap<string, Asset>> | null = null

/** By name. Read once, when somebody looks first. */
export function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  loading ??= read()
  return loading
}

async function read(): Promise<ReadonlyMap<string, Asset>> {
  const contentsOf = import.meta.filename.endsWith('.ts') ? await bundled() : built
  const names = Object.keys(TYPES) as AssetName[]
  return new Map(names.map((name) => [name, { type: TYPES[name], body: Buffer.from(contentsOf(name)) }]))
}

function built(name: AssetName): Uint8Array {
  return readFileSync(join(dirname(import.meta.filename), ASSETS_FOLDER, name))
}

async function bundled(): Promise<(name: AssetName) => Uint8Array> {
  // By its address, so that a build does not take the bundler in.
  const { bundlePage } = (await import(
    new URL('./bundle.ts', import.meta.url).href
  )) as typeof import('./bundle.ts')
  const page = await bundlePage()
  return (name) => page[name]
}
