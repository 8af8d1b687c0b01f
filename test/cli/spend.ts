/** A process that spends 1 CRD as often as it may, for the test of several that do so at once. Prints how often. */
import { SpendingLog } from '../../cli/requests/spending.ts'

const [directory = '', name = '', max = ''] = process.argv.slice(2)
const ONE = 1_000_000n
const log = new SpendingLog(directory)
let spent = 0
try {
  for (;;) {
    const id = `${name}${String(spent).padStart(31, '0')}`
    log.reserve({ id, amountUnits: ONE, timeMs: Date.now() }, ({ dayUnits }) => {
      if (dayUnits + ONE > BigInt(max)) throw new RangeError('enough')
    })
    spent++
  }
} catch (error) {
  if (!(error instanceof RangeError)) throw error
}
process.stdout.write(`${spent}\n`)
