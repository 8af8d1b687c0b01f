/** `wallet create`, `list`, `address`: the keystore; no node is asked. */
import { createKey, listKeys, requireFree } from '../../crypto/keystore.ts'
import { newMnemonic, seedOfMnemonic } from '../../crypto/mnemonic.ts'
import { keystorePaths } from '../context.ts'
import { facts, table } from '../format.ts'
import { Names } from '../names.ts'
import type { LocalOptions, LocalPasswordOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { readPassword } from '../password.ts'
import { prefixOf, type NetworkOptions } from './network.ts'

type CreateOptions = LocalPasswordOptions & NetworkOptions

export async function create(options: CreateOptions, name: string): Promise<CommandResult> {
  const { keystore } = keystorePaths(options)
  requireFree(keystore, name) // before anybody types a password for nothing
  const prefix = prefixOf(options, keystore, 'the key')
  const password = await readPassword(options, { keystore, name, isNew: true })
  const words = newMnemonic()
  const { address } = await createKey(keystore, { name, seed: seedOfMnemonic(words), password, prefix })
  return {
    data: { name, address, words },
    text: [
      facts([
        ['name', name],
        ['address', address],
        ['keystore', keystore],
      ]),
      '',
      'These 24 words are the key. Write them down now: they are shown this once, and who has them has the money.',
      '',
      numbered(words),
    ].join('\n'),
  }
}

function numbered(words: string): string {
  const cells = words.split(' ').map((word, index) => `${String(index + 1).padStart(2)} ${word}`)
  const rows = Array.from({ length: Math.ceil(cells.length / 4) }, (_, row) =>
    cells.slice(4 * row, 4 * row + 4),
  )
  return facts(rows)
}

export async function list(options: LocalOptions): Promise<CommandResult> {
  const { keystore } = keystorePaths(options)
  const accounts = listKeys(keystore)
  const text =
    accounts.length === 0
      ? `no keys in ${keystore}; make one with: cordon wallet create NAME`
      : table(
          [{ title: 'NAME' }, { title: 'ADDRESS' }],
          accounts.map(({ name, address }) => [name, address]),
        )
  return { data: { keystore, accounts }, text }
}

export async function address(options: LocalOptions, name: string): Promise<CommandResult> {
  const resolved = new Names(keystorePaths(options)).resolve(name)
  return { data: { name, address: resolved }, text: resolved }
}
