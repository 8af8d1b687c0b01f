/**
 * `npm run build`: makes `dist/` from the sources, what the package ships and what `bin/cordon` runs as long as no source
 * is newer. Each program (`config/entries.ts`) becomes one CommonJS file, which `config/launch.ts` runs: a node reads one
 * file instead of thirteen hundred. What other programs import is not bundled: they have their own dependencies beside it.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, type Plugin } from 'esbuild'
import { builtName, ENTRIES, LIBRARY_FOLDER } from './config/entries.ts'
import { ASSETS_FOLDER } from './node/dashboard/assets.ts'
import { bundlePage } from './node/dashboard/bundle.ts'

const ROOT = import.meta.dirname
const OUTPUT = join(ROOT, 'dist')
const LAUNCHER = 'launch.js'

/** Packages that find files of their own by where they lie stay in node_modules; so does what only one command needs. */
const EXTERNAL = ['@tensorflow/*', '@modelcontextprotocol/*']

/** Of packages with a native addon only the file that looks for it stays there. */
const ADDONS = ['classic-level', 'sodium-native'] as const

const addonsStayWhereTheyAre: Plugin = {
  name: 'addons stay where they are',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^\.\/binding$/ }, ({ resolveDir }) => {
      const addon = ADDONS.find((name) => resolveDir.endsWith(join('node_modules', name)))
      return addon === undefined ? null : { path: `${addon}/binding`, external: true }
    })
  },
}

/** What a module of the new format knows about itself. */
const META = { 'import.meta.url': '__url', 'import.meta.filename': '__filename' }
const META_BANNER = "const __url = require('node:url').pathToFileURL(__filename).href;"

/** What `cordon/client` and `cordon/devnet` are: each source for itself, with its types. */
async function buildLibrary(): Promise<void> {
  const compiler = join(ROOT, 'node_modules', '.bin', 'tsc')
  const project = ['-p', join(ROOT, 'tsconfig.library.json'), '--outDir', join(OUTPUT, LIBRARY_FOLDER)]
  await promisify(execFile)(compiler, project, { cwd: ROOT })
}

rmSync(OUTPUT, { recursive: true, force: true })
const library = buildLibrary()
const bundleName = (entry: (typeof ENTRIES)[number]): string => builtName(entry).replace(/\.js$/, '.cjs')
await Promise.all(
  ENTRIES.map((entry) =>
    build({
      absWorkingDir: ROOT,
      entryPoints: [`${entry}.ts`],
      outfile: join(OUTPUT, bundleName(entry)),
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      charset: 'ascii',
      external: EXTERNAL,
      plugins: [addonsStayWhereTheyAre],
      define: META,
      banner: { js: META_BANNER },
      legalComments: 'linked',
      logLevel: 'warning',
    }),
  ),
)
await build({
  absWorkingDir: ROOT,
  entryPoints: ['config/launch.ts'],
  outfile: join(OUTPUT, LAUNCHER),
  format: 'esm',
  platform: 'node',
  target: 'node24',
})
for (const entry of ENTRIES) {
  const bundle = `import.meta.dirname + '/${bundleName(entry)}'`
  writeFileSync(join(OUTPUT, builtName(entry)), `import { launch } from './${LAUNCHER}'\nlaunch(${bundle})\n`)
}
mkdirSync(join(OUTPUT, ASSETS_FOLDER))
for (const [name, contents] of Object.entries(await bundlePage()))
  writeFileSync(join(OUTPUT, ASSETS_FOLDER, name), contents)
await library
