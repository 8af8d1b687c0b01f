import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CordonError, type ErrorCode } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { equalBytes, fromHex, toHex } from '../../crypto/bytes.ts'
import { keyPairFromSeed, verify, verifyFast } from '../../crypto/ed25519.ts'
import { RESERVED_TAGS, type Action } from '../../ledger/actions/index.ts'
import {
  checkSignatures,
  checkStructure,
  checkTransactionBytes,
  checkValidity,
  spentBy,
} from '../../ledger/rules.ts'
import {
  decodeTransaction,
  encodeTransaction,
  signTransaction,
  transactionId,
  type Transaction,
  type TransactionContent,
} from '../../ledger/transaction.ts'
import { idOf, keysOf, transferTo } from './helpers.ts'

const CHAIN = new Uint8Array(8).fill(3)
const RULES = { chain: CHAIN, minFee: 1_000 }

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record(
    {
      type: fc.constant('transfer' as const),
      to: bytes(32),
      amount: u64,
      memo: fc.uint8Array({ maxLength: 128 }),
    },
    { noNullPrototype: true },
  ),
  fc.record({ type: fc.constant('hold.recall' as const), hold: bytes(32) }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('hold.confirm' as const), hold: bytes(32) }, { noNullPrototype: true }),
  fc.record(
    { type: fc.constant('account.guardian' as const), guardian: fc.option(bytes(32)) },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      type: fc.constant('hold.review' as const),
      hold: bytes(32),
      side: fc.constantFrom('release' as const, 'return' as const),
    },
    { noNullPrototype: true },
  ),
)
const transaction: fc.Arbitrary<Transaction> = fc.record(
  {
    chain: bytes(8),
    sender: bytes(32),
    sequence: u64,
    validUntilMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    salt: u64,
    fee: u64,
    actions: fc.array(action, { minLength: 1, maxLength: 100 }),
    auth: fc
      .uniqueArray(bytes(32), { minLength: 1, maxLength: 4, selector: toHex })
      .map((keys) =>
        keys
          .sort((a, b) => Buffer.compare(a, b))
          .map((key) => ({ key, signature: new Uint8Array(64).fill(key[0] ?? 0) })),
      ),
  },
  { noNullPrototype: true },
)

function codeOf(run: () => unknown): ErrorCode | 'none' {
  try {
    run()
    return 'none'
  } catch (error) {
    assert.ok(error instanceof CordonError, String(error))
    return error.code
  }
}

function content(changes: Partial<TransactionContent> = {}): TransactionContent {
  return {
    chain: CHAIN,
    sender: idOf('alice'),
    sequence: 0n,
    validUntilMs: 5_000,
    salt: 1n,
    fee: 1_000n,
    actions: [transferTo('bob', 5n, 'hi')],
    ...changes,
  }
}

const signed = (changes: Partial<TransactionContent> = {}) =>
  signTransaction(content(changes), [keysOf('alice')])

