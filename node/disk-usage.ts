/** How much room the files of a node take, and how much is left. Read when somebody asks for metrics. */
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of all files below a folder, those with several names once; 0 if there is none. Files that go meanwhile, as stores' do, count nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  const sizes = new Map(await filesBelow(folder))
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
}

async function filesBelow(folder: string): Promise<(readonly [inode: number, bytes: number])[]> {
  const entries = await gone(readdir(folder, { withFileTypes: true }), [])
  const files = entries.map(async (entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path)
    const stats = await gone(stat(path), null)
    return stats === null ? [] : [[stats.ino, stats.size] as const]
  })
  return (await Promise.all(files)).flat()
}

/** Bytes that this process may still write to the disk of a folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** The value, or `instead` if the file or folder is not there. */
async function gone<Value>(read: Promise<Value>, instead: Value): Promise<Value> {
  try {
    return await read
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return instead
    throw error
  }
}
