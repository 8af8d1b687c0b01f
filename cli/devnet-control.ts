/** What the commands that bend a running devnet share: how they are declared, and how they reach its supervisor. */
import type { Command } from 'commander'
import type { ControlRequest } from '../devnet/control.ts'

export interface DevnetDirOptions {
  readonly dir?: string
}

/** Makes a subcommand; where its devnet is. */
export interface DevnetVerbs {
  readonly verb: (name: string, description: string) => Command
  readonly dirOf: (options: DevnetDirOptions) => string
}

/** @throws CordonError `devnet-missing` if it does not run; what its supervisor answers. */
export async function askDevnet(dir: string, request: ControlRequest): Promise<unknown> {
  const { runningSupervisor } = await import('../devnet/supervisor.ts')
  const { askSupervisor } = await import('../devnet/control.ts')
  return askSupervisor(runningSupervisor(dir), request)
}
