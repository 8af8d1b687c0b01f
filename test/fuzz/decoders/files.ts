/** Texts and files that people hand around, edit or leave lying on a disk. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CsvError, parseCsv } from '../../../cli/csv.ts'
import { Names } from '../../../cli/names.ts'
import { Outbox } from '../../../cli/outbox.ts'
import { examplePolicy, parsePolicy } from '../../../cli/requests/policy.ts'
import { decodeRequest, encodeRequest, type PaymentRequest } from '../../../cli/requests/request.ts'
import { SpendingLog } from '../../../cli/requests/spending.ts'
import { parsePlanPart } from '../../../cli/payout/plan.ts'
import { parseCursorFile } from '../../../cli/watch/cursor-file.ts'
import { formatPaymentUri, parsePaymentUri } from '../../../client/payment-uri.ts'
import { decodeReceiptFile, encodePortableReceipt } from '../../../client/receipt-file.ts'
import { formatAmount, parseAmount } from '../../../config/amount.ts'
import { parseGenesis, serialiseGenesis } from '../../../config/genesis-file.ts'
import { makeToken, parseTokens, serialiseTokens } from '../../../config/tokens.ts'
import { parseSettings, serialiseSettings } from '../../../config/node-config.ts'
import { DEFAULT_SETTINGS } from '../../../config/node-settings.ts'
import { parseProtection, serialiseProtection, type Protection } from '../../../consensus/protection.ts'
import { keyPairFromSeed, sign } from '../../../crypto/ed25519.ts'
import { encodeAddress, parseAddress } from '../../../crypto/address.ts'
import { writeKeyFile, readKeyFile } from '../../../crypto/key-file.ts'
import { readKeyInfo } from '../../../crypto/keystore.ts'
import { seedOfMnemonic } from '../../../crypto/mnemonic.ts'
import { readDevnetFile } from '../../../devnet/layout.ts'
import { AccountTable } from '../../../fraud/store/account-table.ts'
import { Baseline } from '../../../fraud/model/baseline.ts'
import { LabelledRowReader } from '../../../fraud/evaluation/labelled-rows.ts'
import { decodeHead, encodeHead } from '../../../fraud/head/file.ts'
import { HEAD_INPUTS } from '../../../fraud/head/inputs.ts'
import { FROM_TAIL } from '../../../fraud/learning/fit.ts'
import { Learner } from '../../../fraud/learning/learner.ts'
import { decodeLearnerState, encodeLearnerState } from '../../../fraud/learning/state-file.ts'
import { parseModelIndex, serialiseModelIndex, type ModelIndex } from '../../../node/models/shelf-index.ts'
import { encodeScorerSnapshot, parseScorerSnapshot } from '../../../node/scoring/scorer-snapshot.ts'
import { encodeLine, NO_LINE, parseReviewLog } from '../../../fraud/review/chain.ts'
import { readSnapshot, writeSnapshot } from '../../../fraud/store/snapshot.ts'
import { someEvents } from '../../fraud/review/some-events.ts'
import { someHead } from '../../fraud/head/some-head.ts'
import { makeGenesis, makeParts } from '../../client/receipt-chain.ts'
import { decoder, refusesAs, refusesWith, textOf, type Decoder } from '../decoder.ts'
import { TRANSACTION_HEX } from './ledger.ts'

const directory = mkdtempSync(join(tmpdir(), 'cordon-fuzz-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

/** A decoder that reads a file: `read` finds the input at `path`. */
function ofFile<Value>(
  name: string,
  path: string,
  read: (directory: string, path: string) => Value,
  refuses: Decoder['refuses'],
  seeds: () => readonly string[],
): Decoder {
  const folder = join(directory, name)
  const file = join(folder, path)
  mkdirSync(folder, { recursive: true })
  return decoder({
    name,
    decode: (bytes) => {
      writeFileSync(file, bytes)
      chmodSync(file, 0o600)
      return read(folder, file)
    },
    refuses,
    seeds: () => seeds().map((text) => Buffer.from(text)),
    text: true,
  })
}

