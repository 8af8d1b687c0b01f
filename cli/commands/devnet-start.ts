/** `cordon devnet` itself: makes or goes on with a devnet, and stays until it is told to stop. */
import { CordonError, EXIT } from '../../config/errors.ts'
import { startInBackground } from '../../devnet/background.ts'
import { connectValidators } from '../../devnet/clients.ts'
import { checkSameShape, createDevnet, devnetExists, type DevnetShape } from '../../devnet/create.ts'
import { Devnet } from '../../devnet/devnet.ts'
import { DEFAULT_DEVNET_DIR, readDevnetFile } from '../../devnet/layout.ts'
import { formatTick, watchLive } from '../../devnet/live.ts'
import { describeReady, type ReadyEvent } from '../../devnet/ready.ts'
import { playDemo, type DemoEvent } from '../../devnet/scenarios/demo.ts'
import type { Supervisor, SupervisorEvent } from '../../devnet/supervisor.ts'
import { writeDevnetConfig } from '../devnet-config.ts'
import { amount, table } from '../format.ts'
import { note, printEvent } from '../output.ts'

export interface StartOptions {
  readonly validators?: number
  readonly fullNodes?: number
  readonly dir?: string
  readonly basePort?: number
  readonly seed?: string
  readonly param?: Readonly<Record<string, string>>
  readonly loadAccounts?: number
  readonly demo?: boolean
  readonly links?: boolean
  readonly detach?: boolean
  readonly configOut?: string
  readonly json?: boolean
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** @returns the exit code: the devnet prints for itself. */
export async function start(options: StartOptions): Promise<number> {
  const dir = options.dir ?? DEFAULT_DEVNET_DIR
  const told = new AbortController()
  for (const name of STOP_SIGNALS) process.on(name, () => told.abort())
  const startMs = performance.now()
  try {
    if (options.detach === true) await startDetached(dir, options, told.signal, startMs)
    else await run(dir, options, told.signal, startMs)
  } catch (error) {
    // A start that was cut short by Ctrl-C has done what it was told.
    if (!told.signal.aborted) throw error
  }
  return EXIT.done
}

function shapeOf({ validators, fullNodes, basePort, seed, param, loadAccounts }: StartOptions): DevnetShape {
  return {
    ...(validators !== undefined && { validators }),
    ...(fullNodes !== undefined && { fullNodes }),
    ...(basePort !== undefined && { basePort }),
    ...(seed !== undefined && { seed }),
    ...(param !== undefined && { parameters: param }),
    ...(loadAccounts !== undefined && { loadAccounts }),
  }
}

async function startDetached(
  dir: string,
  options: StartOptions,
  told: AbortSignal,
  startMs: number,
): Promise<void> {
  const shape = shapeOf(options)
  if (devnetExists(dir)) checkSameShape(dir, readDevnetFile(dir), shape)
  else await createDevnet(dir, shape)
  const { demo = false, links = false } = options
  await startInBackground(dir, { demo, links, signal: told })
  if (!told.aborted) greet(await describeReady(dir), dir, options, startMs)
}

async function run(dir: string, options: StartOptions, told: AbortSignal, startMs: number): Promise<void> {
  await using devnet = await Devnet.start({
    ...shapeOf(options),
    dir,
    links: options.links === true,
    onEvent: (event) => onSupervisorEvent(event, options),
    signal: told,
  })
  greet(devnet.ready, dir, options, startMs)
  if (options.demo === true) await demo(dir, devnet.supervisor, options.json === true)
  await devnet.supervisor.stopped
}

function greet(ready: ReadyEvent, dir: string, options: StartOptions, startMs: number): void {
  if (options.configOut !== undefined) writeDevnetConfig(options.configOut, ready, readDevnetFile(dir))
  if (options.json === true) printEvent(ready)
  else process.stdout.write(`${greeting(ready, dir, performance.now() - startMs, options.detach === true)}\n`)
}

function greeting(
  { validators, fullNodes, accounts, mnemonic, height, dashboard }: ReadyEvent,
  dir: string,
  tookMs: number,
  detached: boolean,
): string {
  const nodes = table(
    [{ title: 'NODE' }, { title: 'PID', align: 'right' }, { title: 'RPC, HEALTH, METRICS' }],
    [...validators, ...fullNodes].map(({ name, pid, rpc }) => [name, String(pid), rpc]),
  )
  const money = table(
    [{ title: 'ACCOUNT' }, { title: 'BALANCE', align: 'right' }, { title: 'ADDRESS' }],
    accounts.map(({ name, address, balance }) => [name, amount(balance), address]),
  )
  const option = dirOption(dir)
  return [
    money,
    `Their words, for wallets: ${mnemonic}`,
    '',
    nodes,
    '',
    `Ready after ${(tookMs / 1000).toFixed(1)} s at height ${height}. Everything is in ${dir}. Try:`,
    `  cordon wallet send --from alice --to bob --amount 12.50CRD${option}`,
    `  cordon devnet attack drain${option}`,
    `Watch it at ${dashboard}`,
    `Review held payments as ${validators.map(({ name }) => name).join(', ')}: the links of cordon devnet status${option}`,
    detached ? `Stop it with: cordon devnet stop${option}` : 'Ctrl-C stops it; what happened stays.',
    '',
  ].join('\n')
}

/** What the next command needs to find this devnet. */
function dirOption(dir: string = DEFAULT_DEVNET_DIR): string {
  return dir === DEFAULT_DEVNET_DIR ? '' : ` --dir ${dir}`
}

function onSupervisorEvent(event: SupervisorEvent, { json, dir }: StartOptions): void {
  if (event.event === 'started') return
  if (json === true) printEvent(event)
  if (event.event === 'stale')
    note(`stopped ${event.name} (pid ${event.pid}), left behind by an earlier devnet that was killed`)
  else
    note(
      `${event.message}; log: ${event.log}; start it again with: cordon devnet restart ${event.name}${dirOption(dir)}`,
    )
}

/** Plays and shows traffic until the devnet stops. */
async function demo(dir: string, supervisor: Supervisor, json: boolean): Promise<void> {
  const [watcher, ...players] = [...(await connectValidators(dir)), ...(await connectValidators(dir))]
  if (watcher === undefined) throw new CordonError('devnet-failed', 'no validator answers')
  const signal = supervisor.stopping
  const show = (text: string): boolean => process.stdout.write(`${text}\n`)
  const streams = [
    watchLive(watcher, signal, (tick) => (json ? printEvent(tick) : show(formatTick(tick)))),
    playDemo({
      dir,
      seed: supervisor.file.seed,
      clients: players,
      signal,
      onEvent: (event) => onDemoEvent(event, json),
    }),
  ].map((stream) =>
    stream.catch((error: unknown) => note(error instanceof Error ? error.message : String(error))),
  )
  await supervisor.stopped
  for (const client of [watcher, ...players]) client.close()
  await Promise.all(streams)
}

function onDemoEvent(event: DemoEvent, json: boolean): void {
  if (json) {
    printEvent(event)
    return
  }
  const line = demoLine(event)
  if (event.event === 'trouble') note(line)
  else process.stdout.write(`${line}\n`)
}

function demoLine(event: DemoEvent): string {
  switch (event.event) {
    case 'attack-started':
      return `>> an attack begins: ${event.pattern === 'drain' ? 'somebody took over an account and empties it' : 'one account fires payments at new payees'}`
    case 'attack':
      return `<< ${event.pattern}: ${event.held} of ${event.fraudulent} fraudulent payments held, ${event.settled} settled, ${event.failed} failed`
    case 'trouble':
      return event.message
  }
}
