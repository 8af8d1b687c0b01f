/**
 * Parameters: what a network chooses for itself in its genesis. One table, with a column for each preset, the allowed
 * range and the reason. All of them are part of the genesis hash, so two nodes of one chain never disagree on them.
 */
import { CordonError } from './errors.ts'

export type NetworkName = 'mainnet' | 'testnet' | 'devnet'

interface IntegerParameter {
  readonly kind: 'integer'
  readonly unit: 'ms' | 'bytes' | 'count' | 'uCRD'
  readonly mainnet: number
  readonly devnet: number
  readonly min: number
  readonly max: number
  readonly reason: string
}

interface ChoiceParameter<Choice extends string> {
  readonly kind: 'choice'
  readonly choices: readonly Choice[]
  readonly mainnet: Choice
  readonly devnet: Choice
  readonly reason: string
}

const ms = (mainnet: number, devnet: number, min: number, max: number, reason: string): IntegerParameter => ({
  kind: 'integer',
  unit: 'ms',
  mainnet,
  devnet,
  min,
  max,
  reason,
})

/** The table. `--param NAME=VALUE` of `cordon devnet` takes these names. */
export const PARAMETERS = {
  deltaMs: ms(
    500,
    100,
    10,
    60_000,
    'Message delay assumed between honest validators, checking and fsync included; timers are multiples of it.',
  ),
  deltaMaxMs: ms(
    8_000,
    1_000,
    10,
    600_000,
    'Cap of the growing delay. Without a cap a stall doubles into hours; below the real delay there is no progress.',
  ),
  idleMs: ms(
    5_000,
    1_500,
    0,
    600_000,
    'How long the leader of an idle chain waits before an empty block. Below standstillMs.',
  ),
  standstillMs: ms(
    10_000,
    2_000,
    100,
    600_000,
    'Time without a finalization after which certificates and own votes are sent again.',
  ),
  batchIntervalMs: ms(
    50,
    5,
    1,
    10_000,
    'While another is on its way a batch closes this long after its first transaction: latency against cost per batch.',
  ),
  batchMaxTxs: {
    kind: 'integer',
    unit: 'count',
    mainnet: 500,
    devnet: 500,
    min: 1,
    max: 5_000,
    reason: 'Keeps checking and scoring one batch within a few milliseconds.',
  },
  batchMaxBytes: {
    kind: 'integer',
    unit: 'bytes',
    mainnet: 262_144,
    devnet: 262_144,
    min: 32_768,
    max: 1_048_576,
    reason: 'A batch is one message; larger ones delay the votes behind them.',
  },
  ackRetryMs: ms(
    1_000,
    250,
    10,
    60_000,
    'How often an author re-sends an unordered batch or its certificate.',
  ),
  assessBudgetMs: ms(50, 50, 1, 10_000, 'Time for scoring one batch; the cheap sum covers what is left.'),
  assessGraceMs: ms(
    100,
    30,
    0,
    10_000,
    'How long an author waits for opinions that could still hold a flagged transfer.',
  ),
  batchTtlMs: ms(
    60_000,
    60_000,
    1_000,
    3_600_000,
    'A batch not ordered this long after its creation is void; its transactions go into a new one.',
  ),
  maxClockDriftMs: ms(500, 500, 1, 60_000, 'How far ahead of the local clock a block or batch may be dated.'),
  maxCertsPerBlock: {
    kind: 'integer',
    unit: 'count',
    mainnet: 64,
    devnet: 64,
    min: 1,
    max: 512,
    reason: 'Bounds the size of a block and the work to execute it.',
  },
  maxOpenBatches: {
    kind: 'integer',
    unit: 'count',
    mainnet: 32,
    devnet: 32,
    min: 1,
    max: 1_024,
    reason: 'Batches one author may have that are not ordered yet: bounds memory against a flooding author.',
  },
  quarantineMs: ms(86_400_000, 86_400_000, 100, 31_536_000_000, 'How long a held payment waits for review.'),
  guardianDelayMs: ms(
    259_200_000,
    10_000,
    0,
    31_536_000_000,
    'A change of guardian waits this long: above quarantineMs, a stolen key cannot confirm what it stole before the owner is asked.',
  ),
  labelMinAgeMs: ms(
    2_592_000_000,
    60_000,
    0,
    315_360_000_000,
    'Age of a payer from which a confirmation by its guardian counts for the record of the flaggers.',
  ),
  onExpiry: {
    kind: 'choice',
    choices: ['return', 'release'],
    mainnet: 'return',
    devnet: 'return',
    reason: 'Where an unreviewed hold goes: back to the payer is safer for the payer.',
  },
  maxExpiriesPerBlock: {
    kind: 'integer',
    unit: 'count',
    mainnet: 256,
    devnet: 256,
    min: 1,
    max: 10_000,
    reason: 'Bounds the work at the start of a block; the rest follows in the next.',
  },
  minFee: {
    kind: 'integer',
    unit: 'uCRD',
    mainnet: 1_000,
    devnet: 1_000,
    min: 0,
    max: 1_000_000_000,
    reason: 'Fee per action: makes flooding cost something.',
  },
  walletValidityMs: ms(
    120_000,
    120_000,
    1_000,
    600_000,
    'Validity the wallet gives a payment: long enough for retries, short enough to know soon that it expired.',
  ),
} as const satisfies Record<string, IntegerParameter | ChoiceParameter<string>>

