import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'node:test'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { genesisHash, type Genesis } from '../../config/genesis.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { readNodeConfig } from '../../config/node-config.ts'
import { toHex } from '../../crypto/bytes.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { listKeys, openKey } from '../../crypto/keystore.ts'
import {
  ACCOUNT_NAMES,
  ACCOUNT_UNITS,
  LOAD_ACCOUNT_UNITS,
  OPERATOR_UNITS,
  namedAccounts,
} from '../../devnet/accounts.ts'
import { checkSameShape, createDevnet, devnetExists, resetDevnet } from '../../devnet/create.ts'
import { deriveKey } from '../../devnet/keys.ts'
import {
  devnetPaths,
  nodePaths,
  readDevnetFile,
  validatorUrls,
  writeDevnetFile,
} from '../../devnet/layout.ts'
import { takeLock } from '../../devnet/lock.ts'
import { peerIdOf } from '../../devnet/peer-id.ts'
import { freePorts } from '../../devnet/ports.ts'
import { processIdentity } from '../../devnet/processes.ts'
import { scratch } from './helpers.ts'

const SMALL = { loadAccounts: 20 }

async function made(shape: Parameters<typeof createDevnet>[1] = {}): Promise<string> {
  const dir = join(scratch(), 'net')
  await createDevnet(dir, { ...SMALL, ...shape })
  return dir
}

/** Without what makes each chain another one. */
function lasting({ nonce: _nonce, createdMs: _created, ...rest }: Genesis): object {
  return rest
}

test('a directory follows from its seed, but for the nonce and the time of creation', async () => {
  const [one, two, other] = [await made({ seed: 's' }), await made({ seed: 's' }), await made({ seed: 't' })]
  const [a, b, c] = [one, two, other].map((dir) => readGenesisFile(devnetPaths(dir).genesis))
  assert.deepEqual(lasting(a!), lasting(b!))
  assert.notDeepEqual(lasting(a!), lasting(c!))
  assert.notEqual(toHex(genesisHash(a!)), toHex(genesisHash(b!)))
  assert.equal(readDevnetFile(one).genesisHash, toHex(genesisHash(a!)))
})

test('genesis funds people, operators and load accounts, with equal stakes', async () => {
  const dir = await made()
  const genesis = readGenesisFile(devnetPaths(dir).genesis)
  const balanceOf = (id: Uint8Array): bigint | undefined =>
    genesis.accounts.find((account) => toHex(account.id) === toHex(id))?.balance
  const { seed } = readDevnetFile(dir)
  for (const { key } of namedAccounts(seed)) assert.equal(balanceOf(key.publicKey), ACCOUNT_UNITS)
  for (let index = 0; index < 20; index++)
    assert.equal(balanceOf(deriveKey(seed, 'load', index).publicKey), LOAD_ACCOUNT_UNITS)
  assert.equal(balanceOf(deriveKey(seed, 'load', 20).publicKey), undefined)
  assert.deepEqual(
    genesis.validators.map(({ name }) => name),
    ['v1', 'v2', 'v3', 'v4'],
  )
  assert.equal(new Set(genesis.validators.map(({ stake }) => stake)).size, 1)
  for (const { operator } of genesis.validators) assert.equal(balanceOf(operator), OPERATOR_UNITS)
})

test('the keystore opens with the password beside it; secrets are for their owner only', async () => {
  const dir = await made()
  const { keystore, password, file } = devnetPaths(dir)
  const secret = readFileSync(password, 'utf8').trim()
  assert.deepEqual(
    listKeys(keystore).map(({ name }) => name),
    [...ACCOUNT_NAMES, 'v1', 'v2', 'v3', 'v4'],
  )
  const { seed } = readDevnetFile(dir)
  const alice = await openKey(keystore, 'alice', secret)
  assert.equal(alice.address, namedAccounts(seed)[0]!.address)
  for (const path of [
    password,
    file,
    join(keystore, 'alice.json'),
    join(dir, 'v1', 'signer', 'validator-key.json'),
  ]) {
    assert.equal(statSync(path).mode & 0o777, 0o600, path)
  }
})

