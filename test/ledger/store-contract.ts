/** What every store of the ledger does; `store.test.ts` runs it on each of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compareBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import type { LedgerStore, StoreChange, StoreRow } from '../../ledger/store/store.ts'

const show = (rows: readonly StoreRow[]): string[] =>
  rows.map(([key, value]) => `${toHex(key)}=${toHex(value)}`)

/** @param make An empty store; `close` it and whatever it stands on in `dispose`. */
export function storeContract(
  name: string,
  make: () => Promise<{ store: LedgerStore; dispose: () => Promise<void> }>,
): void {
  const using = async (run: (store: LedgerStore) => Promise<void>): Promise<void> => {
    const { store, dispose } = await make()
    try {
      await run(store)
    } finally {
      await dispose()
    }
  }

  describe(`${name} store`, () => {
    it('reads what was written, and nothing else', () =>
      using(async (store) => {
        assert.equal(await store.get(utf8('a')), undefined)
        await store.write([
          { key: utf8('a'), value: utf8('1') },
          { key: utf8('b'), value: new Uint8Array(0) },
        ])
        const found = await store.getMany([utf8('b'), utf8('none'), utf8('a')])
        assert.deepEqual(
          found.map((value) => (value === undefined ? null : toHex(value))),
          ['', null, toHex(utf8('1'))],
        )
        await store.write([
          { key: utf8('a'), value: null },
          { key: utf8('none'), value: null },
        ])
        assert.equal(await store.get(utf8('a')), undefined)
      }))

    it('lets the last change of a key in one write win', () =>
      using(async (store) => {
        await store.write([
          { key: utf8('a'), value: utf8('1') },
          { key: utf8('a'), value: null },
          { key: utf8('a'), value: utf8('2') },
        ])
        assert.equal(toHex((await store.get(utf8('a'))) ?? new Uint8Array(0)), toHex(utf8('2')))
      }))

    it('writes nothing of changes that cannot all be made, and goes on', () =>
      using(async (store) => {
        function* broken(): Generator<StoreChange> {
          yield { key: utf8('a'), value: utf8('1') }
          throw new Error('cannot be made')
        }
        await assert.rejects(async () => store.write(broken()), /cannot be made/)
        assert.equal(await store.get(utf8('a')), undefined)
        await store.write([{ key: utf8('b'), value: utf8('2') }])
        assert.notEqual(await store.get(utf8('b')), undefined)
      }))

    it('lists ranges in byte order, either way, up to a limit', () =>
      using(async (store) => {
        const keys = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 3 }), { numRuns: 60, seed: 5 })
        const rows = new Map(keys.map((key) => [toHex(key), [key, utf8(toHex(key))] as const]))
        await store.write([...rows.values()].map(([key, value]) => ({ key, value })))
        const sorted = [...rows.values()].sort((a, b) => compareBytes(a[0], b[0]))
        for (const [from, to] of [
          [Uint8Array.of(0), Uint8Array.of(255, 255, 255, 255)],
          [Uint8Array.of(60), Uint8Array.of(200)],
          [Uint8Array.of(200), Uint8Array.of(60)],
        ] as const) {
          const inside = sorted.filter(([key]) => compareBytes(key, from) >= 0 && compareBytes(key, to) < 0)
          for (const limit of [1, 5, 1_000]) {
            assert.deepEqual(show(await store.range({ from, to, limit })), show(inside.slice(0, limit)))
            assert.deepEqual(
              show(await store.range({ from, to, limit, newestFirst: true })),
              show(inside.toReversed().slice(0, limit)),
            )
          }
        }
      }))
  })
}
