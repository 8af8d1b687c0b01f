/** `cordon tx …`: declarations; what they do is loaded when they run. */
import { Argument, InvalidArgumentError, Option, type Command } from 'commander'
import { explain } from '../explanation.ts'
import {
  genesisOption,
  jsonOption,
  keystoreOptions,
  localOptions,
  localPasswordOptions,
  nodeOptions,
  parseDuration,
  parseId,
  repeated,
  timeoutOption,
  waitOption,
} from '../options.ts'
import { action } from '../run.ts'

const DEFAULT_TIMEOUT = '60s'

export function build(tx: Command): Command {
  get(tx)
  wait(tx)
  trace(tx)
  buildUnsigned(tx)
  sign(tx)
  send(tx)
  decode(tx)
  hash(tx)
  return tx
}

function get(tx: Command): void {
  const command = keystoreOptions(tx.command('get'))
    .description('what became of a transaction')
    .argument('<id>', 'id of the transaction', parseId)
  action(command, async (options: never, id: string) => (await import('../tx/read.ts')).get(options, id))
}

function wait(tx: Command): void {
  const command = keystoreOptions(tx.command('wait'))
    .description('wait until a transaction is settled, held, failed or expired; exits like wallet send')
    .argument('<id>', 'id of the transaction', parseId)
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(command, async (options: never, id: string) => (await import('../tx/read.ts')).wait(options, id))
}

function trace(tx: Command): void {
  const command = nodeOptions(tx.command('trace'))
    .description('where the time of a payment went, stage by stage, as each node saw it')
    .argument('<id>', 'id of the transaction', parseId)
  explain(command, {
    about: [
      'It asks every node of the devnet, or every one that --rpc names, for what it remembers of its newest payments, of some thousand blocks at most. Nodes tell the time by their own clocks: between machines the columns differ by as much as those do.',
      'Exit codes: 0 done, 2 wrong usage, 3 no node answers, 5 no node remembers it.',
    ],
    examples: ['cordon tx trace "$(cordon tx hash pay.signed)"'],
  })
  action(command, async (options: never, id: string) => (await import('../tx/trace.ts')).trace(options, id))
}

function buildUnsigned(tx: Command): void {
  const command = keystoreOptions(tx.command('build'))
    .description('make a payment without its signature, as one line of hex')
    .requiredOption('--from <account>', 'name or address that pays; its key may lie elsewhere')
    .addOption(
      payeeOption('--to <account>', 'name or address that is paid; several are paid together or not at all'),
    )
    .addOption(payeeOption('--amount <amount>', 'with its unit: 12.50CRD or 12500000uCRD; one for each --to'))
    .option('--memo <text>', 'text for the payee, at most 128 bytes; none, or one for each --to', repeated)
    .option('--fee <amount>', 'with its unit (default: the lowest that the network takes)')
    .option(
      '--sequence <number>',
      "the payer's next sequence, which makes the transaction an ordered one; next: ask the node for it",
      parseSequence,
    )
    .option(
      '--valid-for <time>',
      "time from now, at most 10m without --sequence (default: the network's wallet validity; 1d with --sequence)",
      parseDuration,
    )
    .addOption(genesisOption('take the chain from its genesis file and ask no node'))
    .addOption(outOption())
  explain(command, {
    about: [
      'Without --sequence a transaction is unordered: the ledger takes it once, within its validity of at most ten minutes, in any order. That is little time to carry it to a key on another machine and back. An ordered one (--sequence, one more than the sequence of the last) may be valid for as long as you like; it is taken only right after the one before it, and a second one with the same sequence is worth nothing. --sequence next follows the last one that was executed, and does not count those on their way.',
      'Exit codes: 0 done, 2 wrong usage, 3 no node answers, 5 the ledger would refuse it, 78 the genesis file cannot be used.',
    ],
    examples: [
      'cordon tx build --from alice --to bob --amount 12.50CRD \\\n    --sequence 7 --valid-for 7d --genesis genesis.json --out pay.unsigned',
      'cordon tx build --from alice --to bob --amount 1CRD --to carol --amount 2CRD \\\n    | cordon tx sign | cordon tx send',
    ],
  })
  action(command, async (options: never) => (await import('../tx/build.ts')).build(options))
}

