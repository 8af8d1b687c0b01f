/**
 * Frozen results: roots of random blocks, encodings of entries, receipts and proofs. They are stored and signed, so a
 * change here is a change of format and a commit of its own.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import {
  decodeAccount,
  decodeHold,
  decodeValidator,
  encodeAccount,
  encodeHold,
  encodeValidator,
  holdKey,
  accountKey,
} from '../../ledger/entries.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { decodeReceipt, encodeReceipt, receiptDigest } from '../../ledger/receipt.ts'
import { decodeStateProof, encodeStateProof, verifyStateProof } from '../../ledger/state/proof.ts'
import type { frozenVectors } from './frozen-vectors.ts'
import { RANDOM_CHAIN, RandomBlocks } from './random-blocks.ts'
import { makeChain } from './helpers.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/ledger-state.json', import.meta.url), 'utf8'),
) as Awaited<ReturnType<typeof frozenVectors>>

describe('frozen state', () => {
  it('has the same genesis root and the same roots block by block', async () => {
    const chain = makeChain(RANDOM_CHAIN)
    const random = new RandomBlocks(chain, 'frozen 2')
    const ledger = await Ledger.inMemory(chain)
    assert.equal(toHex(ledger.genesisStateRoot), vectors.genesisStateRoot)
    for (const [index, expected] of vectors.blocks.entries()) {
      const execution = await ledger.execute(random.next())
      random.seen(execution)
      const { stateRoot, receiptsRoot } = execution
      assert.deepEqual(
        { stateRoot: toHex(stateRoot), receiptsRoot: toHex(receiptsRoot) },
        expected,
        `height ${index + 1}`,
      )
    }
  })

  it('has entries of one encoding', () => {
    const { account, guarded, hold, guardedHold, validator } = vectors.entries
    const id = fromHex(account.id)
    assert.equal(toHex(encodeAccount(decodeAccount(id, fromHex(account.bytes)))), account.bytes)
    assert.equal(toHex(encodeAccount(decodeAccount(id, fromHex(guarded)))), guarded)
    assert.equal(toHex(accountKey(id)), account.key)
    assert.equal(toHex(encodeHold(decodeHold(fromHex(hold.bytes)))), hold.bytes)
    assert.equal(toHex(encodeHold(decodeHold(fromHex(guardedHold)))), guardedHold)
    assert.equal(toHex(holdKey(fromHex(hold.id))), hold.key)
    assert.equal(toHex(encodeValidator(decodeValidator(fromHex(validator)))), validator)
  })

  it('has receipts of one encoding', () => {
    for (const { bytes, digest } of vectors.receipts) {
      assert.equal(toHex(encodeReceipt(decodeReceipt(fromHex(bytes)))), bytes)
      assert.equal(toHex(receiptDigest(fromHex(bytes))), digest)
    }
  })

  it('has proofs of one encoding, which verify without a store', () => {
    for (const { root, key, proof, present } of vectors.proofs) {
      const decoded = decodeStateProof(fromHex(key), fromHex(proof))
      assert.equal(toHex(encodeStateProof(fromHex(key), decoded)), proof)
      assert.equal(verifyStateProof(fromHex(root), fromHex(key), decoded)?.present, present)
    }
  })
})