describe('transaction encoding', () => {
  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(transaction, (tx) => {
        const encoded = encodeTransaction(tx)
        if (encoded.length > LIMITS.txBytes) return
        const decoded = decodeTransaction(encoded)
        assert.deepEqual(normal(decoded.transaction), normal(tx))
        assert.equal(toHex(decoded.id), toHex(transactionId(tx)))
      }),
      { numRuns: 100 },
    )
  })

  it('accepts a changed byte string only if it is canonical', () => {
    fc.assert(
      fc.property(transaction, fc.nat(), fc.integer({ min: 1, max: 255 }), (tx, position, change) => {
        const encoded = Uint8Array.from(encodeTransaction(tx))
        if (encoded.length > LIMITS.txBytes) return
        const at = position % encoded.length
        encoded[at] = (encoded[at] ?? 0) ^ change
        try {
          assert.equal(toHex(encodeTransaction(decodeTransaction(encoded).transaction)), toHex(encoded))
        } catch (error) {
          assert.ok(error instanceof CordonError && error.code.startsWith('tx-'), String(error))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('refuses every truncation and any trailing byte', () => {
    const { bytes: encoded } = signed()
    for (let length = 0; length < encoded.length; length++)
      assert.equal(
        codeOf(() => decodeTransaction(encoded.subarray(0, length))),
        'tx-malformed',
      )
    assert.equal(
      codeOf(() => decodeTransaction(Buffer.concat([encoded, Uint8Array.of(0)]))),
      'tx-malformed',
    )
  })

  it('refuses bytes that are no transaction, with a CordonError each time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (junk) => {
        assert.notEqual(
          codeOf(() => decodeTransaction(junk)),
          'none',
        )
      }),
    )
  })

  it('names what is wrong', () => {
    const { bytes: encoded } = signed()
    const changed = (at: number, value: number): Uint8Array =>
      encoded.map((byte, index) => (index === at ? value : byte))
    assert.equal(
      codeOf(() => decodeTransaction(changed(0, 2))),
      'tx-version',
    )
    assert.equal(
      codeOf(() => decodeTransaction(new Uint8Array(LIMITS.txBytes + 1).fill(1))),
      'tx-too-large',
    )
    const countAt = 1 + 8 + 32 + 8 + 8 + 8 + 8
    assert.equal(
      codeOf(() => decodeTransaction(changed(countAt, 0))),
      'tx-malformed',
      'no action',
    )
    assert.equal(
      codeOf(() => decodeTransaction(changed(countAt, 101))),
      'tx-malformed',
      'too many actions',
    )
    assert.equal(
      codeOf(() => decodeTransaction(changed(countAt + 1, 200))),
      'tx-malformed',
      'unknown tag',
    )
    const memoAt = countAt + 2 + 32 + 8
    assert.equal(
      codeOf(() => decodeTransaction(changed(memoAt, 129))),
      'tx-malformed',
      'memo too long',
    )
    const authAt = encoded.length - 97
    assert.equal(
      codeOf(() => decodeTransaction(changed(authAt, 0))),
      'tx-malformed',
      'no signature',
    )
    assert.equal(
      codeOf(() => decodeTransaction(changed(authAt, 5))),
      'tx-malformed',
      'five signatures',
    )
    assert.equal(
      codeOf(() => decodeTransaction(changed(41, 0xff))),
      'none',
      'any u64 is a sequence',
    )
    assert.equal(
      codeOf(() => decodeTransaction(changed(49, 0xff))),
      'tx-malformed',
      'times stay below 2^48',
    )
  })

  it('refuses reserved actions by name', () => {
    const { bytes: encoded } = signed()
    for (const [tag, name] of Object.entries(RESERVED_TAGS)) {
      const reserved = encoded.map((byte, index) => (index === 74 ? Number(tag) : byte))
      assert.throws(
        () => decodeTransaction(reserved),
        (error) =>
          error instanceof CordonError && error.code === 'tx-action-invalid' && error.message.includes(name),
      )
    }
  })

  it('refuses keys out of order or repeated', () => {
    const auth = [1, 2].map((fill) => ({ key: new Uint8Array(32).fill(fill), signature: new Uint8Array(64) }))
    const encodeWith = (items: typeof auth): Uint8Array => encodeTransaction({ ...content(), auth: items })
    assert.equal(
      codeOf(() => decodeTransaction(encodeWith(auth))),
      'none',
    )
    assert.equal(
      codeOf(() => decodeTransaction(encodeWith(auth.toReversed()))),
      'tx-malformed',
    )
    assert.equal(
      codeOf(() => decodeTransaction(encodeWith([...auth.slice(0, 1), ...auth.slice(0, 1)]))),
      'tx-malformed',
    )
  })

  it('fits the largest transaction the limits allow', () => {
    const actions = Array.from({ length: LIMITS.actionsPerTx }, () =>
      transferTo('bob', 1n, 'x'.repeat(LIMITS.memoBytes)),
    )
    const auth = [1, 2, 3, 4].map((fill) => ({
      key: new Uint8Array(32).fill(fill),
      signature: new Uint8Array(64),
    }))
    const encoded = encodeTransaction({ ...content({ actions }), auth })
    assert.ok(encoded.length <= LIMITS.txBytes)
    assert.equal(
      codeOf(() => decodeTransaction(encoded)),
      'none',
    )
  })
})

