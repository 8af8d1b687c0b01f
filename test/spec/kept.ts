/** The traces that every test run replays, one a line, without asking Quint. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelTrace } from './trace.ts'

export const KEPT_TRACES: string = join(import.meta.dirname, 'traces.jsonl')

export function keptTraces(): ModelTrace[] {
  return readFileSync(KEPT_TRACES, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ModelTrace)
}
