/** `wallet contact`: names that payments may go to. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Names } from '../../cli/names.ts'
import { add, list, remove } from '../../cli/wallet/contacts.ts'
import { LIMITS } from '../../config/limits.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { key } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'
import { Wallet } from './wallet-node.ts'

const CAROL = encodeAddress('dcdn', key('carol').publicKey)
const DAVE = encodeAddress('dcdn', key('dave').publicKey)

const bookOf = (wallet: Wallet): string => join(wallet.directory, 'addressbook.json')

suite('contacts', () => {
  test('a name that is added resolves, is listed, and is gone once removed', async () => {
    using wallet = await Wallet.create()
    const { keystore } = wallet
    await add({ keystore }, 'landlord', CAROL.toUpperCase())
    await add({ keystore }, 'grocer', DAVE)
    await add({ keystore }, 'landlord', CAROL) // the same again changes nothing
    const paths = { keystore, addressBook: bookOf(wallet) }
    assert.equal(new Names(paths).resolve('landlord'), CAROL)
    assert.equal(new Names(paths).nameOf(CAROL), 'landlord')
    assert.deepEqual((await list({ keystore })).data, {
      addressBook: bookOf(wallet),
      contacts: [
        { name: 'grocer', address: DAVE },
        { name: 'landlord', address: CAROL },
      ],
    })
    assert.equal(statSync(bookOf(wallet)).mode & 0o777, 0o600)

    await remove({ keystore }, 'landlord')
    assert.throws(() => new Names(paths).resolve('landlord'), { code: 'address-invalid' })
    await assert.rejects(remove({ keystore }, 'landlord'), { code: 'not-found' })
    assert.deepEqual(
      readdirSync(wallet.directory).sort(),
      ['addressbook.json', 'keystore'],
      'no draft is left',
    )
  })

  test('own names, mistyped addresses, other networks and names that are taken are refused', async () => {
    using wallet = await Wallet.create()
    const { keystore } = wallet
    await add({ keystore }, 'landlord', CAROL)
    const before = readFileSync(bookOf(wallet), 'utf8')
    const mistyped = CAROL.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'))
    for (const [name, address, code] of [
      ['alice', DAVE, 'usage'],
      ['landlord', DAVE, 'usage'],
      ['Land Lord', DAVE, 'usage'],
      ['', DAVE, 'usage'],
      ['__proto__', DAVE, 'usage'],
      ['grocer', mistyped, 'address-invalid'],
      ['grocer', 'landlord', 'address-invalid'],
      ['grocer', encodeAddress('cdn', key('dave').publicKey), 'address-invalid'],
    ] as const) {
      await assert.rejects(add({ keystore }, name, address), { code }, `${name} ${address}`)
    }
    const elsewhere = { keystore, network: 'mainnet' } as const
    await assert.rejects(add(elsewhere, 'grocer', DAVE), { code: 'address-invalid' })
    const unknown = { keystore: join(wallet.directory, 'none') }
    await assert.rejects(add(unknown, 'grocer', DAVE), { code: 'usage' }, 'no key says which network')
    assert.equal(readFileSync(bookOf(wallet), 'utf8'), before)
  })

  test('a damaged book is not written over, and a book has its size', async () => {
    using wallet = await Wallet.create()
    const { keystore } = wallet
    writeFileSync(bookOf(wallet), '{')
    await assert.rejects(add({ keystore }, 'landlord', CAROL), { code: 'keystore-invalid' })
    assert.equal(readFileSync(bookOf(wallet), 'utf8'), '{')
    writeFileSync(bookOf(wallet), `{${' '.repeat(LIMITS.addressBookBytes)}}`)
    await assert.rejects(list({ keystore }), { code: 'keystore-invalid' })
    const line = (index: number): string => `"n${index}":"${CAROL}"`
    const count = Math.floor(LIMITS.addressBookBytes / (line(10_000).length + 1))
    const full = Array.from({ length: count }, (_, index) => line(index))
    writeFileSync(bookOf(wallet), `{${full.join(',')}}`) // fits without the spaces that it is written with
    await assert.rejects(add({ keystore }, 'landlord', CAROL), { code: 'usage' })
  })

  test('on a command line it needs no node', async () => {
    using home = new Home()
    const args = ['wallet', 'contact', 'add', 'landlord', CAROL, '--json']
    const unknown = await home.run(args)
    assert.deepEqual([unknown.code, unknown.envelope.error?.code], [2, 'usage'])
    const added = await home.run([...args, '--network', 'devnet'])
    assert.deepEqual([added.code, added.envelope.data?.address], [0, CAROL])
    assert.ok(existsSync(join(home.path, '.cordon', 'addressbook.json')))
    assert.match((await home.run(['wallet', 'contact', 'list'])).stdout, /landlord +dcdn1/)
  })
})
