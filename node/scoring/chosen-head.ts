/** The head that the configuration names. A node whose model cannot be read goes on with the label-free one, and says so. */
import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Head } from '../../fraud/head/head.ts'
import { chooseHead } from '../../fraud/head/choose.ts'

/** @returns null: the label-free tail judges. */
export function chosenHead(nameOrPath: string, log: Pick<Logger, 'warn'>): Head | null {
  try {
    return chooseHead(nameOrPath, (path) => readFileSync(path, 'utf8'))
  } catch (error) {
    log.warn(
      { err: error, model: nameOrPath },
      'the fraud model cannot be used; the one without labels judges until the setting fraud.model names another and the node is started again',
    )
    return null
  }
}
