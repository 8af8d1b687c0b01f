/** `cordon signer` as scripts and operators use it: exit codes, envelopes, files. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { readNodeConfig } from '../../config/node-config.ts'
import { genesisHash } from '../../config/genesis.ts'
import { NOTHING_RESTORED, type Signer } from '../../consensus/replica-types.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import { writeKeyFile } from '../../crypto/key-file.ts'
import { readOwnValidator, validatorSetOf } from '../../node/own-validator.ts'
import { openSigner } from '../../node/signing/open-signer.ts'
import { makeGenesis } from '../client/receipt-chain.ts'
import { Home, type Run } from './cordon.ts'

const genesis = makeGenesis()
const set = validatorSetOf(genesis, genesisHash(genesis))

/** A home with the directories of validator v2 on several machines. */
class Machines extends Home {
  async init(name: string): Promise<void> {
    const key = join(this.path, `${name}.key.json`)
    writeFileSync(join(this.path, 'genesis.json'), serialiseGenesis(genesis))
    writeKeyFile(key, 'validator', hash('devnet-key', utf8('validator 2')))
    const made = await this.run(['init', '--dir', name, '--genesis', 'genesis.json', '--validator-key', key])
    assert.equal(made.code, 0, made.stderr)
  }

  signer(command: string, name: string, ...args: readonly string[]): Promise<Run> {
    return this.run(['signer', command, '--dir', name, '--json', ...args])
  }

  /** As the node would open it. */
  open(name: string): Promise<Signer> {
    const { config } = readNodeConfig(join(this.path, name))
    return openSigner({
      config,
      genesisHash: genesisHash(genesis),
      set,
      ...readOwnValidator(config.validatorKeyFile ?? '', set),
      restored: NOTHING_RESTORED,
      lostWait: false,
      log: { warn: () => undefined, fatal: () => undefined },
    })
  }

  /** A life of the node in which it nullified view 9. */
  async live(name: string): Promise<void> {
    const signer = await this.open(name)
    signer.nullify(9)
    await signer.close()
  }
}

suite('cordon signer', { concurrency: 2 }, () => {
  test('a validator moves: status, export, import, and every mistake on the way is refused', async () => {
    using home = new Machines()
    await home.init('old')
    await home.init('new')
    assert.equal((await home.signer('status', 'old')).envelope.data?.condition, 'unused')
    const empty = await home.signer('export', 'old', '--out', 'votes.json')
    assert.deepEqual([empty.code, empty.envelope.error?.code], [80, 'signer-lost'])
    await home.live('old')

    const out = await home.signer('export', 'old', '--out', 'votes.json')
    assert.equal(out.code, 0, out.stdout)
    assert.match(out.stderr, /do not start this node again/)
    assert.equal(statSync(join(home.path, 'votes.json')).mode & 0o777, 0o600)
    const again = await home.signer('export', 'old', '--out', 'votes.json')
    assert.deepEqual([again.code, again.envelope.error?.code], [2, 'usage'])
    assert.equal((await home.signer('export', 'old', '--out', 'votes.json', '--force')).code, 0)

    const taken = await home.signer('import', 'new', '--file', 'votes.json')
    assert.equal(taken.code, 0, taken.stdout)
    const { file, bytes, ...exported } = out.envelope.data ?? {}
    assert.deepEqual([file, bytes], ['votes.json', statSync(join(home.path, 'votes.json')).size])
    assert.deepEqual(taken.envelope.data, { ...exported, directory: join(home.path, 'new/signer') })
    const twice = await home.signer('import', 'new', '--file', 'votes.json')
    assert.deepEqual(twice.envelope.data, taken.envelope.data, 'the same file again changes nothing')
    const signer = await home.open('new')
    assert.equal(signer.finalize(9, new Uint8Array(32)).ok, false)
    for (const [command, args] of [
      ['import', ['--file', 'votes.json']],
      ['export', ['--out', 'b.json']],
    ] as const) {
      const refused = await home.signer(command, 'new', ...args)
      assert.deepEqual([refused.code, refused.envelope.error?.code], [78, 'directory-locked'])
    }
    const running = await home.signer('status', 'new')
    assert.deepEqual([running.code, running.envelope.data?.pid], [0, process.pid])
    await signer.close()
  })

  test('a file that cannot be taken is refused with what is wrong, and 78', async () => {
    using home = new Machines()
    await home.init('node')
    await home.live('node')
    await home.signer('export', 'node', '--out', 'votes.json')
    const text = readFileSync(join(home.path, 'votes.json'), 'utf8')
    for (const [content, code] of [
      [text.slice(0, -20), 'protection-invalid'],
      [text.replace('protection/1', 'protection/9'), 'format-version'],
      [text.replace(/"chainId":"../, '"chainId":"00'), 'other-chain'],
      [text.replace(/"publicKey":"../, '"publicKey":"00'), 'other-chain'],
    ] as const) {
      writeFileSync(join(home.path, 'bad.json'), content)
      const refused = await home.signer('import', 'node', '--file', 'bad.json')
      assert.deepEqual([refused.code, refused.envelope.error?.code], [78, code])
    }
    const missing = await home.signer('import', 'node', '--file', 'missing.json')
    assert.deepEqual([missing.code, missing.envelope.error?.code], [2, 'usage'])
  })

  test('a node whose signer folder is lost does not start: exit 80, and status says so', async () => {
    using home = new Machines()
    await home.init('node')
    await home.live('node')
    rmSync(join(home.path, 'node', 'signer'), { recursive: true })
    assert.equal((await home.signer('status', 'node')).envelope.data?.condition, 'lost')
    const started = await home.run(['start', '--dir', 'node'])
    assert.equal(started.code, 80, started.stderr)
    assert.match(started.stderr, /^cordon: signer-lost: .*--signer-lost-wait/m)
  })

  test('a full node has no signer; without --json people get sentences', async () => {
    using home = new Machines()
    writeFileSync(join(home.path, 'genesis.json'), serialiseGenesis(genesis))
    await home.run(['init', '--dir', 'full', '--genesis', 'genesis.json'])
    const full = await home.signer('status', 'full')
    assert.deepEqual([full.code, full.envelope.error?.code], [78, 'config-invalid'])
    await home.init('node')
    const told = await home.run(['signer', 'status', '--dir', 'node'])
    assert.match(told.stdout, /condition\s+unused: this key has signed nothing here yet/)
  })
})
