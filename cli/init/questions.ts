/**
 * What `cordon init` asks on a terminal: only what flags did not say, and each answer is checked before the next
 * question. Nothing is made before the last answer, so breaking off leaves nothing behind.
 */
import { CordonError } from '../../config/errors.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { needsInput, type Question, type Terminal } from '../input.ts'
import type { InitOptions } from './init.ts'
import { multiaddrOf, PEER_ADDRESS_EXPECTED } from './peer-address.ts'
import { DEFAULT_PORTS, parsePort, requireDifferent, type PortName } from './ports.ts'

/**
 * The options with what was answered.
 * @throws CordonError `needs-input` if a question is broken off; `usage` if two flags say the same port.
 */
export async function askMissing(options: InitOptions, terminal: Terminal): Promise<InitOptions> {
  if (!terminal.canAsk || options.yes === true) return options
  const ports = portsGiven(options)
  requireDifferent(ports)
  const ask = async (question: Question): Promise<string> => {
    try {
      return (await terminal.line(question)).trim()
    } catch {
      throw needsInput('the questions were broken off: nothing was made')
    }
  }
  const validatorKey = options.validatorKey ?? (await askRole(ask))
  const genesis = options.genesis ?? textOrNothing(await ask(GENESIS))
  const announce = options.announce ?? listOf(await ask(ANNOUNCE))
  const bootstrap = options.bootstrap ?? listOf(await ask(BOOTSTRAP))
  for (const name of PORT_NAMES) ports[name] ??= Number(await ask(portQuestion(name, Object.values(ports))))
  return {
    ...options,
    ...ports,
    announce,
    bootstrap,
    ...(validatorKey !== undefined && { validatorKey }),
    ...(genesis !== undefined && { genesis }),
  }
}

type Ask = (question: Question) => Promise<string>

const ROLE: Question = {
  message: 'Run a validator, which votes and needs a place in the genesis file? yes or no',
  standard: 'no',
  problemOf: (text) => (/^(?:yes|y|no|n)$/i.test(text) ? null : 'expected yes or no'),
}

const KEY: Question = {
  message: 'Its key file (nothing: make a new key)',
  standard: '',
  problemOf: (text) => (text === '' ? null : problemIn(() => readKeyFile(text, 'validator'))),
}

const GENESIS: Question = {
  message: 'Genesis file of the network (nothing: there is none yet)',
  standard: '',
  problemOf: (text) => (text === '' ? null : problemIn(() => readGenesisFile(text))),
}

const ANNOUNCE: Question = {
  message: 'Where other nodes reach this one: HOST or HOST:PORT (nothing: at the addresses of this machine)',
  standard: '',
  problemOf: addressProblem,
}

const BOOTSTRAP: Question = {
  message: 'Nodes to connect to, separated by commas (nothing: others come to this one)',
  standard: '',
  problemOf: addressProblem,
}

const PORT_NAMES: readonly PortName[] = ['p2pPort', 'rpcPort', 'operatorPort']

const PORT_MEANINGS: Readonly<Record<PortName, string>> = {
  p2pPort: 'Port for other nodes',
  rpcPort: 'Port for wallets and programs on this machine (RPC)',
  operatorPort: 'Port for the operator methods on this machine',
}

/** @returns undefined: a full node. */
async function askRole(ask: Ask): Promise<string | true | undefined> {
  if (!/^y/i.test(await ask(ROLE))) return undefined
  const file = await ask(KEY)
  return file === '' ? true : file
}

type SomePorts = Partial<Record<PortName, number>>

function portsGiven(options: InitOptions): SomePorts {
  const ports: SomePorts = {}
  for (const name of PORT_NAMES) {
    const port = options[name]
    if (port !== undefined) ports[name] = port
  }
  return ports
}

/** @param taken by flags and by answers before; the port that is offered is none of them. */
function portQuestion(name: PortName, taken: readonly number[]): Question {
  let offered = DEFAULT_PORTS[name]
  while (taken.includes(offered)) offered++
  return {
    message: PORT_MEANINGS[name],
    standard: String(offered),
    problemOf: (text) =>
      problemIn(() => {
        if (taken.includes(parsePort(text)))
          throw new CordonError('usage', `port ${text} is taken by another of these`)
      }),
  }
}

function addressProblem(text: string): string | null {
  const wrong = listOf(text).find((address) => multiaddrOf(address, DEFAULT_PORTS.p2pPort) === null)
  return wrong === undefined ? null : `expected ${PEER_ADDRESS_EXPECTED}, got ${JSON.stringify(wrong)}`
}

function problemIn(read: () => unknown): string | null {
  try {
    read()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function textOrNothing(text: string): string | undefined {
  return text === '' ? undefined : text
}
