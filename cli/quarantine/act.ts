/** `quarantine release`, `return`, `recall` and `confirm`: what ends a hold. */
import { CordonError, EXIT } from '../../config/errors.ts'
import { fromHex } from '../../crypto/bytes.ts'
import { readKeyInfo, type KeyInfo, type OpenKey } from '../../crypto/keystore.ts'
import type { HoldInfo, TxInfo, ValidatorInfo } from '../../client/api.ts'
import { submitAndWait } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import type { ReviewSide } from '../../ledger/actions/index.ts'
import { chosenDevnet, connectNode, keystorePaths, type KeystorePaths } from '../context.ts'
import { amountBoth, facts, milliseconds, table } from '../format.ts'
import { Names } from '../names.ts'
import type { PasswordOptions } from '../options.ts'
import { exitOf, failureOf, rounded } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { readChain, signActions, type Chain } from '../../client/signing.ts'
import { requireNetwork, unlock } from '../signing.ts'

interface ActOptions extends PasswordOptions {
  readonly timeout: number
}

interface ReviewOptions extends ActOptions {
  readonly as?: readonly string[]
}

interface ReviewRow {
  readonly as: string
  /**
   * `not-needed`: the hold had ended before it was this operator's turn. `voted-before`: its vote counts already.
   * `refused`: it was not even sent, or the node did not take it.
   */
  readonly status: TxInfo['status'] | 'refused' | 'not-needed' | 'voted-before'
  readonly txId: string | null
  readonly height: number | null
  /** Why it did not count, or null. */
  readonly failure: string | null
}

/** Votes with one operator after the other until the hold has ended. */
export async function review(options: ReviewOptions, id: string, side: ReviewSide): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const operators = operatorKeys(options, paths)
  const client = await connectNode(options)
  try {
    let hold = await client.call('quarantine_get', { id })
    requireOpen(hold)
    const [chain, validators] = await Promise.all([readChain(client), client.call('chain_validators', {})])
    const rows: ReviewRow[] = []
    for (const operator of operators) {
      const unsent = reasonNotToVote(hold, validators, operator, side)
      rows.push(unsent ?? (await voteOnce({ options, paths, client, chain, operator, id, side })))
      if (unsent === null) hold = await client.call('quarantine_get', { id })
    }
    return reviewResult(hold, side, rows)
  } finally {
    client.close()
  }
}

/** @throws CordonError `usage` if nobody is named and there is no devnet; `key-unknown`. */
function operatorKeys(options: ReviewOptions, paths: KeystorePaths): readonly KeyInfo[] {
  const named = options.as ?? []
  if (named.length > 0) return [...new Set(named)].map((name) => readKeyInfo(paths.keystore, name))
  const devnet = options.keystore === undefined ? chosenDevnet(options) : null
  if (devnet === null) throw new CordonError('usage', 'say with which operator keys to vote: --as NAME')
  return devnet.file.nodes
    .filter(({ validator }) => validator)
    .map(({ name }) => readKeyInfo(paths.keystore, name))
}

function requireOpen(hold: HoldInfo): void {
  if (hold.status === 'open') return
  throw new CordonError('hold-unknown', `hold ${hold.id} is not open any more: it was ${hold.status}`, {
    id: hold.id,
    status: hold.status,
  })
}

/** A vote that cannot count is not sent: it would only cost its fee. */
function reasonNotToVote(
  hold: HoldInfo,
  validators: readonly ValidatorInfo[],
  { name, address }: KeyInfo,
  side: ReviewSide,
): ReviewRow | null {
  const row = (status: ReviewRow['status'], failure: string | null = null): ReviewRow => ({
    as: name,
    status,
    txId: null,
    height: null,
    failure,
  })
  if (hold.status !== 'open') return row('not-needed')
  const operated = validators.filter(({ operator }) => operator === address)
  if (operated.length === 0) return row('refused', 'not-an-operator')
  const earlier = operated.map((validator) =>
    hold.reviews.find((review) => review.validator === validator.name),
  )
  if (earlier.includes(undefined)) return null
  return earlier.some((review) => review?.side !== side)
    ? row('refused', 'already-voted')
    : row('voted-before')
}

interface Vote {
  readonly options: ReviewOptions
  readonly paths: KeystorePaths
  readonly client: RpcClient
  readonly chain: Chain
  readonly operator: KeyInfo
  readonly id: string
  readonly side: ReviewSide
}

async function voteOnce({ options, paths, client, chain, operator, id, side }: Vote): Promise<ReviewRow> {
  requireNetwork(operator, chain)
  const key = await unlock(options, paths, operator)
  const signed = signActions(chain, key, [{ type: 'hold.review', hold: fromHex(id, 32), side }])
  try {
    const { info } = await submitAndWait(client, { txId: signed.id, bytes: signed.bytes }, options.timeout)
    return {
      as: operator.name,
      status: info.status,
      txId: info.txId,
      height: info.height,
      failure: info.failure,
    }
  } catch (error) {
    if (!(error instanceof CordonError) || error.code === 'outcome-unknown') throw error
    return { as: operator.name, status: 'refused', txId: null, height: null, failure: error.message }
  }
}

