import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { DEVNET_FORMAT, nodePaths, writeDevnetFile, type DevnetFile } from '../../devnet/layout.ts'
import { freePorts } from '../../devnet/ports.ts'

export const FAKE_DAEMON: string = new URL('fake-daemon.ts', import.meta.url).pathname

const made: string[] = []
after(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true })
})

/** A new directory that goes away after the last test of the file: hooks of tests still use it. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cordon-devnet-'))
  made.push(dir)
  return dir
}

export interface FakeNode {
  readonly exitCode?: number
  readonly lastLine?: string
  readonly deaf?: boolean
  readonly neverReady?: boolean
}

/** A devnet directory whose nodes are fake daemons. */
export async function fakeDevnet(nodes: Readonly<Record<string, FakeNode>>): Promise<string> {
  const dir = scratch()
  const names = Object.keys(nodes)
  const ports = await freePorts(names.length)
  const file: DevnetFile = {
    format: DEVNET_FORMAT,
    seed: 'test',
    createdMs: 1,
    genesisHash: '00'.repeat(32),
    parameters: {},
    loadAccounts: 10,
    nodes: names.map((name, index) => ({
      name,
      validator: true,
      rpc: `http://127.0.0.1:${ports[index]}`,
      p2p: '/ip4/127.0.0.1/tcp/1',
      dir: name,
      stake: '1',
      pid: null,
    })),
    supervisor: null,
    aheadMs: 0,
    identities: {},
  }
  writeDevnetFile(dir, file)
  for (const [index, name] of names.entries()) bend(dir, name, { port: ports[index]!, ...nodes[name] })
  return dir
}

/** Changes how a fake node behaves at its next start. */
export function bend(dir: string, name: string, config: FakeNode & { readonly port: number }): void {
  const { config: path } = nodePaths(dir, { dir: name })
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(join(dirname(path), 'fake.json'), JSON.stringify(config))
}
