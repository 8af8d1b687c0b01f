/** Executes the random blocks of seed "kill" on the ledger of a directory until it is killed; prints each height. */
import { Ledger } from '../../ledger/ledger.ts'
import { makeChain } from './helpers.ts'
import { RANDOM_CHAIN, RandomBlocks } from './random-blocks.ts'

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('expected the directory of a ledger')
const chain = makeChain(RANDOM_CHAIN)
const random = new RandomBlocks(chain, 'kill')
const memory = await Ledger.inMemory(chain)
const disk = await Ledger.open({ directory, ...chain })
for (;;) {
  const block = random.next()
  random.seen(await memory.execute(block))
  if (block.height <= disk.height) continue
  await disk.execute(block)
  process.stdout.write(`${disk.height}\n`)
}
