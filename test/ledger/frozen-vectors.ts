/** Makes test/vectors/ledger-state.json: run this file and write its output there, in a commit of its own. */
import { toHex } from '../../crypto/bytes.ts'
import { accountKey, encodeAccount, encodeHold, encodeValidator, holdKey } from '../../ledger/entries.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { encodeReceipt, receiptDigest } from '../../ledger/receipt.ts'
import type { Hold, Receipt } from '../../ledger/types.ts'
import { idOf, makeChain } from './helpers.ts'
import { RANDOM_CHAIN, RandomBlocks } from './random-blocks.ts'

export async function frozenVectors() {
  const chain = makeChain(RANDOM_CHAIN)
  const random = new RandomBlocks(chain, 'frozen 2')
  const ledger = await Ledger.inMemory(chain)
  const blocks: { stateRoot: string; receiptsRoot: string }[] = []
  const receipts = new Map<string, Receipt>()
  let hold: Hold | null = null
  for (let height = 1; height <= 25; height++) {
    const execution = await ledger.execute(random.next())
    random.seen(execution)
    blocks.push({ stateRoot: toHex(execution.stateRoot), receiptsRoot: toHex(execution.receiptsRoot) })
    for (const receipt of execution.receipts) receipts.set(receipt.failure ?? receipt.outcome, receipt)
    hold = execution.endedHolds.find(({ reviews }) => reviews.length > 0) ?? hold
  }
  const [validator] = ledger.validators()
  if (hold === null || validator === undefined)
    throw new Error('choose a seed whose blocks end a hold by review')
  const id = idOf('alice')
  const proofs = await Promise.all(['alice', 'new1', 'nobody'].map((name) => ledger.accountProof(idOf(name))))
  return {
    note: 'Results of test/ledger/random-blocks.ts with seed "frozen 2". Changing them is a change of format.',
    genesisStateRoot: toHex(ledger.genesisStateRoot),
    blocks,
    entries: {
      account: {
        id: toHex(id),
        key: toHex(accountKey(id)),
        bytes: toHex(
          encodeAccount({
            id,
            balance: 2n ** 63n + 5n,
            sequence: 7n,
            createdMs: 1_700_000_000_000,
            labels: 3,
            guardian: null,
          }),
        ),
      },
      guarded: toHex(
        encodeAccount({
          id,
          balance: 1n,
          sequence: 0n,
          createdMs: 1_700_000_000_000,
          labels: 0,
          guardian: { before: idOf('bob'), after: idOf('carol'), fromMs: 1_700_000_259_200 },
        }),
      ),
      guardedHold: toHex(encodeHold({ ...hold, guardian: idOf('carol') })),
      hold: { id: toHex(hold.id), key: toHex(holdKey(hold.id)), bytes: toHex(encodeHold(hold)) },
      validator: toHex(encodeValidator(validator)),
    },
    receipts: [...receipts].map(([outcome, receipt]) => {
      const bytes = encodeReceipt(receipt)
      return { outcome, bytes: toHex(bytes), digest: toHex(receiptDigest(bytes)) }
    }),
    proofs: proofs.map(({ stateRoot, key, proof, account }) => ({
      root: toHex(stateRoot),
      key: toHex(key),
      proof: toHex(proof),
      present: account !== null,
    })),
  }
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await frozenVectors(), null, 2)}\n`)
