/** `cordon start`: the daemon in the foreground. */
import type { Command } from 'commander'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'

interface StartOptions {
  readonly dir: string
  readonly signerLostWait?: boolean
}

export function build(command: Command): Command {
  command
    .requiredOption('--dir <directory>', 'directory of the node, as init made it')
    .option(
      '--signer-lost-wait',
      'what this validator signed is lost for good: follow without voting until it cannot matter any more (docs/signer.md)',
    )
  explain(command, {
    about: [
      'Exit codes: 0 stopped, 78 configuration, 80 refuses to sign twice, 81 upgrade needed, 82 data inconsistent.',
    ],
    examples: ['cordon start --dir node'],
  })
  return action(command, start)
}

async function start({ dir, signerLostWait = false }: StartOptions): Promise<number> {
  const { runDaemonProcess } = await import('../../node/daemon.ts')
  return runDaemonProcess(dir, { lostWait: signerLostWait })
}
