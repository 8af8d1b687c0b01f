/** What an operator can get wrong: each has its own clear error and exit code, and nothing crashes or is lost. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { entryUrl } from '../../config/entries.ts'
import { readGenesisFile, serialiseGenesis } from '../../config/genesis-file.ts'
import { writeKeyFile } from '../../crypto/key-file.ts'
import { flipBit } from '../bitrot/flip.ts'
import { Devnet, cordon, rpc, type CliResult } from './harness.ts'

const DAEMON = fileURLToPath(entryUrl('devnet/run-node'))

let devnet: Devnet

before(async () => {
  devnet = await Devnet.start(['--load-accounts', '100'])
})

after(async () => {
  await devnet[Symbol.asyncDispose]()
})

/** Runs the daemon on a node directory until it ends by itself. */
function daemon(
  dir: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [DAEMON, '--dir', dir], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...variables },
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('exit', (code) => {
      resolve({ code, stderr })
    })
  })
}

/** A copy of a stopped node's folder, with its port changed so that only what the test spoils is wrong. */
function copyOf(name: string, to: string): string {
  const dir = join(devnet.dir, to)
  cpSync(join(devnet.dir, name), dir, { recursive: true, filter: (source) => !/lock$/i.test(source) })
  return dir
}

test('a second process on one directory is refused', async () => {
  const { code, stderr } = await daemon(join(devnet.dir, 'v1'))
  assert.equal(code, 78, stderr)
  assert.match(stderr, /directory-locked/)
})

test('a fail point that does not exist is refused', async () => {
  const { code, stderr } = await daemon(join(devnet.dir, 'v1'), { CORDON_FAIL_AT: 'vote-snt' })
  assert.equal(code, 78, stderr)
  assert.match(stderr, /config-invalid: .*CORDON_FAIL_AT.*vote-sent.*got "vote-snt"/)
})

test('a second devnet on one directory is refused', async () => {
  const second = await cordon(['devnet', '--json', '--dir', devnet.dir])
  assert.equal(second.code, 2, second.stderr)
  assert.match(second.stdout + second.stderr, /devnet-running|runs already/)
})

test('a port in use is named', async () => {
  const dir = copyOf('v1', 'port')
  rmSync(join(dir, 'data'), { recursive: true })
  const { code, stderr } = await daemon(dir)
  assert.equal(code, 78, stderr)
  assert.match(stderr, /port-in-use/)
})

test('garbage over RPC gets JSON-RPC errors, and the node goes on', async () => {
  const url = devnet.rpcOf('v1')
  const post = async (body: string): Promise<{ error?: { code: number } }> =>
    (await (
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    ).json()) as { error?: { code: number } }
  assert.equal((await post('{')).error?.code, -32700)
  assert.equal((await post('{"jsonrpc":"2.0","id":1}')).error?.code, -32600)
  assert.equal((await post('{"jsonrpc":"2.0","id":1,"method":"nope"}')).error?.code, -32601)
  assert.equal(
    (await post('{"jsonrpc":"2.0","id":1,"method":"tx_get","params":{"txId":5}}')).error?.code,
    -32602,
  )
  for (const tx of ['00', 'zz', 'ff'.repeat(200), '01'.repeat(20_000)]) {
    await assert.rejects(rpc(url, 'tx_submit', { tx }))
  }
  assert.ok((await rpc<{ executedHeight: number }>(url, 'chain_status')).executedHeight > 0)
})

test('a peer that sends garbage is thrown out, and the node goes on', async () => {
  const list = JSON.parse(readFileSync(join(devnet.dir, 'devnet.json'), 'utf8')) as {
    nodes: { name: string; p2p: string }[]
  }
  const port = Number(/\/tcp\/(\d+)/.exec(list.nodes[0]?.p2p ?? '')?.[1])
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(Buffer.alloc(100_000, 0xa5))
    })
    socket.once('close', () => {
      resolve()
    })
    socket.once('error', () => undefined)
    socket.setTimeout(30_000, () => {
      reject(new Error('the node kept the garbage connection for 30 s'))
      socket.destroy()
    })
    socket.resume()
  })
  const sent: CliResult = await devnet.cli(
    'wallet',
    'send',
    '--from',
    'alice',
    '--to',
    'bob',
    '--amount',
    '1CRD',
  )
  assert.equal(sent.code, 0, sent.stdout + sent.stderr)
})

test('clients without a node exit 3, and without a password exit 8', async () => {
  const nobody = await cordon(['status', '--rpc', 'http://127.0.0.1:9', '--json'])
  assert.equal(nobody.code, 3, nobody.stdout + nobody.stderr)
  assert.equal(nobody.json?.ok, false)
})

// ---- spoiled directories: v4 is killed for them, since only a stopped node's data can be copied ----

interface Spoiled {
  readonly what: string
  /** Changes one thing in the copy of a node's directory. */
  readonly spoil: (dir: string) => void
  readonly code: number
  readonly says: RegExp
}

const CONFIG = 'config/cordon.toml'
const VALIDATOR_KEY = 'signer/validator-key.json'
const FOREIGN_SEED = new Uint8Array(32).fill(0x5a)

