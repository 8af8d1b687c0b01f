/** Starting with, without and after a signer folder (consensus.md P9, P10), on real files. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { genesisHash } from '../../config/genesis.ts'
import { NOTHING_RESTORED, type Restored, type Signer } from '../../consensus/replica-types.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { hash as hashOf } from '../../crypto/hash.ts'
import { writeKeyFile } from '../../crypto/key-file.ts'
import { readOwnValidator, validatorSetOf } from '../../node/own-validator.ts'
import { openSigner } from '../../node/signing/open-signer.ts'
import { exportProtection, importProtection, signerReport } from '../../node/signing/protection-file.ts'
import { makeGenesis } from '../client/receipt-chain.ts'
import { certificate, digestOf } from '../consensus/fixtures.ts'

const genesis = makeGenesis()
const hash = genesisHash(genesis)
const set = validatorSetOf(genesis, hash)
const SELF = 1
const P = digestOf('P')

let root: string
let said: string[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cordon-signer-'))
  said = []
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

interface Machine {
  readonly directory: string
  readonly genesisFile: string
  readonly signerDirectory: string
  readonly validatorKeyFile: string
}

function machine(name: string): Machine {
  const directory = join(root, name)
  mkdirSync(join(directory, 'config'), { recursive: true })
  const genesisFile = join(directory, 'genesis.json')
  writeFileSync(genesisFile, serialiseGenesis(genesis))
  const validatorKeyFile = join(directory, 'key.json')
  writeKeyFile(validatorKeyFile, 'validator', hashOf('devnet-key', utf8(`validator ${SELF + 1}`)))
  return { directory, genesisFile, signerDirectory: join(directory, 'signer'), validatorKeyFile }
}

function start(config: Machine, options: { lostWait?: boolean; restored?: Restored } = {}): Promise<Signer> {
  const log = (_fields: unknown, text?: string): void => {
    said.push(text ?? String(_fields))
  }
  return openSigner({
    config,
    genesisHash: hash,
    set,
    ...readOwnValidator(config.validatorKeyFile, set),
    restored: NOTHING_RESTORED,
    lostWait: false,
    log: { warn: log, fatal: log },
    ...options,
  })
}

/** A life with a vote in each of these views. */
async function live(config: Machine, ...views: number[]): Promise<void> {
  const signer = await start(config)
  for (const view of views) assert.ok(signer.notarize(view, P).ok)
  await signer.close()
}

const condition = async (config: Machine): Promise<string> => (await signerReport(config)).condition

test('a key that has signed here is refused when its votes are gone, with the ways out in one line', async () => {
  const config = machine('a')
  assert.equal(await condition(config), 'unused')
  await live(config, 5)
  assert.equal(await condition(config), 'signing')
  rmSync(config.signerDirectory, { recursive: true })
  assert.equal(await condition(config), 'lost')
  await assert.rejects(start(config), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'signer-lost')
    assert.match(
      error.message,
      /has-signed\.json says so.*cordon signer import.*new validator key.*--signer-lost-wait/,
    )
    assert.doesNotMatch(error.message, /\n/)
    return true
  })
  await assert.rejects(
    start(config),
    { code: 'signer-lost' },
    'the folder that the refusal left is not taken for a journal',
  )
})

test('without the note the chain data tells; a note of another chain or key says nothing', async () => {
  const config = machine('a')
  const own = { ...NOTHING_RESTORED, certificates: [certificate(set, 'nullify', 3, null, [0, SELF, 2])] }
  await assert.rejects(start(config, { restored: own }), /chain data shows it/)
  writeFileSync(join(config.directory, 'config', 'has-signed.json'), '{"format":"cordon-has-signed/1"}\n')
  const others = { ...NOTHING_RESTORED, certificates: [certificate(set, 'nullify', 3, null, [0, 2, 3])] }
  await (await start(config, { restored: others })).close()
})

test('a note that cannot be written does not keep a validator from starting', async () => {
  const config = machine('a')
  // In the way of the file that becomes the note; no permission would stop a test that runs as root.
  mkdirSync(join(config.directory, 'config', 'has-signed.json.new'))
  await live(config, 5)
  assert.match(said[0] ?? '', /could not be noted/)
})

