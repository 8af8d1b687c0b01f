/** Events for tests: one of each kind, in an order that makes sense, signed by the key of seed 8. */
import { toHex } from '../../../crypto/bytes.ts'
import { keyPairFromSeed } from '../../../crypto/ed25519.ts'
import { NODE_ACTOR, type ReviewBody, type ReviewEvent } from '../../../fraud/review/events.ts'

export const KEY = keyPairFromSeed(new Uint8Array(32).fill(8))
export const [ALICE, BOB, CAROL] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [
  string,
  string,
  string,
]
export const CASE = '11'.repeat(32)
export const TRANSFER = { txId: '22'.repeat(32), action: 0, payer: ALICE, payee: BOB, amount: '5000000' }
export const START: ReviewBody = {
  type: 'log.started',
  genesisHash: '33'.repeat(32),
  publicKey: toHex(KEY.publicKey),
}

export function opened(change: Partial<Extract<ReviewBody, { type: 'case.opened' }>> = {}): ReviewBody {
  const said = { score: 100, reasons: ['drain'], details: ['62 % of the balance leaves'] }
  return { type: 'case.opened', case: CASE, cause: 'alert', ...TRANSFER, ...said, ...change }
}

/** Events with these bodies, one a second. */
export function eventsOf(...entries: readonly (readonly [actor: string, body: ReviewBody])[]): ReviewEvent[] {
  return entries.map(([actor, body], seq) => ({ seq, timeMs: 1_000 * seq, actor, body }))
}

export function someEvents(): ReviewEvent[] {
  return eventsOf(
    [NODE_ACTOR, START],
    [NODE_ACTOR, opened()],
    [NODE_ACTOR, { type: 'hold.began', case: CASE, expiresMs: 90_000 }],
    ['ann', { type: 'case.noted', case: CASE, text: 'called the payer: “not me”' }],
    ['ann', { type: 'case.closed', case: CASE, outcome: 'confirmed-fraud', needsSecond: true }],
    ['ben', { type: 'case.confirmed', case: CASE }],
    [NODE_ACTOR, { type: 'hold.ended', case: CASE, how: 'returned', atMs: 6_500 }],
    [
      'ben',
      {
        type: 'entry.added',
        kind: 'allow',
        subject: { payer: ALICE, payee: CAROL },
        expiresMs: 60_000,
        why: 'rent',
      },
    ],
    [NODE_ACTOR, { type: 'alert.muted', entry: 7, ...TRANSFER, score: 130, reasons: ['drain'] }],
    ['ben', { type: 'entry.removed', entry: 7 }],
    [
      'ben',
      { type: 'entry.added', kind: 'watch', subject: { account: BOB }, expiresMs: 60_000, why: 'mule?' },
    ],
    [
      'ben',
      { type: 'entry.added', kind: 'snooze', subject: { rule: 'burst' }, expiresMs: 60_000, why: 'sale' },
    ],
    ['ann', { type: 'hold.voted', case: CASE, side: 'return', txId: '77'.repeat(32) }],
  )
}
