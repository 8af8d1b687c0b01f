/** What every `JournalStorage` must do; memory and file run it alike. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JournalStorage } from '../../consensus/journal.ts'

export function journalContract(
  name: string,
  open: () => Promise<JournalStorage>,
  reopen: (storage: JournalStorage) => Promise<JournalStorage>,
): void {
  test(`${name}: is empty at first`, async () => {
    const storage = await open()
    assert.equal((await storage.readAll()).length, 0)
    await storage.close()
  })

  test(`${name}: what was appended and synced is there after opening again, in order`, async () => {
    const storage = await open()
    await storage.append(Uint8Array.of(1, 2))
    await storage.append(Uint8Array.of(3))
    await storage.sync()
    const again = await reopen(storage)
    assert.deepEqual([...(await again.readAll())], [1, 2, 3])
    await again.close()
  })

  test(`${name}: replace puts new content in place of the old, and appends go behind it`, async () => {
    const storage = await open()
    await storage.append(Uint8Array.of(1, 2, 3))
    await storage.sync()
    await storage.replace(Uint8Array.of(9))
    await storage.append(Uint8Array.of(8))
    await storage.sync()
    assert.deepEqual([...(await storage.readAll())], [9, 8])
    const again = await reopen(storage)
    assert.deepEqual([...(await again.readAll())], [9, 8])
    await again.close()
  })
}
