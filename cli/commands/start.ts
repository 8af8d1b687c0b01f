/** `cordon start`: the daemon in the foreground. */
import type { Command } from 'commander'
import { action } from '../run.ts'

interface StartOptions {
  readonly dir: string
}

export function build(command: Command): Command {
  command
    .requiredOption('--dir <directory>', 'directory of the node, as init made it')
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped, 78 configuration, 80 refuses to sign twice, 81 upgrade needed, 82 data inconsistent.',
    )
  return action(command, start)
}

async function start({ dir }: StartOptions): Promise<number> {
  const { runDaemonProcess } = await import('../../node/daemon.ts')
  return runDaemonProcess(dir)
}
