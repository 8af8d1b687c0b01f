/** The head that the configuration names. A node whose model cannot be read goes on without it, and says so. */
import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Head } from '../../fraud/head/head.ts'
import { chooseHead } from '../../fraud/head/choose.ts'

/** @returns null: the label-free tail; undefined: it cannot be used. */
export function chosenHead(nameOrPath: string, log: Pick<Logger, 'warn'>): Head | null | undefined {
  try {
    return chooseHead(nameOrPath, (path) => readFileSync(path, 'utf8'))
  } catch (error) {
    log.warn(
      { err: error, model: nameOrPath },
      'the fraud model of the configuration cannot be used; the one that voted last does, or the one without labels, until fraud.model names another and the node is started again',
    )
    return undefined
  }
}
