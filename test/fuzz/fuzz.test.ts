import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { DecodeError, Reader } from '../../crypto/codec.ts'
import { corpusNames, corpusOf, KEPT_BYTES, KEPT_INPUTS } from './corpus.ts'
import { DECODERS } from './decoders.ts'
import { decoder, refusesAs, type Decoder } from './decoder.ts'
import { fuzz } from './fuzz.ts'
import { minimise } from './minimise.ts'
import { Watchdog } from './watchdog.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
process.stdout.write(`SEED=${SEED}\n`)

/** For all decoders together. */
const FUZZ_MS = 7_000
const CORPUS_BYTES = 300 * 1024

const ROOT = new URL('../..', import.meta.url).pathname
const FOLDERS = ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'p2p', 'client', 'node', 'devnet']

/** Functions with the name of a decoder that need none of their own, and why. */
const INSIDE_OTHERS: Readonly<Record<string, string>> = {
  readVersion: 'part of every wire decoder',
  readSigners: 'part of certificates',
  readBatchRef: 'part of messages and acks',
  decodeAction: 'part of transactions',
  decodeOrNull: 'calls the decoder it is given',
  decodeAddress: 'parseAddress, and a comparison',
  readGenesisFile: 'parseGenesis on what a file holds',
  readOwnValidator: 'readKeyFile, and a comparison',
  readError: 'makes an error, reads nothing',
  parseReviewEvent: 'part of the review log',
  readTokenFile: 'parseTokens on what a file holds',
  readSecretFile: 'a prefix and a set of characters',
  readNodeConfig: 'parseSettings on what a file holds',
  parseParameter: 'part of the genesis',
  readCheckedFile: 'a length and a checksum: test/node/checked-file.test.ts',
  parseExplanations: 'of a file that the node throws away when anything at all is wrong with it',
}

const watchdog = new Watchdog()
after(() => watchdog.stop())

describe('fuzzing', () => {
  for (const target of DECODERS) {
    test(`${target.name}: kept inputs, and new ones for a moment`, async () => {
      const report = await fuzz(target, { seed: SEED, forMs: FUZZ_MS / DECODERS.length, watchdog })
      assert.equal(report.finding, null, JSON.stringify(report.finding))
      assert.ok(report.accepted > 0, 'no seed is accepted: the decoder was never really tried')
      assert.ok(report.fates > 1)
    })
  }
})

describe('the fuzzer notices', () => {
  const seeds = (): readonly Uint8Array[] => [Uint8Array.of(0, 0, 0, 2, 7, 7, 0, 0)]
  const refuses = refusesAs(DecodeError)
  const found = async (faulty: Omit<Decoder, 'name' | 'refuses' | 'seeds'>): Promise<string> => {
    const target = decoder({ name: 'faulty', refuses, seeds, ...faulty })
    const { finding } = await fuzz(target, { seed: 1, forMs: 20_000, watchdog })
    assert.ok(finding !== null, 'nothing was found')
    assert.match(finding.replay, /^npm run fuzz -- --only faulty --input [0-9a-f]*$/)
    return finding.fault
  }

  test('an error of another kind', async () => {
    const decode = (bytes: Uint8Array): string =>
      (bytes.length > 3 ? 'ok' : (undefined as unknown as string)).slice()
    assert.match(await found({ decode }), /^threw TypeError/)
  })

  test('a second spelling', async () => {
    const decode = (bytes: Uint8Array): number => new Reader(bytes).u8()
    const encode = (value: unknown): Uint8Array => Uint8Array.of(value as number)
    assert.match(await found({ decode, encode }), /^accepted another spelling/)
  })

  test('memory for a length that is only claimed', async () => {
    const decode = (bytes: Uint8Array): Uint8Array =>
      new Uint8Array(Math.min(new Reader(bytes).u32(), 2 ** 28))
    assert.match(await found({ decode }), /^reserved \d+ bytes/)
  })

  test('an input that is changed', async () => {
    const decode = (bytes: Uint8Array): Uint8Array => bytes.fill(1)
    assert.match(await found({ decode }), /^changed its input/)
  })
})

test('a finding is made small', async () => {
  const input = Uint8Array.from({ length: 250 }, (_, index) => index)
  const small = await minimise(input, async (bytes) => bytes.includes(7) && bytes.includes(200))
  assert.deepEqual(small, Uint8Array.of(7, 200))
})

describe('the registry', () => {
  test('has every decoder of the code', () => {
    const folder = join(ROOT, 'test/fuzz/decoders')
    const used = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n')
    const missing = FOLDERS.flatMap((name) => sourcesOf(join(ROOT, name)))
      .flatMap((source) => [...source.matchAll(/^export function ((?:decode|parse|read)[A-Z]\w*)/gm)])
      .flatMap(([, name = '']) =>
        new RegExp(`\\b${name}\\b`).test(used) || name in INSIDE_OTHERS ? [] : [name],
      )
    assert.deepEqual(missing, [])
  })

  test('has names of its own, and the corpus none that it does not know', () => {
    const names = DECODERS.map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
    assert.deepEqual(
      corpusNames().filter((name) => !names.includes(name) && !name.startsWith('.')),
      [],
    )
  })

  test('keeps a corpus that stays small', () => {
    const kept = DECODERS.map(({ name }) => corpusOf(name))
    assert.ok(kept.every((inputs) => inputs.length <= KEPT_INPUTS))
    assert.ok(kept.flat().every(({ length }) => length <= KEPT_BYTES))
    assert.ok(kept.flat().reduce((sum, { length }) => sum + length, 0) <= CORPUS_BYTES)
  })
})

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && statSync(join(folder, file)).isFile())
    .map((file) => readFileSync(join(folder, file), 'utf8'))
}
