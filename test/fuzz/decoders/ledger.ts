/** Transactions, receipts and proofs from strangers, and what the ledger finds in its own store. */
import { DecodeError } from '../../../crypto/codec.ts'
import { toHex } from '../../../crypto/bytes.ts'
import * as entries from '../../../ledger/entries.ts'
import * as records from '../../../ledger/records.ts'
import { parseCursor, formatCursor } from '../../../ledger/history.ts'
import { decodeReceipt, encodeReceipt } from '../../../ledger/receipt.ts'
import { Bucket } from '../../../ledger/state/bucket.ts'
import { Inner } from '../../../ledger/state/inner.ts'
import { decodeStateProof, encodeStateProof } from '../../../ledger/state/proof.ts'
import { decodeTransaction, encodeTransaction } from '../../../ledger/transaction.ts'
import { memberOf } from '../../../ledger/windows.ts'
import { decoder, hexes, refusesAs, refusesWith, textOf, vectors, type Decoder } from '../decoder.ts'

const state = vectors<{
  readonly entries: {
    readonly account: { readonly id: string; readonly bytes: string }
    readonly hold: { readonly bytes: string }
    readonly validator: string
  }
  readonly receipts: readonly { readonly bytes: string }[]
  readonly proofs: readonly { readonly key: string; readonly proof: string }[]
}>('ledger-state')
const frozen = vectors<{ readonly transactions: readonly { readonly bytes: string }[] }>(
  'ledger-transactions',
)

const id = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

/** A record of the ledger's own store. */
function stored<Value>(
  name: string,
  decode: (bytes: Uint8Array) => Value,
  encode: (value: Value) => Uint8Array,
  ...seeds: readonly (Value | Uint8Array)[]
): Decoder {
  return decoder<Value>({
    name,
    decode,
    encode,
    refuses: refusesAs(DecodeError),
    seeds: () => seeds.map((seed) => (seed instanceof Uint8Array ? seed : encode(seed))),
  })
}

const [accountId] = hexes(state.entries.account.id) as [Uint8Array]
const [provenKey] = hexes(state.proofs[0]!.key) as [Uint8Array]
const [validator] = hexes(state.entries.validator) as [Uint8Array]

function bucketPage(): Bucket {
  const bucket = new Bucket('')
  for (const fill of [1, 2, 0x81]) bucket.set(id(fill), new Uint8Array(fill).fill(fill))
  return bucket
}

function innerPage(): Inner {
  const inner = new Inner('')
  for (const nibble of [0, 7, 15]) {
    inner.setChild(nibble, { path: nibble.toString(16), hash: id(nibble), count: nibble + 1, stub: true })
  }
  return inner
}

export const LEDGER_DECODERS: readonly Decoder[] = [
  decoder({
    name: 'transaction',
    decode: decodeTransaction,
    encode: ({ transaction }) => encodeTransaction(transaction),
    refuses: refusesWith('tx-too-large', 'tx-version', 'tx-malformed', 'tx-action-invalid'),
    seeds: () => hexes(...frozen.transactions.map(({ bytes }) => bytes)),
  }),
  stored('receipt', decodeReceipt, encodeReceipt, ...hexes(...state.receipts.map(({ bytes }) => bytes))),
  stored(
    'state-proof',
    (bytes) => decodeStateProof(provenKey, bytes),
    (proof) => encodeStateProof(provenKey, proof),
    ...hexes(...state.proofs.map(({ proof }) => proof)),
  ),
  stored(
    'account-entry',
    (bytes) => entries.decodeAccount(accountId, bytes),
    entries.encodeAccount,
    ...hexes(state.entries.account.bytes),
  ),
  stored('validator-entry', entries.decodeValidator, entries.encodeValidator, validator, {
    ...entries.decodeValidator(validator),
    offence: { kind: 'double-notarize', epoch: 0, position: 3, atMs: 5, height: 6, txId: id(7) },
  }),
  stored('hold-entry', entries.decodeHold, entries.encodeHold, ...hexes(state.entries.hold.bytes)),
  stored('fees-entry', entries.decodeFees, entries.encodeFees, 5n),
  stored('head', records.decodeHead, records.encodeHead, {
    genesisHash: id(1),
    genesisStateRoot: id(2),
    height: 3,
    stateRoot: id(4),
    entries: 5,
    totals: { balances: 6n, holds: 7n, stake: 8n, fees: 9n },
    outcomes: { settled: 10, held: 11, failed: 12 },
    liveIdBuckets: 13,
    executedBatchBuckets: 14,
  }),
  stored('result', records.decodeResult, records.encodeResult, {
    height: 3,
    digest: id(1),
    timeMs: 5,
    stateRoot: id(2),
    receiptsRoot: id(3),
    hadWork: true,
    receipts: 4,
  }),
  stored('body', records.decodeBody, records.encodeBody, {
    receipts: hexes(...state.receipts.slice(0, 2).map(({ bytes }) => bytes)),
    transactions: hexes(...frozen.transactions.slice(0, 2).map(({ bytes }) => bytes)),
    endedHolds: [id(8)],
  }),
  stored('location', records.decodeLocation, records.encodeLocation, { height: 4, index: 5 }),
  stored('window-record', records.decodeWindowRecord, records.encodeWindowRecord, {
    liveIds: [memberOf(1, id(1)), memberOf(2, id(2))],
    batches: [memberOf(3, id(3))],
  }),
  stored('changes', records.decodeChanges, records.encodeChanges, [
    { key: id(1), value: id(2) },
    { key: id(3), value: null },
  ]),
  stored(
    'open-hold',
    (bytes) => records.decodeOpenHold(records.openHoldKey(9, id(1)), bytes),
    records.encodeOpenHold,
    records.encodeOpenHold({ expiresMs: 9, id: id(1), payer: id(2), amount: 3n }),
  ),
  stored(
    'bucket-page',
    (bytes) => Bucket.decode('', bytes),
    (page) => page.encode(),
    bucketPage(),
  ),
  stored(
    'inner-page',
    (bytes) => Inner.decode('', bytes),
    (page) => page.encode(),
    innerPage(),
  ),
  decoder({
    name: 'history-cursor',
    decode: (bytes) => parseCursor(textOf(bytes)),
    refuses: refusesWith('rpc-invalid'),
    seeds: () => [Buffer.from(formatCursor({ height: 12, skip: 3 }))],
    text: true,
  }),
]

/** Hex of a frozen transaction, for formats that carry one. */
export const TRANSACTION_HEX: string = toHex(hexes(frozen.transactions[0]!.bytes)[0]!)