test('each node finds its keys, its chain and its peers', async () => {
  const dir = await made({ validators: 2, fullNodes: 1 })
  const { nodes, seed } = readDevnetFile(dir)
  assert.deepEqual(
    nodes.map(({ name, validator }) => [name, validator]),
    [
      ['v1', true],
      ['v2', true],
      ['f1', false],
    ],
  )
  for (const node of nodes) {
    const { config } = readNodeConfig(nodePaths(dir, node).dir)
    assert.equal(config.genesisFile, devnetPaths(dir).genesis)
    assert.equal(`http://127.0.0.1:${config.rpcPort}`, node.rpc)
    assert.deepEqual(
      config.bootstrap,
      nodes.filter((other) => other !== node).map(({ p2p }) => p2p),
    )
    assert.equal(
      node.p2p,
      `${config.listen[0]}/p2p/${peerIdOf(readKeyFile(config.peerKeyFile, 'peer').publicKey)}`,
    )
    assert.equal(config.validatorKeyFile === null, !node.validator)
    if (config.validatorKeyFile !== null) {
      assert.deepEqual(
        readKeyFile(config.validatorKeyFile, 'validator').publicKey,
        deriveKey(seed, 'validator', node.name).publicKey,
      )
    }
  }
  assert.deepEqual(
    validatorUrls(readDevnetFile(dir)),
    nodes.slice(0, 2).map(({ rpc }) => rpc),
  )
})

test('peer ids are those of libp2p', () => {
  for (let index = 0; index < 20; index++) {
    const { publicKey } = deriveKey('x', 'peer', index)
    assert.equal(peerIdOf(publicKey), peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString())
  }
})

test('ports: a row from the base, or free ones; one that is taken is named', async (t) => {
  const [base] = await freePorts(4)
  const dir = await made({ validators: 2, basePort: base! })
  assert.deepEqual(
    readDevnetFile(dir).nodes.map(({ rpc, p2p }) => [rpc, p2p.split('/')[4]]),
    [
      [`http://127.0.0.1:${base}`, String(base! + 2)],
      [`http://127.0.0.1:${base! + 1}`, String(base! + 3)],
    ],
  )
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await assert.rejects(made({ validators: 1, basePort: port }), {
    code: 'port-in-use',
    message: new RegExp(String(port)),
  })
  await assert.rejects(made({ validators: 1, basePort: 65_535 }), { code: 'usage' })
})

test('parameters and counts are checked before anything is made', async () => {
  const dir = join(scratch(), 'net')
  await assert.rejects(createDevnet(dir, { parameters: { nonsense: '1' } }), { code: 'parameter-invalid' })
  await assert.rejects(createDevnet(dir, { validators: 0 }), { code: 'usage' })
  await assert.rejects(createDevnet(dir, { validators: 60, fullNodes: 5 }), { code: 'usage' })
  await assert.rejects(createDevnet(dir, { loadAccounts: 3 }), { code: 'usage' })
  assert.equal(existsSync(dir), false)
})

test('a directory with something else in it is refused, an empty one is taken', async () => {
  const dir = scratch()
  const taken = join(dir, 'taken')
  mkdirSync(taken)
  writeFileSync(join(taken, 'thesis.txt'), 'years of work')
  await assert.rejects(createDevnet(taken, SMALL), { code: 'usage', message: /not empty/ })
  assert.deepEqual(readdirSync(taken), ['thesis.txt'])
  await assert.rejects(createDevnet(join(taken, 'thesis.txt'), SMALL), { code: 'usage' })
  mkdirSync(join(dir, 'empty'))
  await createDevnet(join(dir, 'empty'), SMALL)
  assert.equal(devnetExists(join(dir, 'empty')), true)
  assert.deepEqual(readdirSync(dir).sort(), ['empty', 'taken'], 'no draft is left')
})

test('options that contradict an existing devnet are refused; the same or none are fine', async () => {
  const dir = await made({ validators: 2, seed: 's', parameters: { quarantineMs: '3000' } })
  const file = readDevnetFile(dir)
  checkSameShape(dir, file, {})
  checkSameShape(dir, file, {
    validators: 2,
    seed: 's',
    fullNodes: 0,
    loadAccounts: 20,
    parameters: { quarantineMs: 3000, minFee: '1000' },
  })
  const different = [
    { validators: 3 },
    { fullNodes: 1 },
    { seed: 'x' },
    { basePort: 5 },
    { loadAccounts: 21 },
    { parameters: { quarantineMs: '4000' } },
    { parameters: { minFee: '1' } },
  ]
  for (const shape of different)
    assert.throws(() => checkSameShape(dir, file, shape), { code: 'devnet-differs' }, JSON.stringify(shape))
})

