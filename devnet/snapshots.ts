/**
 * Copies of everything the nodes of a devnet know, to go back to: chains, signing state, review logs and models, all of
 * one moment at which no node runs.
 *
 * Going back takes back what validators remember to have signed, which a real one must never do (docs/signer.md). Here all
 * of them forget the same at the same time, and nobody is left who saw it. Receipts of what happened since verify on.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { devnetPaths, nodePaths, readDevnetFile, writeDevnetFile, type DevnetFile } from './layout.ts'

const SNAPSHOT_FILE = 'snapshot.json'
const SNAPSHOT_FORMAT = 'cordon-devnet-snapshot/1'
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/
/** Of a node. Logs go on. */
const FOLDERS = ['config', 'data', 'signer', 'review', 'models'] as const

/** What of `devnet.json` belongs to a chain. */
type ChainPart = Pick<DevnetFile, 'createdMs' | 'genesisHash' | 'parameters' | 'loadAccounts' | 'aheadMs'>

export interface SnapshotInfo {
  readonly name: string
  readonly takenMs: number
  readonly genesisHash: string
}

/**
 * Keeps the state of a devnet whose nodes do not run. It is there as a whole or not at all.
 * @throws CordonError `usage` for a name that is no name or taken, or too many snapshots.
 */
export function saveSnapshot(dir: string, name: string, nowMs: number): SnapshotInfo {
  const paths = devnetPaths(dir)
  const file = readDevnetFile(dir)
  const target = join(paths.snapshots, checkName(name))
  if (existsSync(target))
    throw new CordonError(
      'usage',
      `there is a snapshot ${name} already; choose another name, or remove ${target}`,
      {
        name,
      },
    )
  const known = listSnapshots(dir).length
  if (known >= LIMITS.devnetSnapshots)
    throw new CordonError(
      'usage',
      `a devnet keeps at most ${LIMITS.devnetSnapshots} snapshots; remove some of ${paths.snapshots}`,
    )
  const draft = join(paths.snapshots, `.${name}.draft`)
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  for (const [from, to] of folders(dir, file, draft)) copyIfThere(from, to)
  copyIfThere(paths.genesis, join(draft, 'genesis.json'))
  copyIfThere(paths.attacks, join(draft, 'attacks'))
  const { createdMs, genesisHash, parameters, loadAccounts, aheadMs } = file
  const content = { createdMs, genesisHash, parameters, loadAccounts, aheadMs } satisfies ChainPart
  writeFileSync(
    join(draft, SNAPSHOT_FILE),
    JSON.stringify({ format: SNAPSHOT_FORMAT, takenMs: nowMs, ...content }),
  )
  renameSync(draft, target)
  return { name, takenMs: nowMs, genesisHash }
}

/**
 * Puts a snapshot in the place of what the nodes know now; none of them may run. Copies first and swaps then, so that
 * one that is interrupted is either undone or done by doing it again.
 * @throws CordonError `usage` if there is no such snapshot, `config-invalid` if it is damaged.
 */
export function restoreSnapshot(dir: string, name: string): SnapshotInfo {
  const paths = devnetPaths(dir)
  const file = readDevnetFile(dir)
  const source = join(paths.snapshots, checkName(name))
  const { takenMs, ...chain } = readSnapshot(dir, source, name)
  const swaps = [
    ...folders(dir, file, source).map(([live, kept]) => [kept, live] as const),
    [join(source, 'genesis.json'), paths.genesis] as const,
    [join(source, 'attacks'), paths.attacks] as const,
  ]
  for (const [kept, live] of swaps) {
    rmSync(draftOf(live), { recursive: true, force: true })
    copyIfThere(kept, draftOf(live))
  }
  for (const [, live] of swaps) {
    rmSync(live, { recursive: true, force: true })
    if (existsSync(draftOf(live))) renameSync(draftOf(live), live)
  }
  writeDevnetFile(dir, { ...file, ...chain })
  return { name, takenMs, genesisHash: chain.genesisHash }
}

/** Oldest first. */
export function listSnapshots(dir: string): SnapshotInfo[] {
  const { snapshots } = devnetPaths(dir)
  if (!existsSync(snapshots)) return []
  return readdirSync(snapshots)
    .filter((name) => NAME.test(name))
    .map((name) => {
      const { takenMs, genesisHash } = readSnapshot(dir, join(snapshots, name), name)
      return { name, takenMs, genesisHash }
    })
    .sort((a, b) => a.takenMs - b.takenMs)
}

function checkName(name: string): string {
  if (NAME.test(name)) return name
  throw new CordonError(
    'usage',
    `the name of a snapshot is made of 1 to 40 small letters, digits and hyphens, such as before-attack; got ${JSON.stringify(name)}`,
    { name },
  )
}

function readSnapshot(dir: string, path: string, name: string): ChainPart & { readonly takenMs: number } {
  let text: string
  try {
    text = readFileSync(join(path, SNAPSHOT_FILE), 'utf8')
  } catch {
    const known = existsSync(path) ? [] : listSnapshots(dir).map((snapshot) => snapshot.name)
    throw new CordonError(
      'usage',
      `there is no snapshot ${JSON.stringify(name)} of the devnet in ${dir}; ${known.length === 0 ? 'take one with: cordon devnet snapshot NAME' : `there are ${known.join(', ')}`}`,
      { name, known },
    )
  }
  try {
    const { format, ...content } = JSON.parse(text) as ChainPart & { format: unknown; takenMs: number }
    if (format === SNAPSHOT_FORMAT && typeof content.genesisHash === 'string') return content
  } catch {
    // told below
  }
  throw new CordonError('config-invalid', `${join(path, SNAPSHOT_FILE)} is damaged; remove ${path}`, { path })
}

/** Where each folder of each node lies now, and in a snapshot. */
function folders(dir: string, { nodes }: DevnetFile, snapshot: string): [live: string, kept: string][] {
  return nodes.flatMap((node) => {
    const live = nodePaths(dir, node).dir
    return FOLDERS.map((name): [string, string] => [join(live, name), join(snapshot, node.name, name)])
  })
}

function draftOf(path: string): string {
  return `${path}.restored`
}

function copyIfThere(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true, preserveTimestamps: true })
}