describe('stateless rules', () => {
  it('accept a transaction signed by its sender', () => {
    const tx = signed()
    assert.equal(toHex(checkTransactionBytes(tx.bytes, RULES, verifyFast).id), toHex(tx.id))
    assert.equal(spentBy(tx.transaction), 1_005n)
  })

  it('refuse each broken rule with its own code', () => {
    const broken: readonly [ErrorCode, Partial<TransactionContent>][] = [
      ['tx-wrong-chain', { chain: new Uint8Array(8) }],
      ['tx-fee-too-low', { fee: 999n }],
      ['tx-fee-too-low', { fee: 1_999n, actions: [transferTo('bob', 1n), transferTo('carol', 1n)] }],
      ['tx-action-invalid', { actions: [transferTo('bob', 0n)] }],
      ['tx-action-invalid', { actions: [transferTo('alice', 1n)] }],
      [
        'tx-action-invalid',
        { actions: [{ type: 'transfer', to: idOf('bob'), amount: 1n, memo: Uint8Array.of(0xff, 0xfe) }] },
      ],
      ['tx-action-invalid', { actions: [transferTo('bob', 2n ** 64n - 1n)] }],
    ]
    for (const [code, changes] of broken)
      assert.equal(
        codeOf(() => {
          checkStructure(signed(changes).transaction, RULES)
        }),
        code,
      )
  })

  it('want exactly the required signatures', () => {
    const by = (...names: string[]) => signTransaction(content(), names.map(keysOf)).transaction
    assert.equal(
      codeOf(() => {
        checkStructure(by('alice'), RULES)
      }),
      'none',
    )
    assert.equal(
      codeOf(() => {
        checkStructure(by('bob'), RULES)
      }),
      'tx-signature',
      'missing',
    )
    assert.equal(
      codeOf(() => {
        checkStructure(by('alice', 'bob'), RULES)
      }),
      'tx-signature',
      'surplus',
    )
  })

  it('refuse a signature of anything else', () => {
    const tx = signed()
    const other = signed({ salt: 2n })
    assert.equal(
      codeOf(() => {
        checkSignatures(tx, verify)
      }),
      'none',
    )
    assert.equal(
      codeOf(() => {
        checkSignatures({ ...tx, id: other.id }, verify)
      }),
      'tx-signature',
    )
    const key = keyPairFromSeed(new Uint8Array(32).fill(9)).publicKey
    const auth = tx.transaction.auth.map(({ signature }) => ({ key, signature }))
    assert.equal(
      codeOf(() => {
        checkSignatures({ ...tx, transaction: { ...tx.transaction, auth } }, verify)
      }),
      'tx-signature',
    )
  })

  it('judge validity by the time they are given', () => {
    const at = (timeMs: number, changes: Partial<TransactionContent> = {}) =>
      codeOf(() => {
        checkValidity(signed({ validUntilMs: 1_000_000, ...changes }).transaction, timeMs)
      })
    assert.equal(at(1_000_000), 'none')
    assert.equal(at(1_000_001), 'tx-expired')
    assert.equal(at(1_000_000 - LIMITS.unorderedValidityMs), 'none')
    assert.equal(at(999_999 - LIMITS.unorderedValidityMs), 'tx-validity-too-far')
    assert.equal(at(0, { sequence: 1n }), 'none', 'an ordered transaction may be valid for long')
  })

  it('make any changed byte of a signed transaction fail', () => {
    const { bytes: encoded } = signed()
    for (let at = 0; at < encoded.length; at++) {
      const changed = encoded.map((byte, index) => (index === at ? byte ^ 1 : byte))
      assert.notEqual(
        codeOf(() => checkTransactionBytes(changed, RULES, verifyFast)),
        'none',
        `byte ${at}`,
      )
    }
  })
})

describe('frozen transactions', () => {
  const vectors = JSON.parse(
    readFileSync(new URL('../vectors/ledger-transactions.json', import.meta.url), 'utf8'),
  ) as {
    readonly transactions: readonly {
      readonly name: string
      readonly bytes: string
      readonly id: string
      readonly actions: readonly string[]
    }[]
  }
  for (const vector of vectors.transactions) {
    it(vector.name, () => {
      const encoded = fromHex(vector.bytes)
      const decoded = decodeTransaction(encoded)
      assert.equal(toHex(decoded.id), vector.id)
      assert.deepEqual(
        decoded.transaction.actions.map(({ type }) => type),
        vector.actions,
      )
      assert.ok(equalBytes(encodeTransaction(decoded.transaction), encoded))
      checkSignatures(decoded, verify)
    })
  }
})

/** Buffers and Uint8Arrays compare by content. */
function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) =>
      typeof item === 'bigint' ? String(item) : isBytes(item) ? toHex(bytesOf(item)) : item,
    ),
  )
}

function isBytes(item: unknown): item is Uint8Array | { type: 'Buffer'; data: number[] } {
  return (
    item instanceof Uint8Array ||
    (typeof item === 'object' && item !== null && 'type' in item && item.type === 'Buffer')
  )
}

function bytesOf(item: Uint8Array | { type: 'Buffer'; data: number[] }): Uint8Array {
  return item instanceof Uint8Array ? item : Uint8Array.from(item.data)
}
