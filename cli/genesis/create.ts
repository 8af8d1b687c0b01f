/** `genesis create`: a new network from words of the command line. */
import { existsSync } from 'node:fs'
import { CordonError } from '../../config/errors.ts'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { keystorePaths } from '../context.ts'
import { writeNewFile } from '../files.ts'
import { Names } from '../names.ts'
import type { JsonOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { Draft, type DraftWords, type Problem } from './draft.ts'
import { describeGenesis } from './show.ts'

interface CreateOptions extends DraftWords, JsonOptions {
  readonly out: string
  readonly keystore?: string
}

export async function create(options: CreateOptions): Promise<CommandResult> {
  const { out, keystore } = options
  const draft = new Draft(options, new Names(keystorePaths(keystore === undefined ? {} : { keystore })))
  const genesis = draft.finish(Date.now())
  if (existsSync(out)) draft.complain('--out', `${out} is there already; choose another file`)
  if (draft.problems.length > 0) return refusal(draft.problems)
  writeNewFile(out, serialiseGenesis(genesis), { isPublic: true })
  const { data, text } = describeGenesis(genesis, out)
  return {
    data,
    text: `${text}\n\nEvery node of the network needs this very file as its config/genesis.json.`,
  }
}

function refusal(problems: readonly Problem[]): CommandResult {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return {
    data: { problems },
    text: problems.map(({ option, message }) => `${option}: ${message}`).join('\n'),
    error: new CordonError('usage', `${count}; no genesis file was made`),
  }
}