function reviewResult(hold: HoldInfo, side: ReviewSide, rows: readonly ReviewRow[]): CommandResult {
  const good: readonly ReviewRow['status'][] = ['settled', 'voted-before', 'not-needed']
  const failed = rows.find(({ status }) => !good.includes(status))
  const counted = rows.filter(({ status }) => status === 'settled')
  const error =
    failed === undefined
      ? {}
      : {
          error: new CordonError(
            'tx-failed',
            `the vote of ${failed.as} did not count: ${failed.failure ?? failed.status}`,
            { id: hold.id, as: failed.as, failure: failed.failure },
          ),
        }
  const exit = failed === undefined ? EXIT.done : counted.length > 0 ? EXIT.partlyDone : EXIT.rejected
  const text = [
    `hold ${hold.id}: ${hold.status === 'open' ? 'still open, more stake has to vote' : hold.status}`,
    table(
      [{ title: 'OPERATOR' }, { title: 'VOTE' }, { title: 'STATUS' }, { title: 'HEIGHT', align: 'right' }],
      rows.map((row) => [
        row.as,
        side,
        row.failure === null ? row.status : `${row.status}: ${row.failure}`,
        row.height === null ? '-' : String(row.height),
      ]),
    ),
  ].join('\n')
  return { data: { id: hold.id, side, status: hold.status, reviews: rows }, text, exit, ...error }
}

/** How one account ends a hold by itself. */
interface SoleEnd {
  readonly type: 'hold.recall' | 'hold.confirm'
  /** Who may do it: its address. @throws CordonError if nobody may. */
  readonly actor: (hold: HoldInfo) => string
  /** Who that is to the hold. */
  readonly role: string
  /** Where the money goes. */
  readonly goesTo: (hold: HoldInfo) => readonly [label: string, address: string]
}

const RECALL: SoleEnd = {
  type: 'hold.recall',
  role: 'payer',
  actor: ({ payer }) => payer,
  goesTo: ({ payer }) => ['back to', payer],
}

const CONFIRM: SoleEnd = {
  type: 'hold.confirm',
  role: 'guardian',
  actor: guardianOf,
  goesTo: ({ payee }) => ['on to', payee],
}

function guardianOf({ id, payer, guardian }: HoldInfo): string {
  if (guardian !== null) return guardian
  throw new CordonError(
    'not-found',
    `the payer ${payer} had no guardian in force when the payment was held, so nobody can confirm it; operators can release it`,
    { id, payer },
  )
}

/** Takes a held payment back. */
export function recall(options: ActOptions, id: string): Promise<CommandResult> {
  return endAlone(options, id, RECALL)
}

/** Lets a held payment of somebody whose guardian one is, go on. */
export function confirm(options: ActOptions, id: string): Promise<CommandResult> {
  return endAlone(options, id, CONFIRM)
}

async function endAlone(
  options: ActOptions,
  id: string,
  { type, actor, role, goesTo }: SoleEnd,
): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const names = new Names(paths)
  const client = await connectNode(options)
  try {
    const hold = await client.call('quarantine_get', { id })
    requireOpen(hold)
    const address = actor(hold)
    const info = names.keyOf(address)
    if (info === null)
      throw new CordonError(
        'key-unknown',
        `only the ${role} ${address} can ${type.slice('hold.'.length)} the hold, and its key is not in ${paths.keystore}`,
        { [role]: address },
      )
    return await actAlone({
      options,
      names,
      client,
      hold,
      key: await unlock(options, paths, info),
      type,
      goesTo,
    })
  } finally {
    client.close()
  }
}

interface SoleAct extends Pick<SoleEnd, 'type' | 'goesTo'> {
  readonly options: ActOptions
  readonly names: Names
  readonly client: RpcClient
  readonly hold: HoldInfo
  readonly key: OpenKey
}

async function actAlone({
  options,
  names,
  client,
  hold,
  key,
  type,
  goesTo,
}: SoleAct): Promise<CommandResult> {
  const { id } = hold
  const signed = signActions(await readChain(client), key, [{ type, hold: fromHex(id, 32) }])
  const { info, latencyMs } = await submitAndWait(
    client,
    { txId: signed.id, bytes: signed.bytes },
    options.timeout,
  )
  const error = failureOf(info)
  const after = error === null ? await client.call('quarantine_get', { id }) : hold
  const [label, address] = goesTo(hold)
  return {
    data: {
      id,
      txId: info.txId,
      status: info.status,
      holdStatus: after.status,
      height: info.height,
      latencyMs: rounded(latencyMs),
      fee: info.fee,
    },
    text: facts([
      ['hold', `${id}: ${after.status}`],
      ['amount', amountBoth(hold.amount)],
      [label, names.label(address)],
      ['final after', milliseconds(latencyMs)],
      ['transaction', info.txId],
    ]),
    exit: exitOf(info),
    ...(error === null ? {} : { error }),
  }
}