function sign(tx: Command): void {
  const command = localPasswordOptions(tx.command('sign'))
    .description('sign a transaction with a key of the keystore; no node is asked')
    .addArgument(fileArgument())
    .option('--from <key>', "key that signs: a name of the keystore, or its address (default: the payer's)")
    .addOption(genesisOption(OF_CHAIN))
    .addOption(outOption())
  explain(command, {
    about: [
      'It refuses a transaction of another chain, one that is signed already, one that nodes would refuse as it stands, and the key of anybody but the payer. On a terminal it shows what is to be signed before it asks for the password. Look at what came over another machine with cordon tx decode first.',
      'Exit codes: 0 signed, 2 wrong usage or no such key, 5 not to be signed, 8 no password or a wrong one, 78 the genesis file or the key file cannot be used.',
    ],
    examples: ['cordon tx sign pay.unsigned --genesis genesis.json --out pay.signed'],
  })
  action(command, async (options: never, file: string | undefined) =>
    (await import('../tx/sign.ts')).sign(options, file),
  )
}

function send(tx: Command): void {
  const command = keystoreOptions(tx.command('send'))
    .description('submit a signed transaction, and wait like wallet send')
    .addArgument(fileArgument())
    .addOption(waitOption())
    .addOption(
      timeoutOption(
        DEFAULT_TIMEOUT,
        'give up waiting after this time (exit 4); the payment may still settle',
      ),
    )
  explain(command, {
    about: [
      'The same bytes again are the same payment: they never pay twice, and give the same receipt. So keep them until the outcome is known.',
      'Exit codes: 0 settled, 2 wrong usage, 3 no node answers, 4 outcome unknown, 5 refused or failed, 6 held for review, 8 nothing to read.',
    ],
    examples: ['cordon tx send pay.signed --wait final --json'],
  })
  action(command, async (options: never, file: string | undefined) =>
    (await import('../tx/send.ts')).send(options, file),
  )
}

function decode(tx: Command): void {
  const command = localOptions(tx.command('decode'))
    .description(
      'everything that a transaction says, signed or not, and whether its signatures are valid; no node is asked',
    )
    .addArgument(fileArgument())
    .addOption(genesisOption(OF_CHAIN))
  explain(command, {
    about: [
      'Exit codes: 0 it is a transaction, whatever is wrong with it (see problem in --json), 2 wrong usage, 5 it is none, 78 the genesis file cannot be used.',
    ],
    examples: ['cordon tx decode pay.signed --genesis genesis.json'],
  })
  action(command, async (options: never, file: string | undefined) =>
    (await import('../tx/decode.ts')).decode(options, file),
  )
}

function hash(tx: Command): void {
  const command = tx
    .command('hash')
    .description('the id of a transaction, which signing does not change')
    .addArgument(fileArgument())
    .addOption(jsonOption())
  explain(command, {
    about: ['Exit codes: 0 done, 2 wrong usage, 5 it is no transaction.'],
    examples: ['cordon tx wait "$(cordon tx hash pay.signed)"'],
  })
  action(command, async (options: never, file: string | undefined) =>
    (await import('../tx/decode.ts')).hash(options, file),
  )
}

const OF_CHAIN = "genesis file of the transaction's chain (default: the devnet's)"

const fileArgument = (): Argument =>
  new Argument('[file]', 'file with the transaction in hex; none or -: standard input')

const outOption = (): Option =>
  new Option('--out <file>', 'write the hex to this new file instead of standard output')

const payeeOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(repeated).makeOptionMandatory()

const MAX_SEQUENCE = 2n ** 64n - 1n

function parseSequence(text: string): bigint | 'next' {
  if (text === 'next') return text
  const sequence = /^\d{1,20}$/.test(text) ? BigInt(text) : 0n
  if (sequence < 1n || sequence > MAX_SEQUENCE)
    throw new InvalidArgumentError(`expected a number from 1, or next, got ${JSON.stringify(text)}.`)
  return sequence
}
