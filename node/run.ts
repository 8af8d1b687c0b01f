/** A node of a devnet as a program: `node run.ts --dir NODE_DIR`. */
import { parseArgs } from 'node:util'
import { EXIT } from '../config/errors.ts'
import { runDaemonProcess } from './daemon.ts'

const { values } = parseArgs({ options: { dir: { type: 'string' } } })
if (values.dir === undefined) {
  process.stderr.write('cordon: usage: expected --dir NODE_DIR, the directory with config/cordon.toml\n')
  process.exit(EXIT.usage)
}
process.exit(await runDaemonProcess(values.dir))