/** Sealed with the password `fuzz` at the light cost: making one anew would differ each time. */
const KEYSTORE = `{
  "format": "cordon-keystore/1",
  "name": "fuzz",
  "address": "dcdn1af9xcclzn3fq40h42pa3xtk9lx25wa4wh6l8hyjzrm4xj9zx6gkqcgm7lt",
  "kdf": {
    "name": "argon2id",
    "memoryKiB": 4096,
    "passes": 1,
    "lanes": 1,
    "salt": "fde9bff8c6c69ff30236a7c469b333d3"
  },
  "cipher": {
    "name": "xchacha20-poly1305",
    "nonce": "32eb67e369bd748682807c64e849a4a63cc7d57ac5668999",
    "sealed": "2f29a7ef863c4ddeb120843960492232e6c23d4e880d2f55b7636fb5ef4c8512913a79b5425a93341a55dbeb719aaf1d"
  },
  "checksum": "9abf4450346bfa3bbf9c9e5f2a7b927289fc5104d294e74b2832080e526bb191"
}
`

function keyFileText(): string {
  const path = join(directory, 'validator.json')
  writeKeyFile(path, 'validator', new Uint8Array(32).fill(7))
  return readFileSync(path, 'utf8')
}

const MNEMONIC = `${'abandon '.repeat(23)}art`
const CHAIN = '0102030405060708'
const OUTBOX_ID = '11'.repeat(32)
const ADDRESS = encodeAddress('dcdn', new Uint8Array(32).fill(5))

const OUTBOX = {
  format: 'cordon-outbox/1',
  chain: CHAIN,
  key: null,
  txId: OUTBOX_ID,
  validUntilMs: 1_700_000_060_000,
  from: ADDRESS,
  to: ADDRESS,
  amount: '5',
  memo: 'lunch',
  tx: TRANSACTION_HEX,
}

const PAYMENT_REQUEST: PaymentRequest = {
  payer: ADDRESS,
  payee: ADDRESS,
  amountUnits: 5n,
  why: 'lunch',
  createdMs: 1,
  expiresMs: 2,
  policyDigest: '33'.repeat(32),
  salt: '44'.repeat(16),
}

const SPENDING = { format: 'cordon-spending/1', id: '55'.repeat(16), amount: '5', timeMs: 1, total: '5' }

const PAYOUT_CSV = 'payee,amount,reference\nbob,12.50CRD,"invoice ""7"", and\nmore"\n\ncarol,1uCRD,\n'

const PAYOUT_PLAN = {
  format: 'cordon-payout/1',
  chain: CHAIN,
  from: ADDRESS,
  rowsPerTx: 20,
  rows: [{ line: 2, payee: 'bob', to: ADDRESS, amount: '5', memo: 'lunch' }],
}

const DEVNET = {
  format: 'cordon-devnet/1',
  seed: 's',
  createdMs: 1,
  genesisHash: '22'.repeat(32),
  parameters: { deltaMs: 5 },
  loadAccounts: 0,
  nodes: [
    {
      name: 'v1',
      validator: true,
      rpc: 'http://127.0.0.1:1',
      p2p: '/ip4/127.0.0.1/tcp/2',
      dir: 'v1',
      stake: '1',
      pid: null,
    },
  ],
  supervisor: { pid: 1, identity: 'i', port: 2, token: 't', startedMs: 3 },
  identities: { v1: 'i' },
}

const LABELLED_FILE = `time,kind,from,to,amount,is_sar,pattern_id,pattern_type
2023-01-01T00:00:00,opening,-2,7,54500.72,0,,
2023-01-02T03:04:05.250Z,transfer,7,8,12.5,1,3,fan_in
2023-01-02T03:04:06,spend,8,-1,9,0,,`

const MODEL_INDEX: ModelIndex = {
  configured: '1'.repeat(64),
  voting: '2'.repeat(64),
  previous: ['1'.repeat(64)],
  shadow: null,
  models: [
    {
      id: '2'.repeat(64),
      name: 'learned',
      origin: 'learned',
      base: '1'.repeat(64),
      addedMs: 1_700_000_000_000,
      about: 'learned from 28 outcomes of holds, 14 of them fraud',
    },
  ],
}

