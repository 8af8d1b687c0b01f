/** `cordon genesis`: making the file of a network, looking at one, and the line of a validator. */
import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { create } from '../../cli/genesis/create.ts'
import { show } from '../../cli/genesis/show.ts'
import { validator } from '../../cli/genesis/validator.ts'
import type { CommandResult } from '../../cli/output.ts'
import { readGenesisFile, serialiseGenesis } from '../../config/genesis-file.ts'
import { genesisHash } from '../../config/genesis.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { toHex } from '../../crypto/bytes.ts'
import { key, makeGenesis, validatorKeys } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'

const address = (name: string, prefix = 'tcdn'): string => encodeAddress(prefix, key(name).publicKey)
const keyOf = (index: number): string => toHex(validatorKeys[index]!.publicKey)
const line = (name: string, index: number, stake = '1000CRD'): string =>
  [name, keyOf(index), address(name), stake].join(',')

type CreateOptions = Parameters<typeof create>[0]

/** A folder for files and an empty keystore. */
class Office extends Home {
  readonly file: string = join(this.path, 'genesis.json')

  make(words: Partial<CreateOptions>): Promise<CommandResult> {
    const keystore = join(this.path, 'keystore')
    return create({ network: 'testnet', validator: [], out: this.file, keystore, ...words })
  }

  /** What is wrong with the words: nothing was made. */
  async problems(words: Partial<CreateOptions>): Promise<string[]> {
    const { data, error } = await this.make(words)
    const { problems } = data as { problems: readonly { option: string; message: string }[] }
    assert.equal(error?.code, problems.length === 0 ? undefined : 'usage')
    assert.ok(problems.length === 0 || words.out !== undefined || !existsSync(this.file))
    return problems.map(({ option, message }) => `${option}: ${message}`)
  }
}

function matchEach(texts: readonly string[], patterns: readonly RegExp[]): void {
  assert.equal(texts.length, patterns.length, texts.join('\n'))
  for (const [index, pattern] of patterns.entries()) assert.match(texts[index] ?? '', pattern)
}

suite('genesis create', () => {
  test('makes a file that everybody may read and every node can use', async () => {
    using office = new Office()
    const words = {
      validator: [line('anna', 0), line('ben', 1, '500.5CRD'), line('carl', 2), line('dora', 3)],
      account: [`${address('zoe')},7uCRD`, `${address('anna')}, 100CRD`],
      param: ['idleMs=1000', 'onExpiry=release'],
    }
    const { data } = await office.make(words)
    const genesis = readGenesisFile(office.file)
    assert.equal((data as { genesisHash: string }).genesisHash, toHex(genesisHash(genesis)))
    assert.equal(statSync(office.file).mode & 0o777, 0o644)
    assert.deepEqual(
      genesis.validators.map(({ name, publicKey, stake }) => [name, toHex(publicKey), stake]),
      [
        ['anna', keyOf(0), 1_000_000_000n],
        ['ben', keyOf(1), 500_500_000n],
        ['carl', keyOf(2), 1_000_000_000n],
        ['dora', keyOf(3), 1_000_000_000n],
      ],
    )
    assert.deepEqual(genesis.accounts.map(({ balance }) => balance).sort(), [100_000_000n, 7n].sort())
    assert.deepEqual(
      [genesis.network, genesis.parameters.idleMs, genesis.parameters.onExpiry],
      ['testnet', 1000, 'release'],
    )
  })

  test('is another network each time', async () => {
    using office = new Office()
    const hashOf = async (out: string): Promise<string> => {
      await office.make({ validator: [line('anna', 0)], out })
      return toHex(genesisHash(readGenesisFile(out)))
    }
    assert.notEqual(await hashOf(office.file), await hashOf(`${office.file}.2`))
  })

  test('says everything that is wrong at once, each with what was expected', async () => {
    using office = new Office()
    writeFileSync(office.file, '')
    const problems = await office.problems({
      validator: [
        'anna',
        `a b,12,${address('ben', 'dcdn')},5`,
        line('carl', 2, '0CRD'),
        `dora,${'0'.repeat(64)},nobody,1CRD`,
      ],
      account: [address('anna'), `${address('anna').slice(0, -1)}q,1.1234567CRD`],
      param: ['idleMs', 'speed=1', 'deltaMs=1', 'minFee=5', 'minFee=6'],
      out: office.file,
    })
    matchEach(problems, [
      /^--param: idleMs: expected NAME=VALUE, got "idleMs"$/,
      /^--param: speed=1: unknown parameter "speed"/,
      /^--param: deltaMs=1: deltaMs must be an integer from 10 to 60000 ms, got "1"$/,
      /^--param: minFee=6: expected each name once, got "minFee"$/,
      /^--validator: anna: expected NAME,KEY,OPERATOR,STAKE, got 1 parts$/,
      /^--validator: a b,12,.*…: expected 1 to 32 letters.* as NAME, got "a b"$/,
      /^--validator: a b,12,.*…: expected an Ed25519 public key as 64 lower-case hex digits as KEY, got "12"$/,
      /^--validator: a b,12,.*…: address .* belongs to another network/,
      /^--validator: a b,12,.*…: amount "5" has no unit/,
      /^--validator: carl,.*…: expected at least 1uCRD as STAKE, got "0CRD"$/,
      /^--validator: dora,.*…: expected an Ed25519 public key/,
      /^--validator: dora,.*…: "nobody" is no address and no name/,
      /^--account: .*…: expected ADDRESS,AMOUNT, got 1 parts$/,
      /^--account: .*…: address .* has a wrong checksum/,
      /^--account: .*…: amount "1\.1234567CRD" has 7 decimals/,
      /^--out: .*genesis\.json is there already/,
    ])
  })

  test('does not take anybody twice, or more than there can be', async () => {
    using office = new Office()
    const [anna] = [line('anna', 0)]
    matchEach(await office.problems({ validator: [anna, anna] }), [
      /^--validator: name: expected another value for each validator, got "anna"$/,
      /^--validator: publicKey: expected another value/,
      /^--validator: operator: expected another value/,
    ])
    const account = [`${address('zoe')},1CRD`, `${address('zoe')},2CRD`]
    matchEach(await office.problems({ validator: [anna], account }), [
      /^--account: accounts: expected each address once/,
    ])
    const rich = [`${address('zoe')},9223372036854775807uCRD`]
    matchEach(await office.problems({ validator: [anna], account: rich }), [
      /^--account: accounts: expected balances and stake of less than/,
    ])
    matchEach(await office.problems({ validator: [anna], param: ['standstillMs=4000'] }), [
      /^--param: standstillMs=4000: idleMs 5000 must be below standstillMs 4000$/,
    ])
  })
})

