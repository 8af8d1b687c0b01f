/** `cordon init`: the directory of a node. */
import { Option, type Command } from 'commander'
import { explain } from '../explanation.ts'
import { parsePort } from '../init/ports.ts'
import type { InitOptions } from '../init/init.ts'
import { collect, genesisOption, jsonOption } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

export function build(command: Command): Command {
  command
    .requiredOption('--dir <directory>', 'directory to make')
    .addOption(genesisOption('genesis file of the chain; it is copied (default: there is none yet)'))
    .option(
      '--validator-key [file]',
      'run a validator with the key in this file, or with a new key if no file is named (default: a full node)',
    )
    .option(
      '--announce <addresses>',
      'where other nodes reach it: HOST, HOST:PORT or a multiaddr (default: the addresses of this machine)',
      collect,
    )
    .option('--bootstrap <addresses>', 'nodes to connect to, written in the same way', collect)
    .addOption(portOption('--p2p-port <port>', 'port for other nodes (default: 7311)'))
    .addOption(portOption('--rpc-port <port>', 'port for wallets and programs, on loopback (default: 7310)'))
    .addOption(
      portOption('--operator-port <port>', 'port for the operator methods, on loopback (default: 7312)'),
    )
    .option('--yes', 'ask nothing: what is not given has its default')
    .addOption(jsonOption())
  explain(command, {
    about: [
      'On a terminal it asks for what no flag says, and makes nothing before the last answer. A script is never asked.',
      'A new network has no genesis file yet: its makers need the public key of each validator first, which this command prints. Without --genesis it makes everything else, and the node starts once the file is in the directory, as config/genesis.json.',
      'Exit codes: 0 done, 2 wrong usage, 8 the questions were broken off, 78 genesis or key cannot be used. After any but 0 nothing was made.',
    ],
    examples: [
      'cordon init --dir node --validator-key --announce 192.0.2.1 --bootstrap 192.0.2.2',
      'cordon init --dir node --genesis genesis.json --bootstrap node.example:7311 --yes',
    ],
  })
  return action(
    command,
    async (options: InitOptions): Promise<CommandResult> => (await import('../init/init.ts')).init(options),
  )
}

function portOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parsePort)
}
