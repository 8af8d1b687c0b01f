/** `cordon mcp …`: declarations; what they do is loaded when they run. */
import { Option, type Command } from 'commander'
import { CordonError } from '../../config/errors.ts'
import { explain } from '../explanation.ts'
import { streamOptions, localOptions, passwordOptions, timeoutOption } from '../options.ts'
import { action } from '../run.ts'

export function build(mcp: Command): Command {
  // Options after a subcommand's name are the subcommand's.
  mcp.enablePositionalOptions().hook('preSubcommand', requireOptionsBehind)
  serve(mcp)
  policy(mcp)
  requests(mcp)
  approve(mcp)
  decline(mcp)
  return mcp
}

/** What stands in front of a subcommand would be read and have no effect. @throws CordonError `usage`. */
function requireOptionsBehind(mcp: Command, subcommand: Command): void {
  const early = mcp.options.find((option) => mcp.getOptionValueSource(option.attributeName()) === 'cli')
  if (early !== undefined)
    throw new CordonError(
      'usage',
      `expected ${early.long ?? early.flags} behind ${subcommand.name()}, got it before`,
    )
}

function serve(mcp: Command): void {
  streamOptions(mcp).addOption(
    new Option('--policy <file>', 'let payments be asked for, within the limits of this file'),
  )
  explain(mcp, {
    about: [
      'It speaks the Model Context Protocol on standard input and output, one JSON-RPC message a line, and ends when standard input does; everything else goes to standard error. Its tools read accounts, histories, transactions and holds, and explain them. It opens no key and asks for no password.',
      'With --policy there is a tool that asks for a payment: it writes a request into a folder beside the keystore. A person sees it with cordon mcp requests and signs it, or not, with cordon mcp approve. docs/assistants.md has more.',
      'Exit codes: 0 standard input ended, 2 wrong usage, 78 the policy or the keystore cannot be used.',
    ],
    examples: ['cordon mcp --rpc http://127.0.0.1:7310', 'cordon mcp --policy policy.toml'],
  })
  action(mcp, async (options: never) => (await import('../mcp/serve.ts')).serve(options))
}

function policy(mcp: Command): void {
  const command = mcp.command('policy').description('print a policy to begin with, every key explained')
  explain(command, { about: [], examples: ['cordon mcp policy > policy.toml'] })
  action(command, async () => {
    const { examplePolicy } = await import('../requests/policy.ts')
    const text = examplePolicy()
    return { data: { policy: text }, text }
  })
}

function requests(mcp: Command): void {
  const command = localOptions(mcp.command('requests'))
    .description('payment requests that wait for a person; no node is asked')
    .option('--all', 'those that were decided or have expired, too')
  explain(command, {
    about: ['Exit codes: 0 done, 5 the file of a request was changed.'],
    examples: ['cordon mcp requests', 'cordon mcp requests --all --json'],
  })
  action(command, async (options: never) => (await import('../requests/decide.ts')).list(options))
}

function approve(mcp: Command): void {
  const command = passwordOptions(mcp.command('approve <id>'))
    .description('look at a payment request, sign it, and wait until its payment is final')
    .requiredOption('--policy <file>', 'the limits it was asked for under')
    .addOption(timeoutOption('30s', 'give up waiting after this time (exit 4); the payment may still settle'))
    .option('--yes', 'do not ask; the limits hold all the same')
  explain(command, {
    about: [
      'It shows who is paid, how much, why it was asked for, what is used up of the policy, and a dry run, and asks. Then policy and request are read once more: if either is not what was shown, or a limit would be passed, nothing is signed. What is approved counts against the limits whatever becomes of the payment.',
      'A request is paid at most once: approving it again follows the same payment.',
      'Exit codes: 0 settled, 2 wrong usage, 3 no node answers, 4 outcome unknown, 5 refused by the policy or the network, 6 held for review, 8 no password, or not confirmed, 78 the policy cannot be used.',
    ],
    examples: ['cordon mcp approve 1f0c3a5d7e9b2468ace013579bdf2468 --policy policy.toml'],
  })
  action(command, async (options: never, id: string) =>
    (await import('../requests/approve.ts')).approve(options, id),
  )
}

function decline(mcp: Command): void {
  const command = localOptions(mcp.command('decline <id>')).description(
    'turn a payment request down for good; no node is asked',
  )
  explain(command, {
    about: [
      'Exit codes: 0 declined, 5 there is no such request, it was changed, or it was approved already.',
    ],
    examples: ['cordon mcp decline 1f0c3a5d7e9b2468ace013579bdf2468'],
  })
  action(command, async (options: never, id: string) =>
    (await import('../requests/decide.ts')).decline(options, id),
  )
}
