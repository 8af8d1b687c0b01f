/** `tx trace`: where the time of a payment went, stage by stage, as each node saw it. */
import { isUnreachable } from '../../client/reachable.ts'
import { connect } from '../../client/rpc-client.ts'
import type { PaymentTrace, TraceStage } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { nodeUrls } from '../context.ts'
import { facts, table } from '../format.ts'
import type { NodeOptions } from '../options.ts'
import { note, type CommandResult } from '../output.ts'

/** What each stage means, in their order. */
const STAGES: Readonly<Record<TraceStage, string>> = {
  submitted: 'taken in by the node it was sent to',
  batched: 'in a batch, closed here or arrived',
  assessed: 'signatures checked and scored',
  acked: 'the batch is durable here, and said to be',
  certified: 'this node knows that enough hold it',
  proposed: 'in a block, made here or arrived',
  notarized: 'this node voted for the block',
  finalized: 'this node voted that it is final',
  final: 'enough others did',
  executed: 'applied, and durable',
}

interface NodeTrace {
  readonly rpc: string
  readonly trace: PaymentTrace | null
}

/** Asks every node that `--rpc` names, or every one of the devnet. */
export async function trace(options: NodeOptions, txId: string): Promise<CommandResult> {
  const asked = await Promise.all(nodeUrls(options).map((rpc) => ask(rpc, txId)))
  const nodes = asked.filter((each) => each !== null)
  if (nodes.length === 0)
    throw new CordonError(
      'cannot-connect',
      `none of ${asked.length} nodes answers; see: cordon devnet status`,
    )
  const seen = nodes.flatMap(({ rpc, trace: told }) => (told === null ? [] : [{ rpc, trace: told }]))
  const [first] = seen
  if (first === undefined)
    throw new CordonError(
      'not-found',
      `no node remembers the stages of ${txId}: it is not in a block yet, or was too long ago; see: cordon tx get ${txId}`,
      { txId },
    )
  const { height, author, leader } = first.trace
  const data = {
    txId,
    height,
    author,
    leader,
    nodes: seen.map(({ rpc, trace: { stages } }) => ({ rpc, stages })),
  }
  return { data, text: draw(data) }
}

/** Null: the node does not answer. */
async function ask(rpc: string, txId: string): Promise<NodeTrace | null> {
  try {
    const client = await connect([rpc])
    try {
      return { rpc, trace: await client.call('tx_trace', { txId }) }
    } finally {
      client.close()
    }
  } catch (error) {
    if (!isUnreachable(error)) throw error
    note(`${rpc} does not answer`)
    return null
  }
}

interface Traced extends Pick<PaymentTrace, 'txId' | 'height' | 'author' | 'leader'> {
  readonly nodes: readonly { readonly rpc: string; readonly stages: PaymentTrace['stages'] }[]
}

/** Milliseconds since the earliest stage, a column for each node. */
function draw({ txId, height, author, leader, nodes }: Traced): string {
  const startMs = Math.min(...nodes.flatMap(({ stages }) => stages.map(({ atMs }) => atMs)))
  const rows = (Object.keys(STAGES) as TraceStage[]).map((stage) => [
    stage,
    ...nodes.map(({ stages }) => {
      const atMs = stages.find((each) => each.stage === stage)?.atMs
      return atMs === undefined ? '-' : (atMs - startMs).toFixed(1)
    }),
    STAGES[stage],
  ])
  const columns = [
    { title: 'STAGE' },
    ...nodes.map(({ rpc }) => ({ title: new URL(rpc).host, align: 'right' as const })),
    { title: 'ms since the first' },
  ]
  return [
    facts([
      ['transaction', txId],
      ['batch of', author],
      ['block', `${height} of ${leader}`],
    ]),
    '',
    table(columns, rows),
  ].join('\n')
}
