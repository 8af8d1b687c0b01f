/** `cordon wallet …`: declarations; what they do is loaded when they run. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { explain } from '../explanation.ts'
import { buildPayout } from './payout.ts'
import { action } from '../run.ts'
import {
  keystoreOptions,
  localOptions,
  localPasswordOptions,
  nodeOptions,
  parseId,
  parseInteger,
  passwordOptions,
  timeoutOption,
  waitOption,
} from '../options.ts'

const DEFAULT_TIMEOUT = '30s'

export function build(wallet: Command): Command {
  create(wallet)
  exportKey(wallet)
  importKey(wallet)
  list(wallet)
  address(wallet)
  balance(wallet)
  send(wallet)
  request(wallet)
  buildPayout(wallet.command('payout'))
  history(wallet)
  receipt(wallet)
  guardian(wallet)
  contact(wallet)
  outbox(wallet)
  return wallet
}

function create(wallet: Command): void {
  const command = localPasswordOptions(wallet.command('create <name>'))
    .description('make a key; its 24 words are shown this once')
    .addOption(networkOption())
  action(command, async (options: never, name: string) =>
    (await import('../wallet/keys.ts')).create(options, name),
  )
}

const networkOption = (): Option =>
  new Option('--network <name>', "network of its address (default: that of the keystore's keys)").choices([
    'mainnet',
    'testnet',
    'devnet',
  ])

function exportKey(wallet: Command): void {
  const command = localOptions(wallet.command('export <key>'))
    .description('write a key to a file, sealed as it is in the keystore')
    .requiredOption('--out <file>', 'new file to write, mode 0600')
  explain(command, {
    about: [
      'The file opens with the password of the key and is a backup of it; the 24 words are not in it, and nothing is shown in clear.',
      'Exit codes: 0 done, 2 no such key or the file is there already, 78 the key file is damaged.',
    ],
    examples: ['cordon wallet export alice --out alice.backup'],
  })
  action(command, async (options: never, name: string) =>
    (await import('../wallet/backup.ts')).exportTo(options, name),
  )
}

function importKey(wallet: Command): void {
  const command = localPasswordOptions(wallet.command('import <name>'))
    .description('take a key in, from its 24 words or from an exported file')
    .option('--file <file>', 'exported key; it keeps its name and its password')
    .option('--words-stdin', 'read the 24 words from standard input instead of asking for them')
    .addOption(networkOption())
  explain(command, {
    about: [
      'The words never stand on the command line. A key that is there is never overwritten. From words the key gets a new password.',
      'Exit codes: 0 done, 2 wrong usage, wrong words or the name is taken, 8 no words or no password, 78 the exported file is damaged.',
    ],
    examples: [
      'cordon wallet import alice --network mainnet',
      'cordon wallet import alice --file alice.backup',
      'cordon wallet import alice --network devnet --words-stdin --password-file password < words',
    ],
  })
  action(command, async (options: never, name: string) =>
    (await import('../wallet/backup.ts')).importInto(options, name),
  )
}

function list(wallet: Command): void {
  const command = localOptions(wallet.command('list')).description('the keys of the keystore')
  action(command, async (options: never) => (await import('../wallet/keys.ts')).list(options))
}

function address(wallet: Command): void {
  const command = localOptions(wallet.command('address <account>')).description(
    'the address of a key or of a name in the address book',
  )
  action(command, async (options: never, name: string) =>
    (await import('../wallet/keys.ts')).address(options, name),
  )
}

function balance(wallet: Command): void {
  const command = keystoreOptions(wallet.command('balance [account]')).description(
    'the balance of a name or address; without one, of every key',
  )
  action(command, async (options: never, account: string | undefined) =>
    (await import('../wallet/accounts.ts')).balance(options, account),
  )
}

function send(wallet: Command): void {
  const command = passwordOptions(wallet.command('send'))
    .description('pay, and wait until the payment is final')
    .requiredOption('--from <key>', 'key that pays: a name of the keystore, or its address')
    .option('--to <account>', 'name or address that is paid')
    .option('--amount <amount>', 'with its unit: 12.50CRD or 12500000uCRD')
    .option('--memo <text>', 'text for the payee, at most 128 bytes', '')
    .addOption(waitOption())
    .addOption(
      timeoutOption(
        DEFAULT_TIMEOUT,
        'give up waiting after this time (exit 4); the payment may still settle',
      ),
    )
    .option('--key <key>', 'name of this payment: a repeat with the same name never pays twice', parseKey)
    .option('--uri <uri>', 'pay a request of wallet request, instead of --to, --amount and --memo')
    .option('--dry-run', 'show fee, balance after and the fraud decision; send nothing')
    .option('--yes', 'do not ask before a first payment, or about what a --uri asks for')
  explain(command, {
    about: [
      'On a terminal it asks once before the first payment to an address that is no contact and that this key has not paid before, and shows what a --uri asks for. A script is never asked.',
      'Exit codes: 0 settled, 2 wrong usage, 3 no node answers, 4 outcome unknown, 5 refused or failed, 6 held for review, 8 no password, or not confirmed.',
    ],
    examples: [
      'cordon wallet send --from alice --to bob --amount 12.50CRD --memo lunch',
      'cordon wallet send --from alice --to bob --amount 12.50CRD --key invoice-7 --json',
      'cordon wallet send --from alice --uri "$(cat request.txt)"',
    ],
  })
  action(command, async (options: never) => (await import('../wallet/send.ts')).send(options))
}

function request(wallet: Command): void {
  const command = localOptions(wallet.command('request'))
    .description('ask for a payment: a cordon: URI, and a QR code of it on a terminal; no node is asked')
    .requiredOption('--to <account>', 'name or address that is to be paid')
    .option('--amount <amount>', 'with its unit: 12.50CRD or 12500000uCRD (default: the payer says how much)')
    .option('--message <text>', 'what the payment carries as its memo, at most 128 bytes', '')
    .option('--qr', 'draw the QR code although standard output is no terminal')
  explain(command, {
    about: ['Who gets the URI pays it with wallet send --uri. Exit codes: 0 done, 2 wrong usage.'],
    examples: ['cordon wallet request --to alice --amount 12.50CRD --message lunch'],
  })
  action(command, async (options: never) => (await import('../wallet/request.ts')).request(options))
}

function history(wallet: Command): void {
  const command = keystoreOptions(wallet.command('history <account>'))
    .description('payments of a name or address, newest first')
    .option('--limit <count>', 'at most this many', parseInteger(1), 20)
    .option('--cursor <cursor>', 'go on where an earlier answer stopped')
  action(command, async (options: never, account: string) =>
    (await import('../wallet/accounts.ts')).history(options, account),
  )
}

function receipt(wallet: Command): void {
  const command = nodeOptions(wallet.command('receipt'))
    .description('the proof of a payment that cordon verify checks, as soon as it exists')
    .argument('<txid>', 'id of the transaction', parseId)
    .option('--out <file>', 'write it there instead of to standard output')
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(command, async (options: never, txId: string) =>
    (await import('../wallet/receipt.ts')).receipt(options, txId),
  )
}

function guardian(wallet: Command): void {
  const group = wallet
    .command('guardian')
    .description('the account that may confirm held payments of another one')
  const show = keystoreOptions(group.command('show <account>')).description(
    'the guardian of a name or address, and a change that is not in force yet',
  )
  action(show, async (options: never, account: string) =>
    (await import('../wallet/guardian.ts')).show(options, account),
  )
  const set = passwordOptions(group.command('set <account>'))
    .description('name the guardian of a key; in force after the guardianDelayMs of the network')
    .requiredOption('--from <key>', 'key whose guardian it becomes: a name of the keystore, or its address')
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(set, async (options: never, account: string) =>
    (await import('../wallet/guardian.ts')).set(options, account),
  )
  const remove = passwordOptions(group.command('remove'))
    .description('do without a guardian, after the same time')
    .requiredOption('--from <key>', 'key that has the guardian: a name of the keystore, or its address')
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(remove, async (options: never) => (await import('../wallet/guardian.ts')).set(options, null))
}

function contact(wallet: Command): void {
  const group = wallet
    .command('contact')
    .description("the address book: names of accounts that are not the wallet's own")
  const add = localOptions(group.command('add <name> <address>'))
    .description('give an address a name, which every command takes in its place from then on')
    .addOption(networkOption())
  explain(add, {
    about: [
      'A mistyped address, one of another network and the name of one of your keys are refused. A name that stands for another address already is not changed: remove it first.',
      'Exit codes: 0 done, 2 refused, 78 the address book is damaged.',
    ],
    examples: [
      'cordon wallet contact add landlord dcdn1af9xcclzn3fq40h42pa3xtk9lx25wa4wh6l8hyjzrm4xj9zx6gkqcgm7lt',
    ],
  })
  action(add, async (options: never, name: string, address: string) =>
    (await import('../wallet/contacts.ts')).add(options, name, address),
  )
  const list = localOptions(group.command('list')).description('the names of the address book')
  explain(list, { about: [], examples: ['cordon wallet contact list --json'] })
  action(list, async (options: never) => (await import('../wallet/contacts.ts')).list(options))
  const remove = localOptions(group.command('remove <name>')).description(
    'forget a name; nothing happens to the account',
  )
  explain(remove, {
    about: ['Exit codes: 0 done, 5 there is no such name, 78 the address book is damaged.'],
    examples: ['cordon wallet contact remove landlord'],
  })
  action(remove, async (options: never, name: string) =>
    (await import('../wallet/contacts.ts')).remove(options, name),
  )
}

function outbox(wallet: Command): void {
  const command = localOptions(wallet.command('outbox')).description(
    'signed payments that are kept: those whose end was not seen, and those with a --key; no node is asked',
  )
  explain(command, {
    about: [
      'State: open may be on its way or final already; over is past its validity by the clock of this machine, so it is final or expired, and cordon tx wait ID says which; refused was refused by the only node that ever had it.',
      'Exit codes: 0 done, 78 an entry is damaged.',
    ],
    examples: ['cordon wallet outbox --json'],
  })
  action(command, async (options: never) => (await import('../wallet/outbox.ts')).list(options))
}

const MAX_KEY_CHARACTERS = 200

function parseKey(text: string): string {
  if (text.length === 0 || text.length > MAX_KEY_CHARACTERS) {
    throw new InvalidArgumentError(`expected 1 to ${MAX_KEY_CHARACTERS} characters, got ${text.length}.`)
  }
  return text
}
