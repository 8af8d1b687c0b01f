/** One log for each part of a node: every line says whose it is, and a part may say more or less than the rest. */
import type { Logger } from 'pino'
import { LOG_MODULES, type LogLevel, type LogModule } from '../config/node-settings.ts'

export type ModuleLogs = Readonly<Record<LogModule, Logger>>

/** @param levels of the parts that differ from `log`. */
export function moduleLogs(log: Logger, levels: ReadonlyMap<LogModule, LogLevel>): ModuleLogs {
  return Object.fromEntries(
    LOG_MODULES.map((module) => {
      const level = levels.get(module)
      return [module, log.child({ module }, level === undefined ? {} : { level })]
    }),
  ) as unknown as ModuleLogs
}