function learnerState(holds: number): Uint8Array {
  const learner = new Learner(FROM_TAIL, () => 0)
  for (let i = 0; i < holds; i++) {
    const inputs = new Float32Array(HEAD_INPUTS.length).fill(i)
    learner.transfer(() => ({ key: `${i}`, payer: 'payer', inputs, tail: i }), 'held')
    if (i > 0) learner.outcome(`${i}`, true)
    learner.transfer(() => ({ key: `alert ${i}`, payer: 'payer', inputs, tail: i }), 'alert')
  }
  return Buffer.concat([...encodeLearnerState(learner.state)])
}

const SNAPSHOT_SUM_BYTES = 4
const SNAPSHOT_ACCOUNTS = 4

function snapshot(accounts: number): Uint8Array {
  const table = new AccountTable(SNAPSHOT_ACCOUNTS)
  for (let account = 0; account < accounts; account++)
    table.touch(`0${account}`.repeat(32), 1_700_000_000_000)
  return writeSnapshot(table, new Baseline())
}

/** The first `count` of some events, as one log. */
function reviewLog(count: number): string {
  const { secretKey } = keyPairFromSeed(new Uint8Array(32).fill(8))
  let prev = NO_LINE
  const lines = someEvents()
    .slice(0, count)
    .map((event) => {
      const { line, digest } = encodeLine(event, prev, (message) => sign(message, secretKey))
      prev = digest
      return `${line}\n`
    })
  return lines.join('')
}

const PROTECTION: Protection = {
  genesisHash: new Uint8Array(32).fill(1),
  publicKey: new Uint8Array(32).fill(2),
  epoch: 1,
  highWater: {
    notarize: { view: 6, pid: new Uint8Array(32).fill(3) },
    nullify: 7,
    finalize: { view: 0, pid: null },
  },
  reservedBatchSeq: 2_001,
  conflict: null,
  rows: {
    above: 4,
    votes: [
      { kind: 'notarize', view: 6, pid: new Uint8Array(32).fill(3), signature: new Uint8Array(64).fill(4) },
      { kind: 'nullify', view: 7, pid: null, signature: new Uint8Array(64).fill(5) },
    ],
  },
}

const TOKENS = (['read', 'operate'] as const).map((scope) => ({
  ...makeToken(scope, scope, 1, scope === 'read' ? 2 : null).token,
  hash: new Uint8Array(32).fill(6),
}))

