/** Tools about the network: how it is, and what a payment would do to it. */
import type { ChainProgress, ChainStatus } from '../../client/api.ts'
import { readChain } from '../../client/signing.ts'
import { parseAddress } from '../../crypto/address.ts'
import { decisionOf, dryRun } from '../dry-run.ts'
import { amountBoth, distance } from '../format.ts'
import { transferTerms } from '../transfers.ts'
import { account, foreign, money, utc } from './answer.ts'
import { accountArgument, AMOUNT_ARGUMENT, namesOf, type Tool } from './tool.ts'

export const chainHealth: Tool<Record<string, never>> = {
  name: 'chain_health',
  title: 'How the network is',
  description: 'In a sentence whether the network settles payments, and if not, why.',
  args: {},
  run: async (context) => {
    const [status, progress] = await context.withNode((client) =>
      Promise.all([client.call('chain_status', {}), client.call('chain_progress', {})]),
    )
    return {
      data: {
        network: status.network,
        settles: !progress.stalled,
        height: status.height,
        newestBlock: utc(status.blockTimeMs),
        finalityP50Ms: status.finality.p50Ms,
        openHolds: status.openHolds,
        pending: status.pendingTxs,
        model: { id: status.model.id, healthy: status.model.healthy },
        findings: progress.stalled ? progress.findings.map(foreign) : [],
      },
      lines: [sentence(status, progress)],
    }
  },
}

function sentence(status: ChainStatus, { stalled, findings }: ChainProgress): string {
  const block = `block ${status.height} is the newest (${distance(status.blockTimeMs, Date.now())})`
  if (stalled)
    return `The ${status.network} is standing still, so no payment settles: ${block}; ${findings.map(foreign).join('; ')}.`
  const { p50Ms } = status.finality
  const pace = p50Ms === null ? '' : `, and half of all payments are final within ${Math.round(p50Ms)} ms`
  const model = status.model.healthy ? '' : '; the fraud model of this node is not well'
  return `The ${status.network} settles payments: ${block}${pace}; ${status.openHolds} payments are held for review${model}.`
}

export const checkPayment: Tool<{
  readonly from: string
  readonly to: string
  readonly amount: string
  readonly memo?: string
}> = {
  name: 'check_payment',
  title: 'What a payment would do',
  description:
    'A dry run of a payment: its fee, the balance after it, and whether this node would flag it and why. Nothing is signed or sent.',
  args: {
    from: accountArgument('who would pay'),
    to: accountArgument('who would be paid'),
    amount: AMOUNT_ARGUMENT,
    memo: { type: 'string', description: 'text that would be public, at most 128 bytes', maxLength: 128 },
  },
  optional: ['memo'],
  run: async (context, { from, to, amount, memo = '' }) => {
    const names = namesOf(context)
    const payer = names.resolve(from)
    parseAddress(payer)
    const terms = { from: payer, ...transferTerms({ to, amount, memo }, payer, names) }
    const dry = await context.withNode(async (client) => dryRun(client, await readChain(client), terms))
    const because = dry.classes.map(({ text }) => foreign(text))
    return {
      data: {
        from: account(names, terms.from),
        to: account(names, terms.to),
        ...money(terms.amount),
        fee: money(dry.fee),
        balanceAfter: money(dry.balanceAfter),
        wouldBeFlagged: dry.wouldHold,
        because,
      },
      lines: [
        `${names.label(terms.from)} would pay ${amountBoth(terms.amount)} to ${names.label(terms.to)}, and a fee of ${amountBoth(dry.fee)}; ${amountBoth(dry.balanceAfter)} would be left.`,
        `Decision: ${decisionOf(dry)}${because.length === 0 ? '' : `, because ${because.join('; ')}`}.`,
        'Nothing was signed or sent.',
      ],
    }
  },
}
