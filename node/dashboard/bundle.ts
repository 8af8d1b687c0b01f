/**
 * Makes what the browser loads out of `page/`: one script, one style sheet. `npm run build` keeps it in `dist/dashboard`; a
 * node that runs from its sources makes it when it is asked for first. Only where the sources are is esbuild, too.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type OutputFile } from 'esbuild'
import type { AssetName } from './assets.ts'

const PAGE = join(import.meta.dirname, 'page')

export async function bundlePage(): Promise<Readonly<Record<AssetName, Uint8Array>>> {
  const [script, styles] = await Promise.all([bundled('main.ts'), bundled('page.css')])
  return {
    'index.html': asItIs('index.html'),
    'icon.svg': asItIs('icon.svg'),
    'page.js': script,
    'page.css': styles,
  }
}

function asItIs(name: string): Uint8Array {
  return readFileSync(join(PAGE, name))
}

async function bundled(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    legalComments: 'eof',
    logLevel: 'warning',
  })
  return (outputFiles[0] as OutputFile).contents
}
