import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { Level } from 'level'
import { LevelStore } from '../../ledger/store/level.ts'
import { MemoryStore } from '../../ledger/store/memory.ts'
import { storeContract } from './store-contract.ts'

storeContract('memory', () => Promise.resolve({ store: new MemoryStore(), dispose: () => Promise.resolve() }))

storeContract('level', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cordon-store-'))
  const store = await LevelStore.open(directory)
  return {
    store,
    dispose: async () => {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})

it('a level directory in use is refused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cordon-store-'))
  const store = await LevelStore.open(directory)
  await assert.rejects(LevelStore.open(directory), { code: 'directory-locked' })
  await store.close()
  await rm(directory, { recursive: true })
})

it('a damaged level directory is refused with what to do', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cordon-store-'))
  await (await LevelStore.open(directory)).close()
  for (const file of await readdir(directory))
    if (file.startsWith('MANIFEST')) await writeFile(join(directory, file), 'no manifest')
  await assert.rejects(LevelStore.open(directory), {
    code: 'data-inconsistent',
    message: /does not open .*delete this directory/,
  })
  await rm(directory, { recursive: true })
})

it('a value whose bits have changed is never read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cordon-store-'))
  const key = Uint8Array.of(1)
  const store = await LevelStore.open(directory)
  await store.write([{ key, value: Uint8Array.of(1, 2, 3) }])
  await store.close()
  const raw = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  const value = Uint8Array.from((await raw.get(key)) ?? [])
  value[1] = 3
  await raw.put(key, value)
  await raw.close()
  const again = await LevelStore.open(directory)
  const refusal = { code: 'data-inconsistent', message: /damaged record .*checksum/ }
  await assert.rejects(again.get(key), refusal)
  await assert.rejects(again.getMany([key]), refusal)
  await assert.rejects(again.range({ from: key, to: Uint8Array.of(2), limit: 1 }), refusal)
  await again.close()
  await rm(directory, { recursive: true })
})
