/** Facts about processes: whether a pid is still the process we started, and what it uses. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

/** Ticks per second of /proc times; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4_096
const START_TIME_FIELD = 19
const USER_TIME_FIELD = 11
const SYSTEM_TIME_FIELD = 12
const RESIDENT_PAGES_FIELD = 21

/**
 * A text that tells a process from a later one with the same pid: its start time. Null: there is no such process, or it
 * has ended and only waits to be collected.
 */
export function processIdentity(pid: number): string | null {
  if (process.platform === 'linux') {
    const fields = statFields(pid)
    return fields === null || fields[0] === 'Z' ? null : (fields[START_TIME_FIELD] ?? null)
  }
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return started === '' ? null : started
  } catch {
    return null
  }
}

/** Whether `pid` is alive and still the process of that identity. */
export function isSameProcess(pid: number, identity: string): boolean {
  return processIdentity(pid) === identity
}

/** Sends a signal; false if the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

interface ProcessUse {
  /** User and system time since it started. */
  readonly cpuMs: number
  readonly rssBytes: number
}

/** What a process has used; null if it is gone or the system does not tell. */
export function processUse(pid: number): ProcessUse | null {
  const fields = statFields(pid)
  if (fields === null) return null
  const number = (index: number): number => Number(fields[index] ?? 0)
  return {
    cpuMs: cpuMsOf(fields),
    rssBytes: number(RESIDENT_PAGES_FIELD) * PAGE_BYTES,
  }
}

/** Processor time of the threads of a running process so far, ms, by their names. Linux only. */
export function threadCpuMs(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readStat(`/proc/${pid}/task/${task}/stat`)
    if (stat === null) continue // it has ended meanwhile
    times.set(stat.name, (times.get(stat.name) ?? 0) + cpuMsOf(stat.fields))
  }
  return times
}

function cpuMsOf(fields: readonly string[]): number {
  const ticks = Number(fields[USER_TIME_FIELD] ?? 0) + Number(fields[SYSTEM_TIME_FIELD] ?? 0)
  return (ticks * 1000) / TICKS_PER_SECOND
}

function statFields(pid: number): readonly string[] | null {
  return readStat(`/proc/${pid}/stat`)?.fields ?? null
}

/** Name and the fields from the state on. The name before them may hold spaces and brackets. */
function readStat(path: string): { readonly name: string; readonly fields: readonly string[] } | null {
  try {
    const text = readFileSync(path, 'utf8')
    const end = text.lastIndexOf(')')
    const fields = text
      .slice(end + 2)
      .trim()
      .split(' ')
    return { name: text.slice(text.indexOf('(') + 1, end), fields }
  } catch {
    return null
  }
}
