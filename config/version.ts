/** Version of this package, from its manifest. */
import { readFileSync } from 'node:fs'

/** One folder above this file's code, be that sources or a build. */
const MANIFEST = new URL('../package.json', import.meta.url)

/** Semantic version, such as `0.1.0`. */
export const VERSION: string = (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version
