/** What may only be done to a devnet while nothing of it runs. */
import { CordonError } from '../config/errors.ts'
import { devnetPaths, readDevnetFile, type DevnetFile } from './layout.ts'
import { takeLock } from './lock.ts'
import { isSameProcess } from './processes.ts'

/**
 * Does `task`, and lets nobody start the devnet meanwhile.
 * @throws CordonError `devnet-missing`; `devnet-running` if its supervisor runs, or a node that outlived it.
 */
export function whileStopped<Result>(dir: string, task: (file: DevnetFile) => Result): Result {
  readDevnetFile(dir) // or the lock has no folder to lie in
  const release = takeLock(devnetPaths(dir).lock, dir)
  try {
    const file = readDevnetFile(dir)
    const stray = strayNode(file)
    if (stray !== null) throw running(dir, stray)
    return task(file)
  } finally {
    release()
  }
}

/** Pid of a node that outlived its supervisor, or null. */
function strayNode({ nodes, identities }: DevnetFile): number | null {
  return (
    nodes.find(({ name, pid }) => pid !== null && isSameProcess(pid, identities[name] ?? ''))?.pid ?? null
  )
}

function running(dir: string, pid: number): CordonError {
  return new CordonError(
    'devnet-running',
    `the devnet in ${dir} runs (pid ${pid}); stop it first with: cordon devnet stop --dir ${dir}`,
    { dir, pid },
  )
}
