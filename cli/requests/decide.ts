/** `mcp requests` and `mcp decline`: what was asked for, and turning it down. No node is asked and no key is opened. */
import { CordonError } from '../../config/errors.ts'
import { keystorePaths } from '../context.ts'
import { amount, amountBoth, distance, facts, printable, table, time } from '../format.ts'
import { Names } from '../names.ts'
import type { LocalOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { requestFolder } from './desk.ts'
import { stateOf } from './request-folder.ts'

interface ListOptions extends LocalOptions {
  /** Those that were decided or have expired, too. */
  readonly all?: boolean
}

export async function list(options: ListOptions): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const nowMs = Date.now()
  const { requests, damaged } = requestFolder(paths).list()
  const shown = requests
    .map((request) => ({ ...request, state: stateOf(request, nowMs) }))
    .filter(({ state }) => options.all === true || state === 'open')
  const names = new Names(paths)
  const text =
    shown.length === 0
      ? `no ${options.all === true ? '' : 'open '}payment requests`
      : table(
          [
            { title: 'REQUEST' },
            { title: 'AMOUNT', align: 'right' },
            { title: 'FROM' },
            { title: 'TO' },
            { title: 'STATE' },
            { title: 'EXPIRES' },
            { title: 'WHY, AS IT WAS ASKED' },
          ],
          shown.map(({ id, amountUnits, payer, payee, state, expiresMs, why }) => [
            id,
            amount(String(amountUnits)),
            names.short(payer),
            names.short(payee),
            state,
            `${time(expiresMs)} (${distance(expiresMs, nowMs)})`,
            printable(why),
          ]),
        )
  const [error] = damaged
  return {
    data: {
      requests: shown.map(({ id, state, payer, payee, amountUnits, why, createdMs, expiresMs }) => ({
        ...{ id, state, payer, payee, amount: amountUnits, why, createdMs, expiresMs },
      })),
      damaged: damaged.map(({ message }) => message),
    },
    text,
    ...(error === undefined ? {} : { error }),
  }
}

export async function decline(options: LocalOptions, id: string): Promise<CommandResult> {
  const paths = keystorePaths(options)
  const folder = requestFolder(paths)
  const { payee, amountUnits } = folder.get(id)
  if (folder.decide(id, 'declined') === 'approved')
    throw new CordonError(
      'policy-refused',
      `request ${id} was approved already; its payment is in: cordon wallet outbox`,
      { id },
    )
  return {
    data: { id, state: 'declined' },
    text: facts([
      ['declined', id],
      ['amount', amountBoth(String(amountUnits))],
      ['to', new Names(paths).label(payee)],
    ]),
  }
}