export type ParameterName = keyof typeof PARAMETERS

export type Parameters = {
  readonly [Name in ParameterName]: (typeof PARAMETERS)[Name] extends ChoiceParameter<infer Choice>
    ? Choice
    : number
}

/** Names in the order in which genesis encodes them. */
export const PARAMETER_NAMES: readonly ParameterName[] = Object.keys(PARAMETERS).sort() as ParameterName[]

/** The preset of a network; testnet runs with mainnet's values. */
export function presetParameters(network: NetworkName): Parameters {
  const column = network === 'devnet' ? 'devnet' : 'mainnet'
  return Object.fromEntries(
    PARAMETER_NAMES.map((name) => [name, PARAMETERS[name][column]]),
  ) as unknown as Parameters
}

/**
 * Checks one value, given as in JSON or as on a command line.
 * @throws CordonError `parameter-invalid` naming what was expected.
 */
export function parseParameter(name: string, value: unknown): number | string {
  if (!Object.hasOwn(PARAMETERS, name)) {
    throw new CordonError(
      'parameter-invalid',
      `unknown parameter ${JSON.stringify(name)}; known are ${PARAMETER_NAMES.join(', ')}`,
      { name },
    )
  }
  const parameter: IntegerParameter | ChoiceParameter<string> = PARAMETERS[name as ParameterName]
  if (parameter.kind === 'choice') {
    if (typeof value === 'string' && parameter.choices.includes(value)) return value
    throw new CordonError(
      'parameter-invalid',
      `${name} must be one of ${parameter.choices.join(', ')}, got ${JSON.stringify(value)}`,
      { name },
    )
  }
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (
    typeof number === 'number' &&
    Number.isInteger(number) &&
    number >= parameter.min &&
    number <= parameter.max
  )
    return number
  throw new CordonError(
    'parameter-invalid',
    `${name} must be an integer from ${parameter.min} to ${parameter.max} ${parameter.unit}, got ${JSON.stringify(value)}`,
    { name },
  )
}

/**
 * A whole set: the preset with `overrides`, checked one by one and against each other.
 * @throws CordonError `parameter-invalid`.
 */
export function makeParameters(
  network: NetworkName,
  overrides: Readonly<Record<string, unknown>> = {},
): Parameters {
  const parsed = Object.fromEntries(
    Object.entries(overrides).map(([name, value]) => [name, parseParameter(name, value)]),
  )
  const parameters = { ...presetParameters(network), ...parsed } as Parameters
  if (parameters.deltaMaxMs < parameters.deltaMs) {
    throw new CordonError(
      'parameter-invalid',
      `deltaMaxMs ${parameters.deltaMaxMs} must not be below deltaMs ${parameters.deltaMs}`,
      { name: 'deltaMaxMs' },
    )
  }
  if (parameters.idleMs >= parameters.standstillMs) {
    throw new CordonError(
      'parameter-invalid',
      `idleMs ${parameters.idleMs} must be below standstillMs ${parameters.standstillMs}`,
      { name: 'idleMs' },
    )
  }
  return parameters
}
