/** `genesis show`, and what both it and `genesis create` say of a genesis. */
import { GENESIS_EPOCH } from '../../client/receipt.ts'
import { readGenesisFile } from '../../config/genesis-file.ts'
import { genesisHash, type Genesis } from '../../config/genesis.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import { PARAMETER_NAMES, presetParameters, type ParameterName } from '../../config/parameters.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { amount, facts, percent, table, time } from '../format.ts'
import { note, type CommandResult } from '../output.ts'

/** From so many validators of equal stake on one may be away. */
const FEWEST_TO_LOSE_ONE = 4

export async function show(file: string): Promise<CommandResult> {
  return describeGenesis(readGenesisFile(file), file)
}

interface DescribedValidator {
  readonly name: string
  readonly publicKey: string
  readonly operator: string
  /** In uCRD, like all amounts here. */
  readonly stake: string
  /** Of all stake. */
  readonly shareBps: number
  /** Without it there is no quorum. */
  readonly isNeeded: boolean
}

interface ChosenParameter {
  readonly name: ParameterName
  readonly value: number | string
  readonly preset: number | string
}

interface DescribedGenesis {
  readonly genesisHash: string
  readonly network: string
  readonly createdMs: number
  readonly validators: readonly DescribedValidator[]
  readonly totalStake: string
  /** Stake that has to sign for a block to be final. */
  readonly quorum: string
  /** F: stake that may fail. */
  readonly maxFaulty: string
  /** So many validators may be away at once, whichever they are. */
  readonly mayBeAway: number
  readonly accounts: number
  /** Balances and stake. */
  readonly supply: string
  /** Those that differ from the preset of the network. */
  readonly parameters: readonly ChosenParameter[]
  readonly warnings: readonly string[]
}

/** What a genesis says, and on standard error what somebody may not have meant by it. */
export function describeGenesis(genesis: Genesis, file: string): CommandResult {
  const described = examine(genesis)
  for (const warning of described.warnings) note(`warning: ${warning}`)
  return { data: { file, ...described }, text: textOf(described, file) }
}

function examine(genesis: Genesis): DescribedGenesis {
  const hash = genesisHash(genesis)
  const weighted = genesis.validators.map(({ name, publicKey, stake }) => ({
    name,
    publicKey,
    weight: stake,
  }))
  const set = makeValidatorSet({ genesisHash: hash }, GENESIS_EPOCH, weighted)
  const validators = genesis.validators.map(({ name, publicKey, operator, stake }) => ({
    name,
    publicKey: toHex(publicKey),
    operator: encodeAddress(ADDRESS_PREFIX[genesis.network], operator),
    stake: String(stake),
    shareBps: Number((stake * 10_000n) / set.totalWeight),
    isNeeded: stake > set.maxFaultyWeight,
  }))
  return {
    genesisHash: toHex(hash),
    network: genesis.network,
    createdMs: genesis.createdMs,
    validators,
    totalStake: String(set.totalWeight),
    quorum: String(set.quorumWeight),
    maxFaulty: String(set.maxFaultyWeight),
    mayBeAway: mayBeAway(genesis, set.maxFaultyWeight),
    accounts: genesis.accounts.length,
    supply: String(genesis.accounts.reduce((sum, { balance }) => sum + balance, set.totalWeight)),
    parameters: chosenParameters(genesis),
    warnings: [...neededValidators(validators), ...tooFewValidators(genesis), ...poorOperators(genesis)],
  }
}

/** So many of those with most stake that F covers them. */
function mayBeAway({ validators }: Genesis, maxFaultyUnits: bigint): number {
  const largestFirst = validators.map(({ stake }) => stake).sort((a, b) => (a < b ? 1 : -1))
  let away = 0
  let awayUnits = 0n
  for (const stake of largestFirst) {
    awayUnits += stake
    if (awayUnits > maxFaultyUnits) break
    away++
  }
  return away
}

function chosenParameters({ network, parameters }: Genesis): ChosenParameter[] {
  const preset = presetParameters(network)
  return PARAMETER_NAMES.filter((name) => parameters[name] !== preset[name]).map((name) => ({
    name,
    value: parameters[name],
    preset: preset[name],
  }))
}

function neededValidators(validators: readonly DescribedValidator[]): string[] {
  return validators
    .filter(({ isNeeded }) => isNeeded)
    .map(
      ({ name, shareBps }) =>
        `${name} has ${percent(shareBps)} of the stake: while it is away nothing becomes final, and it can hold payments all by itself`,
    )
}

function tooFewValidators({ validators }: Genesis): string[] {
  const count = validators.length
  return count < FEWEST_TO_LOSE_ONE
    ? [
        `${count === 1 ? 'one validator' : `${count} validators`}: it takes ${FEWEST_TO_LOSE_ONE} of equal stake to go on when any one of them is away`,
      ]
    : []
}

/** A review is a transaction, and has its fee. */
function poorOperators({ validators, accounts, parameters }: Genesis): string[] {
  const fee = BigInt(parameters.minFee)
  const balanceOf = (id: Uint8Array): bigint =>
    accounts.find((account) => equalBytes(account.id, id))?.balance ?? 0n
  return validators
    .filter(({ operator }) => balanceOf(operator) < fee)
    .map(
      ({ name }) =>
        `the operator of ${name} has no money for fees: it cannot decide on held payments before somebody pays it`,
    )
}

function textOf(genesis: DescribedGenesis, file: string): string {
  const { validators, totalStake, quorum, maxFaulty, parameters } = genesis
  const away =
    genesis.mayBeAway === 0
      ? 'none of the validators may be away'
      : `any ${genesis.mayBeAway} of the ${validators.length} validators may be away`
  return [
    facts([
      ['genesis', file],
      ['hash', genesis.genesisHash],
      ['network', `${genesis.network}, made ${time(genesis.createdMs)}`],
      [
        'supply',
        `${amount(genesis.supply)}, ${amount(totalStake)} of it stake; accounts: ${genesis.accounts}`,
      ],
      ['quorum', `${amount(quorum)} of the stake; F is ${amount(maxFaulty)}: ${away}`],
      ...parameters.map(({ name, value, preset }, index) => [
        index === 0 ? 'parameters' : '',
        `${name} = ${value}, by default ${preset}`,
      ]),
    ]),
    '',
    validatorTable(validators),
  ].join('\n')
}

function validatorTable(validators: readonly DescribedValidator[]): string {
  return table(
    [
      { title: 'VALIDATOR' },
      { title: 'STAKE', align: 'right' },
      { title: 'SHARE', align: 'right' },
      { title: 'PUBLIC KEY' },
      { title: 'OPERATOR' },
    ],
    validators.map(({ name, stake, shareBps, publicKey, operator }) => [
      name,
      amount(stake),
      percent(shareBps),
      publicKey,
      operator,
    ]),
  )
}