export const FILE_DECODERS: readonly Decoder[] = [
  decoder({
    name: 'genesis',
    decode: (bytes) => parseGenesis(textOf(bytes)),
    refuses: refusesWith('genesis-invalid', 'format-version'),
    seeds: () => [Buffer.from(serialiseGenesis(makeGenesis()))],
    text: true,
  }),
  decoder({
    name: 'protection',
    decode: (bytes) => parseProtection(textOf(bytes), 'protection.json'),
    refuses: refusesWith('protection-invalid', 'format-version'),
    encode: (protection) => Buffer.from(serialiseProtection(protection)),
    seeds: () =>
      [PROTECTION, { ...PROTECTION, rows: null }].map((each) => Buffer.from(serialiseProtection(each))),
    text: true,
  }),
  decoder({
    name: 'settings',
    decode: (bytes) => parseSettings(textOf(bytes), 'cordon.toml'),
    refuses: refusesWith('config-invalid', 'format-version'),
    seeds: () => [Buffer.from(serialiseSettings(DEFAULT_SETTINGS))],
    text: true,
  }),
  decoder({
    name: 'tokens',
    decode: (bytes) => parseTokens(textOf(bytes), 'tokens.json'),
    refuses: refusesWith('config-invalid', 'format-version'),
    seeds: () => [Buffer.from(serialiseTokens(TOKENS))],
    text: true,
  }),
  decoder({
    name: 'payment-policy',
    decode: (bytes) => parsePolicy(textOf(bytes), 'policy.toml'),
    refuses: refusesWith('policy-invalid', 'format-version'),
    seeds: () => [Buffer.from(examplePolicy())],
    text: true,
  }),
  decoder({
    name: 'payment-request',
    decode: (bytes) => decodeRequest(textOf(bytes)),
    refuses: (error) => error instanceof RangeError || error instanceof SyntaxError,
    seeds: () => [Buffer.from(encodeRequest(PAYMENT_REQUEST))],
    text: true,
  }),
  ofFile(
    'spending',
    '1.json',
    (folder) => new SpendingLog(folder).spent(2),
    refusesWith('policy-invalid'),
    () => [JSON.stringify(SPENDING)],
  ),
  decoder({
    name: 'receipt-file',
    decode: (bytes) => decodeReceiptFile(textOf(bytes)),
    refuses: refusesWith('receipt-invalid'),
    seeds: () => [Buffer.from(encodePortableReceipt(makeParts()))],
    text: true,
  }),
  decoder({
    name: 'amount',
    decode: (bytes) => parseAmount(textOf(bytes)),
    refuses: refusesWith('amount-invalid'),
    seeds: () => ['12.50CRD', '7uCRD', formatAmount(2n ** 63n - 1n)].map((text) => Buffer.from(text)),
    text: true,
  }),
  decoder({
    name: 'address',
    decode: (bytes) => parseAddress(textOf(bytes)),
    refuses: refusesWith('address-invalid'),
    seeds: () => [Buffer.from(ADDRESS), Buffer.from(encodeAddress('cdn', new Uint8Array(32)).toUpperCase())],
    text: true,
  }),
  decoder({
    name: 'payment-uri',
    decode: (bytes) => parsePaymentUri(textOf(bytes)),
    refuses: refusesWith('payment-uri-invalid', 'address-invalid', 'amount-invalid'),
    seeds: () => [
      Buffer.from(formatPaymentUri({ address: ADDRESS, amount: 12_500_000n, message: 'lunch & tea' })),
      Buffer.from(`CORDON:${ADDRESS.toUpperCase()}?label=a&message=%C3%BC`),
    ],
    text: true,
  }),
  decoder({
    name: 'csv',
    decode: (bytes) => parseCsv(textOf(bytes)),
    refuses: refusesAs(CsvError),
    seeds: () => [PAYOUT_CSV, PAYOUT_CSV.replaceAll('\n', '\r\n')].map((text) => Buffer.from(text)),
    text: true,
  }),
  decoder({
    name: 'payout-plan',
    decode: (bytes) => parsePlanPart(textOf(bytes), 'plan.1.json'),
    refuses: refusesWith('config-invalid'),
    seeds: () => [Buffer.from(JSON.stringify(PAYOUT_PLAN))],
    text: true,
  }),
  decoder({
    name: 'cursor-file',
    decode: (bytes) => parseCursorFile(textOf(bytes), 'watch.cursor'),
    refuses: refusesWith('cursor-invalid'),
    seeds: () =>
      [null, ADDRESS].map((account) =>
        Buffer.from(JSON.stringify({ format: 'cordon-cursor/1', chain: CHAIN, account, cursor: '120.3' })),
      ),
    text: true,
  }),
  decoder({
    name: 'mnemonic',
    decode: (bytes) => seedOfMnemonic(textOf(bytes)),
    refuses: refusesWith('mnemonic-invalid'),
    seeds: () => [Buffer.from(MNEMONIC)],
    text: true,
  }),
  ofFile(
    'keystore',
    'fuzz.json',
    (folder) => readKeyInfo(folder, 'fuzz'),
    refusesWith('keystore-invalid', 'format-version'),
    () => [KEYSTORE],
  ),
  ofFile(
    'key-file',
    'key.json',
    (_folder, path) => readKeyFile(path, 'validator').publicKey,
    refusesWith('keystore-invalid'),
    () => [keyFileText()],
  ),
  ofFile(
    'address-book',
    'contacts.json',
    (folder, path) => new Names({ keystore: join(folder, 'none'), addressBook: path }).nameOf(ADDRESS),
    refusesWith('keystore-invalid'),
    () => [JSON.stringify({ bob: ADDRESS })],
  ),
  ofFile(
    'outbox',
    `${OUTBOX_ID}.1.json`,
    (folder) => new Outbox(folder, CHAIN).add(outboxEntry(), null).terms,
    refusesWith('config-invalid'),
    () => [JSON.stringify(OUTBOX, null, 2)],
  ),
  ofFile(
    'devnet-file',
    'devnet.json',
    (folder) => readDevnetFile(folder),
    refusesWith('config-invalid', 'format-version'),
    () => [JSON.stringify(DEVNET, null, 2)],
  ),
  decoder({
    name: 'labelled-file',
    decode: (bytes) => {
      const reader = new LabelledRowReader('labelled.csv')
      return [...reader.push(bytes), ...reader.end()]
    },
    refuses: refusesWith('labelled-file-invalid'),
    seeds: () => [LABELLED_FILE, LABELLED_FILE.replaceAll('\n', '\r\n')].map((text) => Buffer.from(text)),
    text: true,
  }),
  decoder({
    name: 'fraud-head',
    decode: (bytes) => decodeHead(Buffer.from(bytes).toString('utf8')),
    refuses: refusesWith('model-invalid'),
    seeds: () => [
      Buffer.from(encodeHead(someHead(1), { name: 'fuzz', trainedOn: '2026-11-27', data: ['a'] })),
    ],
    text: true,
  }),
  decoder({
    name: 'model-index',
    decode: (bytes) => parseModelIndex(Buffer.from(bytes).toString('utf8')),
    refuses: refusesWith('format-version', 'data-inconsistent'),
    seeds: () => [Buffer.from(serialiseModelIndex(MODEL_INDEX))],
    text: true,
  }),
  decoder({
    name: 'learner-state',
    decode: decodeLearnerState,
    refuses: refusesWith('format-version', 'data-inconsistent'),
    seeds: () => [learnerState(0), learnerState(2)],
  }),
  decoder({
    name: 'scorer-snapshot',
    decode: parseScorerSnapshot,
    refuses: refusesWith('format-version', 'data-inconsistent'),
    seeds: () => [
      encodeScorerSnapshot(Uint8Array.of(1, 2, 3), '[]'),
      encodeScorerSnapshot(new Uint8Array(0), '[{"key":"a:0","score":200,"details":[]}]'),
    ],
  }),
  decoder({
    name: 'review-log',
    decode: (bytes) => parseReviewLog(textOf(bytes), 'all').events.length,
    refuses: refusesWith('review-invalid'),
    seeds: () => [Buffer.from(reviewLog(1)), Buffer.from(reviewLog(someEvents().length))],
    text: true,
  }),
  decoder({
    name: 'fraud-snapshot',
    decode: (bytes) => {
      const { accounts, baseline } = readSnapshot(bytes, SNAPSHOT_ACCOUNTS, null)
      return [accounts.size, baseline.ready]
    },
    refuses: refusesWith('data-inconsistent', 'format-version'),
    seeds: () => [snapshot(0), snapshot(2), snapshot(SNAPSHOT_ACCOUNTS)],
    repair: (bytes) => {
      const repaired = Buffer.from(bytes)
      const end = repaired.length - SNAPSHOT_SUM_BYTES
      if (end >= 0) repaired.writeUInt32BE(crc32(repaired.subarray(0, end)), end)
      return repaired
    },
  }),
]

function outboxEntry(): Parameters<Outbox['add']>[0] {
  return {
    txId: Buffer.from(OUTBOX_ID, 'hex'),
    bytes: Buffer.from(TRANSACTION_HEX, 'hex'),
    validUntilMs: OUTBOX.validUntilMs,
    terms: { from: ADDRESS, to: ADDRESS, amount: '5', memo: 'lunch' },
  }
}
