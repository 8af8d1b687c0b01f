/** How much room the files of a node take, and how much is left. Read when somebody asks for metrics. */
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of all files below a folder; 0 if there is none. Files that go meanwhile, as stores' do, count nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  const entries = await gone(readdir(folder, { withFileTypes: true }), [])
  const sizes = entries.map(async (entry): Promise<number> => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return bytesBelow(path)
    return gone(
      stat(path).then(({ size }) => size),
      0,
    )
  })
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0)
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
