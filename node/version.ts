/** Version of this build, from the package's manifest. */
import { existsSync, readFileSync } from 'node:fs'

function readVersion(): string {
  // One folder up in a checkout, two in the compiled package.
  for (const path of ['../package.json', '../../package.json']) {
    const url = new URL(path, import.meta.url)
    if (existsSync(url)) return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
  }
  return 'unknown'
}

export const VERSION: string = readVersion()
