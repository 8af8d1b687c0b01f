/** Evidence on a real network: from anybody who holds it, through a batch, onto the ledger of every node, once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainIdOf, genesisHash } from '../../config/genesis.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { encodeEvidence, voteEvidence, type SignedChoice } from '../../consensus/evidence.ts'
import { voteMessage } from '../../consensus/wire.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import { deriveKey } from '../../devnet/keys.ts'
import { devnetPaths, readDevnetFile } from '../../devnet/layout.ts'
import { SYSTEM_SENDER } from '../../ledger/rules.ts'
import { encodeTransaction } from '../../ledger/transaction.ts'
import { validatorSetOf } from '../node/fixtures.ts'
import { Devnet, assertAgreement, eventually, rpc } from './harness.ts'

const VIEW = 3
const GUILTY = 3

/** Two finalize votes of v4 for one view, made with its key, in a transaction of the system. */
function doubleFinalize(dir: string, salt: bigint): string {
  const genesis = readGenesisFile(devnetPaths(dir).genesis)
  const hash = genesisHash(genesis)
  const set = validatorSetOf({ genesis, genesisHash: hash })
  const { secretKey } = deriveKey(readDevnetFile(dir).seed, 'validator', 'v4')
  const choice = (fill: number): SignedChoice => {
    const pid = new Uint8Array(32).fill(fill)
    return {
      kind: 'finalize',
      pid,
      signature: sign(voteMessage(set.context, 'finalize', set.epoch, VIEW, pid), secretKey),
    }
  }
  const where = { epoch: set.epoch, view: VIEW, validator: GUILTY }
  const evidence = encodeEvidence(voteEvidence(where, choice(1), choice(2)))
  return toHex(
    encodeTransaction({
      chain: chainIdOf(hash),
      sender: SYSTEM_SENDER,
      sequence: 0n,
      validUntilMs: Date.now() + 60_000,
      salt,
      fee: 0n,
      actions: [{ type: 'evidence', evidence }],
      auth: [],
    }),
  )
}

test('two finalize votes of one view: recorded on every node, shown, and refused a second time', async () => {
  await using devnet = await Devnet.start(['--load-accounts', '100'])
  const urls = devnet.ready.validators.map((validator) => validator.rpc)
  assert.deepEqual(await devnet.run(0, 'evidence', 'list'), { offences: [] })
  const [first = '', second = ''] = urls
  const { txId } = await rpc<{ txId: string }>(first, 'tx_submit', { tx: doubleFinalize(devnet.dir, 1n) })
  const waited = await devnet.run(0, 'tx', 'wait', txId, '--timeout', '20s')
  assert.equal(waited.status, 'settled')
  for (const url of urls) {
    await eventually(`${url} has it`, 10_000, async () => {
      const [offence] = await rpc<{ validator: string; kind: string; position: number; txId: string }[]>(
        url,
        'evidence_list',
      )
      return (
        offence?.validator === 'v4' &&
        offence.kind === 'double-finalize' &&
        offence.position === VIEW &&
        offence.txId === txId
      )
    })
  }
  await assert.rejects(
    rpc(second, 'tx_submit', { tx: doubleFinalize(devnet.dir, 2n) }),
    /an offence of validator v4 is on the ledger already/,
  )
  const metrics = await (await fetch(new URL('/metrics', first))).text()
  assert.match(metrics, /^cordon_proven_offences 1$/m)
  // The network goes on, and its money is where it was.
  const sent = await devnet.cli('wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
  assert.equal(sent.code, 0, sent.stdout + sent.stderr)
  await eventually('all executed alike', 10_000, async () => {
    await assertAgreement(urls)
    return true
  })
})
