/** `cordon genesis create | show | validator` */
import { Option, type Command } from 'commander'
import { explain } from '../explanation.ts'
import { jsonOption, keystoreOption, repeated } from '../options.ts'
import { action } from '../run.ts'

export function build(genesis: Command): Command {
  create(genesis)
  show(genesis)
  validator(genesis)
  return genesis
}

function create(genesis: Command): void {
  const command = genesis
    .command('create')
    .description('make the genesis file of a new network')
    .addOption(
      new Option('--network <name>', 'which kind of network: prefix of its addresses, and its parameters')
        .choices(['mainnet', 'testnet', 'devnet'])
        .makeOptionMandatory(),
    )
    .requiredOption(
      '--validator <validator>',
      'NAME,KEY,OPERATOR,STAKE, as cordon genesis validator prints it; once for each',
      repeated,
    )
    .option(
      '--account <account>',
      'ADDRESS,AMOUNT: somebody who has money from the start; once for each; a name will do, too',
      repeated,
    )
    .option('--param <name=value>', 'a parameter other than that of the network; once for each', repeated)
    .requiredOption('--out <file>', 'new file to write')
    .addOption(keystoreOption())
    .addOption(jsonOption())
  explain(command, {
    about: [
      'KEY is the public key that cordon init prints, OPERATOR the address or name whose transactions carry the reviews of the validator. Amounts have their unit. Everything that is wrong is said at once, and nothing is written then.',
      'Made twice from the same words it is two networks: a genesis has a random number in it. Make it once, and give every operator the same file.',
      'Exit codes: 0 done, 2 something is wrong, or the file is there already.',
    ],
    examples: [
      'cordon genesis create --network testnet --validator "$(cat anna.validator)" \\\n    --validator "$(cat ben.validator)" --account anna,1000CRD --out genesis.json',
      'cordon genesis create --network testnet --validator "$(cat anna.validator)" \\\n    --param idleMs=2000 --param standstillMs=4000 --out genesis.json',
    ],
  })
  action(command, async (options: never) => (await import('../genesis/create.ts')).create(options))
}

function show(genesis: Command): void {
  const command = genesis
    .command('show')
    .description('what a genesis file says: its hash, validators with their share, supply, parameters')
    .argument('<file>', 'genesis file')
    .addOption(jsonOption())
  explain(command, {
    about: [
      'Two files with the same hash are the same network. It warns of a validator without whom nothing becomes final, of fewer than four validators, and of operators who could not pay the fee of a review.',
      'Exit codes: 0 done, 78 the file cannot be used.',
    ],
    examples: ['cordon genesis show node/config/genesis.json'],
  })
  action(command, async (_: object, file: string) => (await import('../genesis/show.ts')).show(file))
}

function validator(genesis: Command): void {
  const command = genesis
    .command('validator')
    .description('the line of a node for the genesis file: what --validator of genesis create takes')
    .argument('<name>', 'what the validator is to be called')
    .requiredOption('--dir <directory>', 'directory of the node, as init made it')
    .requiredOption(
      '--account <account>',
      'name or address of the operator: its transactions carry the reviews of the validator',
    )
    .requiredOption('--stake <amount>', 'its voting weight, with its unit: 1000CRD')
    .addOption(keystoreOption())
    .addOption(jsonOption())
  explain(command, {
    about: [
      'There is no secret in it. Give it to whoever makes the genesis file.',
      'Exit codes: 0 done, 2 wrong usage or a full node, 78 configuration or key cannot be used.',
    ],
    examples: ['cordon genesis validator ben --dir node --account ben --stake 1000CRD > ben.validator'],
  })
  action(command, async (options: never, name: string) =>
    (await import('../genesis/validator.ts')).validator(options, name),
  )
}
