/**
 * Stands in for the node daemon: answers /readyz, and /clock with its time, on the port in `config/fake.json`. Fields there bend it:
 * `exitCode` with `lastLine` (refuses to start), `deaf` (ignores SIGTERM), `neverReady`.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { directoryIsMade, tellUp } from '../../devnet/leash.ts'

await directoryIsMade
const { values } = parseArgs({ options: { dir: { type: 'string' } } })
const config = JSON.parse(readFileSync(join(values.dir ?? '', 'config', 'fake.json'), 'utf8')) as {
  port: number
  exitCode?: number
  lastLine?: string
  deaf?: boolean
  neverReady?: boolean
}

process.stdout.write(`${JSON.stringify({ level: 30, msg: 'fake node started' })}\n`)
if (config.exitCode !== undefined) {
  process.stderr.write(`${config.lastLine ?? ''}\n`)
  process.exit(config.exitCode)
}
const server = createServer((request, response) => {
  response.statusCode = request.url === '/readyz' && config.neverReady === true ? 503 : 200
  response.end(request.url === '/clock' ? String(Date.now()) : '{}')
})
server.listen(config.port, '127.0.0.1', tellUp)
process.on('SIGTERM', () => {
  if (config.deaf !== true) process.exit(0)
})