/** Gives the copy a genesis file of its own. */
function useGenesis(dir: string, text: string): void {
  writeFileSync(join(dir, 'genesis.json'), text)
  const config = readFileSync(join(dir, CONFIG), 'utf8')
  writeFileSync(join(dir, CONFIG), config.replace(/^genesis = .*$/m, 'genesis = "genesis.json"'))
}

function otherChain(): string {
  const genesis = readGenesisFile(join(devnet.dir, 'genesis.json'))
  return serialiseGenesis({ ...genesis, nonce: new Uint8Array(16).fill(0x5a) })
}

/** Flips a bit in the middle of the newest file of this name. */
function flipInNewest(folder: string, end: string): void {
  const name = readdirSync(folder)
    .filter((file) => file.endsWith(end))
    .at(-1)
  const path = join(folder, name ?? assert.fail(`no ${end} in ${folder}`))
  flipBit(path, 4 * statSync(path).size)
}

const SPOILED: readonly Spoiled[] = [
  {
    what: 'a missing configuration',
    spoil: (dir) => rmSync(join(dir, CONFIG)),
    code: 78,
    says: /config-invalid: .*cordon\.toml/,
  },
  {
    what: 'a corrupt configuration',
    spoil: (dir) => writeFileSync(join(dir, CONFIG), 'rpc = ['),
    code: 78,
    says: /config-invalid: .*cordon\.toml/,
  },
  {
    what: 'a missing genesis file',
    spoil: (dir) => {
      useGenesis(dir, '')
      rmSync(join(dir, 'genesis.json'))
    },
    code: 78,
    says: /genesis-invalid: .*genesis\.json/,
  },
  {
    what: 'a corrupt genesis file',
    spoil: (dir) => useGenesis(dir, otherChain().slice(0, 500)),
    code: 78,
    says: /genesis-invalid: .*genesis\.json/,
  },
  {
    what: 'a missing validator key',
    spoil: (dir) => rmSync(join(dir, VALIDATOR_KEY)),
    code: 78,
    says: /keystore-invalid: .*validator-key\.json.* backup/,
  },
  {
    what: 'a corrupt validator key',
    spoil: (dir) =>
      writeFileSync(join(dir, VALIDATOR_KEY), '{"format":"cordon-key/1","purpose":"validator"}'),
    code: 78,
    says: /keystore-invalid: .*validator-key\.json.*expected seed/,
  },
  {
    what: 'a validator key that others may read',
    spoil: (dir) => chmodSync(join(dir, VALIDATOR_KEY), 0o644),
    code: 78,
    says: /keystore-invalid: .*expected mode 0600.*chmod 600/,
  },
  {
    what: 'a validator key that genesis does not name',
    spoil: (dir) => {
      rmSync(join(dir, VALIDATOR_KEY))
      writeKeyFile(join(dir, VALIDATOR_KEY), 'validator', FOREIGN_SEED)
    },
    code: 78,
    says: /config-invalid: .*not in the genesis file; use the right key, or remove validator_key/,
  },
  {
    what: 'the data of another chain',
    spoil: (dir) => useGenesis(dir, otherChain()),
    code: 78,
    says: /other-chain: .*belongs to chain [0-9a-f]+, the genesis file is of chain [0-9a-f]+; use/,
  },
  {
    what: 'a file in the place of the data directory',
    spoil: (dir) => {
      rmSync(join(dir, 'data'), { recursive: true })
      writeFileSync(join(dir, 'data'), '')
    },
    code: 78,
    says: /config-invalid: .*data cannot be made \(EEXIST\); check the data setting/,
  },
  {
    what: 'a ledger that is ahead of consensus',
    spoil: (dir) => rmSync(join(dir, 'data/chain'), { recursive: true }),
    code: 82,
    says: /data-inconsistent: the ledger executed height \d+, but consensus knows only 0.*move the data\/ folder away, leave signer\/ where it is/,
  },
  {
    what: 'a flipped bit in what consensus keeps',
    spoil: (dir) => {
      flipInNewest(join(dir, 'data/chain'), '.log')
    },
    code: 82,
    says: /data-inconsistent: .*chain\/\d+\.log is damaged at byte \d+; .*cordon doctor repair --dir /,
  },
  {
    what: 'a flipped bit in the ledger',
    spoil: (dir) => {
      flipInNewest(join(dir, 'data/ledger'), '.log')
    },
    code: 82,
    says: /data-inconsistent: .*ledger\/\d+\.log is damaged at byte \d+; balances may be wrong.*cordon doctor repair --dir /,
  },
  {
    what: "a flipped bit in the signer's journal",
    spoil: (dir) => {
      flipInNewest(join(dir, 'signer'), '.journal')
    },
    code: 82,
    says: /data-inconsistent: the signer's journal is damaged at byte \d+.*Stop here: restore/,
  },
]

test('what is wrong with a directory is named, each with its exit code', async (t) => {
  await devnet.run(0, 'devnet', 'kill', 'v4')
  for (const { what, spoil, code, says } of SPOILED) {
    await t.test(what, async () => {
      const dir = copyOf('v4', 'spoiled')
      spoil(dir)
      const ended = await daemon(dir)
      rmSync(dir, { recursive: true })
      assert.equal(ended.code, code, ended.stderr)
      assert.match(ended.stderr, says)
      assert.equal(ended.stderr.trim().split('\n').length, 1, 'one line says it all')
    })
  }
})
