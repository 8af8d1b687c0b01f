import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { journalContract } from '../consensus/journal-contract.ts'
import { FileJournal } from '../../node/signing/file-journal.ts'

const root = await mkdtemp(join(tmpdir(), 'cordon-journal-'))
after(() => rm(root, { recursive: true }))
let count = 0
const fresh = (): string => join(root, `signer-${++count}`)

journalContract(
  'file journal',
  () => FileJournal.open(fresh()),
  async (storage) => {
    await storage.close()
    return FileJournal.open(join(root, `signer-${count}`))
  },
)

test('a second opener of the folder is refused while the first lives, and may come afterwards', async () => {
  const directory = fresh()
  const first = await FileJournal.open(directory)
  await assert.rejects(FileJournal.open(directory), { code: 'directory-locked' })
  await first.close()
  const second = await FileJournal.open(directory)
  await second.close()
  assert.deepEqual(await readdir(directory), ['votes.journal'])
})

test('the lock of another live process holds; that of a dead one, and a torn one, are taken over', async () => {
  const directory = fresh()
  const modulePath = new URL('../../node/signing/file-journal.ts', import.meta.url).href
  const script = `const { FileJournal } = await import(${JSON.stringify(modulePath)}); await FileJournal.open(${JSON.stringify(directory)}); console.log('open'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await assert.rejects(FileJournal.open(directory), (error: Error) =>
    error.message.includes(String(child.pid)),
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await FileJournal.open(directory)).close()
  await writeFile(join(directory, 'lock'), '{"pid":')
  await (await FileJournal.open(directory)).close()
})

test('a lock with the number of this process from an earlier life is taken over', async () => {
  const directory = fresh()
  await (await FileJournal.open(directory)).close()
  await writeFile(join(directory, 'lock'), JSON.stringify({ pid: process.pid, born: null, token: 'before' }))
  await (await FileJournal.open(directory)).close()
})

test('a temporary file left by a crash during replace is ignored and removed', async () => {
  const directory = fresh()
  const first = await FileJournal.open(directory)
  await first.append(Uint8Array.of(1))
  await first.sync()
  await first.close()
  await writeFile(join(directory, 'votes.journal.new'), 'half')
  const again = await FileJournal.open(directory)
  assert.deepEqual([...(await again.readAll())], [1])
  await again.close()
  assert.deepEqual(await readdir(directory), ['votes.journal'])
})
