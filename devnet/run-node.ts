/** A node of a devnet as a program: `node run-node.ts --dir NODE_DIR`, tied to its supervisor (`leash.ts`). */
import { parseArgs } from 'node:util'
import { EXIT } from '../config/errors.ts'
import { runDaemonProcess } from '../node/daemon.ts'
import { directoryIsMade, tellUp } from './leash.ts'

const { values } = parseArgs({ options: { dir: { type: 'string' } } })
if (values.dir === undefined) {
  process.stderr.write('cordon: usage: expected --dir NODE_DIR, the directory with config/cordon.toml\n')
  process.exit(EXIT.usage)
}

async function run(dir: string): Promise<void> {
  await directoryIsMade
  process.exit(await runDaemonProcess(dir, { onStarted: tellUp }))
}

void run(values.dir)