test('with the flag it waits, loudly, and without it from then on; on a table that is there the flag does nothing', async () => {
  const config = machine('a')
  await live(config, 5)
  rmSync(config.signerDirectory, { recursive: true })
  for (const lostWait of [true, false]) {
    const signer = await start(config, { lostWait })
    assert.equal(signer.abstention, 'signer-lost')
    assert.match(said.at(-1) ?? '', /32 more views.*no proof of safety/)
    await signer.close()
  }
  assert.equal(await condition(config), 'signer-lost')
  await assert.rejects(exportProtection(config), { code: 'signer-lost' })
  const other = machine('b')
  await live(other, 5)
  const signer = await start(other, { lostWait: true })
  assert.equal(signer.abstention, null)
  assert.match(said.at(-1) ?? '', /has no effect/)
  await signer.close()
})

test('a validator without whom there is no quorum is not left to wait for ever', async () => {
  const config = machine('a')
  const heavy = validatorSetOf(
    {
      ...genesis,
      validators: genesis.validators.map((entry, i) => ({ ...entry, stake: i === SELF ? 100n : 1n })),
    },
    hash,
  )
  await assert.rejects(
    openSigner({
      config,
      genesisHash: hash,
      set: heavy,
      ...readOwnValidator(config.validatorKeyFile, heavy),
      restored: NOTHING_RESTORED,
      lostWait: true,
      log: { warn: () => undefined, fatal: () => undefined },
    }),
    /would never end/,
  )
})

test('export, then import on another machine: it may start, keeps every refusal, and never repeats a batch number', async () => {
  const [from, to] = [machine('a'), machine('b')]
  const before = await start(from)
  before.notarize(5, P)
  before.nullify(6)
  const seq = before.nextBatchSeq() ?? 0
  await before.close()
  const text = await exportProtection(from)
  await importProtection(to, text, 'file')
  assert.equal(await exportProtection(to), text)
  const after = await start(to)
  assert.equal(after.finalize(6, P).ok, false)
  assert.equal(after.notarize(5, digestOf('Q')).ok, false)
  assert.ok((after.nextBatchSeq() ?? 0) > seq)
  await after.close()
  rmSync(to.signerDirectory, { recursive: true })
  await assert.rejects(start(to), { code: 'signer-lost' }, 'an import leaves the note, too')
})

test('after an import of marks alone minimal mode lasts over restarts', async () => {
  const [from, to] = [machine('a'), machine('b')]
  await live(from, 5, 7)
  const marks = `${JSON.stringify({ ...(JSON.parse(await exportProtection(from)) as object), rows: null })}\n`
  await importProtection(to, marks, 'file')
  for (const _ of ['first', 'second']) {
    assert.equal(await condition(to), 'minimal')
    const signer = await start(to)
    assert.equal(signer.notarize(6, P).ok, false)
    await signer.close()
  }
})

test('a folder in use is neither exported from nor imported into; its status may be read', async () => {
  const config = machine('a')
  await live(config, 5)
  const text = await exportProtection(config)
  const running = await start(config)
  await assert.rejects(exportProtection(config), { code: 'directory-locked' })
  await assert.rejects(importProtection(config, text, 'file'), { code: 'directory-locked' })
  await assert.rejects(start(config), { code: 'directory-locked' })
  const report = await signerReport(config)
  assert.deepEqual([report.condition, report.pid, report.votes], ['signing', process.pid, 1])
  await running.close()
  assert.equal((await signerReport(config)).pid, null)
})

test('a refused import leaves the journal as it was', async () => {
  const [config, other] = [machine('a'), machine('b')]
  await live(config, 5)
  const signer = await start(other)
  signer.notarize(5, digestOf('Q'))
  await signer.close()
  const journal = readFileSync(join(config.signerDirectory, 'votes.journal'))
  await assert.rejects(importProtection(config, await exportProtection(other), 'file'), {
    code: 'double-sign',
  })
  await assert.rejects(importProtection(config, '{}', 'file'), { code: 'protection-invalid' })
  assert.deepEqual(readFileSync(join(config.signerDirectory, 'votes.journal')), journal)
})
