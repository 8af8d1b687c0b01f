/** The signer folder of a node, for people: status, export and import. */
import { LIMITS } from '../config/limits.ts'
import { readNodeConfig, type NodeConfig } from '../config/node-config.ts'
import { toHex } from '../crypto/bytes.ts'
import {
  exportProtection,
  importProtection,
  signerReport,
  type SignerCondition,
  type SignerReport,
} from '../node/signing/protection-file.ts'
import type { ExportOptions, ImportOptions, SignerOptions } from './commands/signer.ts'
import { readTextFile, writeNewFile } from './files.ts'
import { facts } from './format.ts'
import { note, type CommandResult } from './output.ts'

const MEANINGS: Readonly<Record<SignerCondition, string>> = {
  signing: 'it has its table, and signs',
  minimal: 'it signs by imported high-water marks, until they are below the last final view',
  unused: 'this key has signed nothing here yet',
  lost: 'this key has signed before, and its votes are not here: the node does not start (docs/signer.md)',
  'signer-lost': 'its table was lost: it follows, and votes again when more views are final (docs/signer.md)',
  'key-used-elsewhere':
    'another process signed with this key: it follows, and signs nothing (docs/signer.md)',
}

export async function signerStatus({ dir }: SignerOptions): Promise<CommandResult> {
  return describe(await signerReport(configOf(dir)))
}

export async function signerExport({ dir, out, force }: ExportOptions): Promise<CommandResult> {
  const text = await exportProtection(configOf(dir))
  writeNewFile(out, text, { force: force === true })
  note('do not start this node again with the same key once the file is imported elsewhere')
  const report = await signerReport(configOf(dir))
  const { data } = describe(report)
  return { data: { ...data, file: out, bytes: text.length }, text: `written to ${out}, ${text.length} bytes` }
}

export async function signerImport({ dir, file }: ImportOptions): Promise<CommandResult> {
  const config = configOf(dir)
  await importProtection(config, readTextFile(file, LIMITS.protectionFileBytes), file)
  return describe(await signerReport(config))
}

/** Variables count as for the node itself: they may name another signer folder. */
function configOf(dir: string): NodeConfig {
  return readNodeConfig(dir, process.env).config
}

function describe(report: SignerReport): CommandResult {
  const { validator, directory, condition, pid, floor, votes, reservedBatchSeq } = report
  const { notarize, nullify, finalize } = report.highWater
  const data = {
    validator,
    publicKey: toHex(report.publicKey),
    genesisHash: toHex(report.genesisHash),
    directory,
    condition,
    pid,
    floor: String(floor),
    highWater: {
      notarize: String(notarize.view),
      nullify: String(nullify),
      finalize: String(finalize.view),
    },
    votes,
    reservedBatchSeq: String(reservedBatchSeq),
  }
  const text = facts([
    ['validator', `${validator}, public key ${data.publicKey}`],
    ['chain', data.genesisHash],
    ['folder', `${directory}${pid === null ? '' : `, in use by process ${pid}`}`],
    ['condition', `${condition}: ${MEANINGS[condition]}`],
    ['refuses votes up to view', data.floor],
    ['newest votes', `notarize ${notarize.view}, nullify ${nullify}, finalize ${finalize.view}`],
    ['votes known above that', String(votes)],
    ['next batch from', data.reservedBatchSeq],
  ])
  return { data, text }
}