interface Shown {
  readonly quorum: string
  readonly maxFaulty: string
  readonly mayBeAway: number
  readonly supply: string
  readonly validators: readonly { readonly shareBps: number; readonly isNeeded: boolean }[]
  readonly parameters: readonly object[]
  readonly warnings: readonly string[]
}

suite('genesis show', () => {
  /** What is shown of a network with these stakes, in uCRD. */
  async function shownOf(office: Office, ...stakes: readonly number[]): Promise<Shown> {
    const validators = makeGenesis().validators.flatMap((each, index) => {
      const stake = stakes[index]
      return stake === undefined ? [] : [{ ...each, stake: BigInt(stake) }]
    })
    const accounts = validators.map(({ operator }) => ({ id: operator, balance: 1_000n }))
    accounts.sort((a, b) => Buffer.compare(a.id, b.id))
    writeFileSync(office.file, serialiseGenesis({ ...makeGenesis(), validators, accounts }))
    return (await show(office.file)).data as Shown
  }

  test('four of equal stake: one may be away, and nothing is warned of', async () => {
    using office = new Office()
    const { quorum, maxFaulty, mayBeAway, supply, validators, warnings } = await shownOf(
      office,
      10,
      10,
      10,
      10,
    )
    assert.deepEqual([quorum, maxFaulty, mayBeAway, supply, warnings], ['27', '13', 1, '4040', []])
    assert.deepEqual(
      validators.map(({ shareBps }) => shareBps),
      [2500, 2500, 2500, 2500],
    )
  })

  test('whoever has a third or more is needed, exactly a third included', async () => {
    using office = new Office()
    for (const [stakes, needed, mayBeAway] of [
      [[10, 10], [true, true], 0],
      [[1, 1, 1], [true, true, true], 0],
      [[8, 4, 4, 8], [true, false, false, true], 0],
      [[34, 22, 22, 22], [true, false, false, false], 0],
      [[100, 1, 1, 1], [true, false, false, false], 0],
    ] as const) {
      const shown = await shownOf(office, ...stakes)
      assert.deepEqual(
        shown.validators.map(({ isNeeded }) => isNeeded),
        needed,
        String(stakes),
      )
      assert.equal(shown.mayBeAway, mayBeAway, String(stakes))
      const about = shown.warnings.filter((text) => /nothing becomes final/.test(text))
      assert.equal(about.length, needed.filter(Boolean).length)
      assert.equal(
        shown.warnings.some((text) => /it takes 4/.test(text)),
        stakes.length < 4,
      )
    }
  })

  test('an operator who cannot pay a fee is named, and so are parameters that somebody chose', async () => {
    using office = new Office()
    const genesis = makeGenesis()
    const parameters = { ...genesis.parameters, idleMs: 700 }
    writeFileSync(office.file, serialiseGenesis({ ...genesis, parameters }))
    const { data, text } = await show(office.file)
    const { warnings, parameters: chosen } = data as Shown
    assert.equal(warnings.filter((each) => /^the operator of v\d has no money for fees/.test(each)).length, 4)
    assert.deepEqual(chosen, [{ name: 'idleMs', value: 700, preset: 1500 }])
    assert.match(text, /^parameters +idleMs = 700, by default 1500$/m)
    assert.match(text, new RegExp(`^hash +${toHex(genesisHash({ ...genesis, parameters }))}$`, 'm'))
  })

  test('a file that is none is refused', async () => {
    using office = new Office()
    writeFileSync(office.file, '{}')
    await assert.rejects(show(office.file), { code: 'genesis-invalid' })
  })
})

suite('genesis validator', () => {
  test('prints what genesis create takes', async () => {
    using office = new Office()
    assert.equal((await office.run(['init', '--dir', 'node', '--validator-key'])).code, 0)
    const dir = join(office.path, 'node')
    const keystore = join(office.path, 'keystore')
    const { text } = await validator({ dir, account: address('ben'), stake: '1000CRD', keystore }, 'ben')
    assert.match(text, /^ben,[0-9a-f]{64},tcdn1\w+,1000CRD$/)
    assert.equal((await office.make({ validator: [text] })).error, undefined)
  })

  test('refuses full nodes, names and amounts that no genesis takes', async () => {
    using office = new Office()
    assert.equal((await office.run(['init', '--dir', 'node'])).code, 0)
    const options = { dir: join(office.path, 'node'), account: address('ben'), stake: '1CRD' }
    await assert.rejects(validator(options, 'ben'), { code: 'usage', message: /full node/ })
    await assert.rejects(validator(options, 'b,n'), { code: 'usage', message: /1 to 32 letters/ })
    await assert.rejects(validator({ ...options, stake: '1' }, 'ben'), { code: 'amount-invalid' })
  })
})