test('reset makes another chain of the same accounts and keeps signing state, review log and models', async () => {
  const dir = await made({ validators: 1 })
  const paths = devnetPaths(dir)
  const before = readGenesisFile(paths.genesis)
  const node = nodePaths(dir, { dir: 'v1' })
  writeFileSync(join(node.data, 'chain'), 'blocks')
  writeFileSync(join(node.signer, 'guard'), 'votes')
  mkdirSync(node.review)
  writeFileSync(join(node.review, 'log.jsonl'), 'cases')
  mkdirSync(node.models)
  writeFileSync(join(node.models, 'learning.bin'), 'outcomes')
  const result = resetDevnet(dir)
  const after = readGenesisFile(paths.genesis)
  assert.deepEqual(lasting(after), lasting(before))
  assert.notEqual(toHex(after.nonce), toHex(before.nonce))
  assert.equal(readDevnetFile(dir).genesisHash, toHex(genesisHash(after)))
  assert.equal(result.oldGenesisHash, toHex(genesisHash(before)))
  assert.equal(existsSync(join(node.data, 'chain')), false)
  assert.deepEqual(readdirSync(node.signer), ['validator-key.json'])
  assert.equal(readFileSync(join(result.kept, 'v1', 'signer', 'guard'), 'utf8'), 'votes')
  assert.equal(existsSync(node.review), false)
  assert.equal(readFileSync(join(result.kept, 'v1', 'review', 'log.jsonl'), 'utf8'), 'cases')
  assert.equal(existsSync(node.models), false)
  assert.equal(readFileSync(join(result.kept, 'v1', 'models', 'learning.bin'), 'utf8'), 'outcomes')
})

test('reset refuses while the devnet runs, and where there is none', async () => {
  const dir = await made({ validators: 1 })
  const release = takeLock(devnetPaths(dir).lock, dir)
  assert.throws(() => resetDevnet(dir), { code: 'devnet-running' })
  release()
  const file = readDevnetFile(dir)
  const stray = { ...file, nodes: file.nodes.map((node) => ({ ...node, pid: process.pid })) }
  writeDevnetFile(dir, { ...stray, identities: { v1: processIdentity(process.pid)! } })
  assert.throws(() => resetDevnet(dir), { code: 'devnet-running' }, 'a node outlived its supervisor')
  writeDevnetFile(dir, { ...stray, identities: { v1: 'an earlier process' } })
  resetDevnet(dir)
  assert.throws(() => resetDevnet(scratch()), { code: 'devnet-missing' })
})

test('a damaged or foreign devnet.json is named', async () => {
  const dir = await made({ validators: 1 })
  const { file } = devnetPaths(dir)
  const good = readDevnetFile(dir)
  writeDevnetFile(dir, good)
  assert.deepEqual(readDevnetFile(dir), good)
  const broken: [string, string][] = [
    ['not json', 'config-invalid'],
    ['{"format":"cordon-devnet/9"}', 'format-version'],
    [JSON.stringify({ ...good, nodes: [{ name: 'v1' }] }), 'config-invalid'],
    [JSON.stringify({ ...good, supervisor: { pid: 'x' } }), 'config-invalid'],
  ]
  for (const [text, code] of broken) {
    writeFileSync(file, text)
    assert.throws(() => readDevnetFile(dir), { code }, text)
  }
})

test('a lock of a process that is gone is taken over; a live one is not', () => {
  const dir = scratch()
  const lock = join(dir, 'lock')
  writeFileSync(lock, JSON.stringify({ pid: process.pid, identity: 'another start time' }))
  const release = takeLock(lock, dir)
  assert.throws(() => takeLock(lock, dir), { code: 'devnet-running' })
  release()
  writeFileSync(lock, 'half wri')
  takeLock(lock, dir)()
  assert.deepEqual(readdirSync(dir), [])
})
