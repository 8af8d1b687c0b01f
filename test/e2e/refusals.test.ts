/** What an operator can get wrong: each has its own clear error and exit code, and nothing crashes or is lost. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Devnet, cordon, rpc, type CliResult } from './harness.ts'

const DAEMON = fileURLToPath(new URL('../../node/daemon.ts', import.meta.url))

let devnet: Devnet

before(async () => {
  devnet = await Devnet.start(['--load-accounts', '100'])
})

after(async () => {
  await devnet[Symbol.asyncDispose]()
})

/** Runs the daemon on a node directory until it ends by itself. */
function daemon(dir: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [DAEMON, '--dir', dir], { stdio: ['ignore', 'ignore', 'pipe'] })
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

for (const [what, file, content, expected] of [
  ['a missing configuration', 'config/cordon.toml', null, /config-invalid/],
  ['a corrupt configuration', 'config/cordon.toml', 'rpc = [', /config-invalid/],
] as const) {
  test(`${what} is refused with exit 78`, async () => {
    const dir = copyOf('v2', 'broken')
    const path = join(dir, file)
    if (content === null) rmSync(path)
    else writeFileSync(path, content)
    const { code, stderr } = await daemon(dir)
    rmSync(dir, { recursive: true })
    assert.equal(code, 78, stderr)
    assert.match(stderr, expected)
  })
}

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
