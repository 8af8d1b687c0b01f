/**
 * Makes what the browser loads out of `page/`: one script, one style sheet. `npm run build` keeps it in `dist/dashboard`; a
 * node that runs from its sources makes it when it is asked for first. Only where the sources are is esbuild, too.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type OutputFile } from 'esbuild'

const PAGE = join(import.meta.dirname, 'page')
const AS_THEY_ARE = ['index.html', 'icon.svg']

/** File name → contents. */
export async function bundlePage(): Promise<Map<string, Uint8Array>> {
  const [script, styles] = await Promise.all([bundled('main.ts'), bundled('page.css')])
  return new Map([
    ...AS_THEY_ARE.map((name): [string, Uint8Array] => [name, readFileSync(join(PAGE, name))]),
    ['page.js', script],
    ['page.css', styles],
  ])
}

async function bundled(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox120', 'safari17'],
    legalComments: 'eof',
    logLevel: 'warning',
  })
  return (outputFiles[0] as OutputFile).contents
}
