/**
 * One example for each command that needs no other words below its options; the others have theirs where they are
 * declared (`explain`). `test/cli/help.test.ts` holds all of them to the command tree.
 */
import type { Command } from 'commander'
import { explain, explanationOf } from './explanation.ts'

const ID = '5f0c9a7e41d83b26c4e17f9052ab6d38e1c7b04f92a65d83170ce4b9f8a2d361'

/** By the words behind `cordon`. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'devnet status': '--json',
  'devnet stop': '--dir .cordon/devnet',
  'devnet reset': '--dir .cordon/devnet',
  'devnet kill': 'v1',
  'devnet restart': 'v1',
  'devnet pause': 'v2',
  'devnet resume': 'v2',
  'devnet partition': 'v1 v2',
  'devnet delay': '50 --jitter 10 --node v1',
  'devnet loss': '5 --node v1 v2',
  'devnet heal': '',
  'devnet faucet': 'bob 1000CRD',
  'devnet warp': '24h',
  'devnet snapshot': 'before-attack',
  'devnet restore': 'before-attack',
  'devnet attack': 'drain',
  'wallet create': 'alice --network testnet',
  'wallet list': '--json',
  'wallet address': 'alice',
  'wallet balance': 'alice',
  'wallet history': 'alice --limit 100 --json',
  'wallet receipt': `${ID} \\\n    --out receipt.json`,
  'wallet guardian show': 'alice',
  'wallet guardian set': 'bob --from alice',
  'wallet guardian remove': '--from alice',
  'tx get': ID,
  'tx wait': `${ID} --timeout 30s`,
  'quarantine list': '--status ended --json',
  'quarantine show': ID,
  'quarantine release': `${ID} --as v1`,
  'quarantine return': `${ID} --as v1`,
  'quarantine recall': ID,
  'quarantine confirm': ID,
  'quarantine cases': '--status open',
  'quarantine case show': ID,
  'quarantine case note': `${ID} \\\n    "called the payer"`,
  'quarantine case close': `${ID} \\\n    --outcome false-positive`,
  'quarantine case confirm': ID,
  'quarantine allow add': '--payer alice --payee bob --for 30d --why rent',
  'quarantine allow list': '',
  'quarantine allow remove': '3',
  'quarantine watch add': '--account mallory --for 7d --why "a chargeback elsewhere"',
  'quarantine watch list': '',
  'quarantine watch remove': '4',
  'quarantine snooze add': 'velocity --for 12h --why "pay day"',
  'quarantine snooze list': '',
  'quarantine snooze remove': '5',
  'quarantine export': '--since 0 --follow',
  'quarantine audit verify': 'review/log.jsonl',
  status: '--rpc http://127.0.0.1:7300',
  'block get': 'latest --json',
  validators: '--json',
  'evidence list': '--json',
  'doctor stall': '--rpc http://127.0.0.1:7300',
  'config show': '--dir node --origin',
  'token create': 'alice --scope review --expires 30d --out alice.token --dir node',
  'token list': '--dir node',
  'token revoke': 'alice --dir node',
  'token whoami': '--operator http://127.0.0.1:7301 --token-file alice.token',
  bench: '--rate 500 --duration 30 --json',
  'fraud eval': '--test days.csv.gz --model pretrained --curve curve.svg',
  'fraud train': '--data january.csv.gz february.csv.gz --out model.json',
  'fraud model list': '--json',
  'fraud model show': 'pretrained',
  'fraud model use': 'model.json',
  'fraud model rollback': '',
  'fraud model shadow': 'label-free',
  'fraud model report': '--json',
}

/** Gives a command and those under it their examples. */
export function addExamples(command: Command, path: string = command.name()): void {
  const example = EXAMPLES[path]
  if (example !== undefined && explanationOf(command) === null)
    explain(command, { about: [], examples: [`cordon ${path} ${example}`.trimEnd()] })
  for (const child of command.commands) addExamples(child, `${path} ${child.name()}`)
}

/** Paths that have an example here. */
export const EXAMPLE_PATHS: readonly string[] = Object.keys(EXAMPLES)
