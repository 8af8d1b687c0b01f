/** Signs the payments that devnet traffic is made of: unordered, mostly of one transfer. */
import { randomBytes } from 'node:crypto'
import { fromHex, utf8 } from '../crypto/bytes.ts'
import type { KeyPair } from '../crypto/ed25519.ts'
import type { ChainInfo } from '../client/api.ts'
import { minimumFee } from '../ledger/rules.ts'
import { signTransaction } from '../ledger/transaction.ts'

/** What a payment needs to know of its chain. */
export interface ChainFacts {
  /** 8 bytes. */
  readonly chain: Uint8Array
  /** Of one transfer, in uCRD. */
  readonly feeUnits: bigint
  readonly validityMs: number
}

export function chainFacts(info: ChainInfo): ChainFacts {
  return { chain: fromHex(info.chainId, 8), feeUnits: BigInt(info.minFee), validityMs: info.walletValidityMs }
}

interface PaymentTransfer {
  /** Account id, 32 bytes. */
  readonly to: Uint8Array
  readonly amountUnits: bigint
  readonly memo: string
}

/** What a transaction of transfers has beside them. */
interface PaymentFrame {
  readonly from: KeyPair
  readonly validUntilMs: number
}

interface Payment extends PaymentFrame, PaymentTransfer {}

interface SignedPayment {
  readonly txId: Uint8Array
  readonly bytes: Uint8Array
}

/** The signed transaction of a payment. */
export function signPayment(facts: ChainFacts, payment: Payment): SignedPayment {
  return signTransfers(facts, payment, [payment])
}

/** The signed transaction of several transfers. A random salt makes equal ones distinct. */
export function signTransfers(
  facts: ChainFacts,
  { from, validUntilMs }: PaymentFrame,
  transfers: readonly PaymentTransfer[],
): SignedPayment {
  const { id, bytes } = signTransaction(
    {
      chain: facts.chain,
      sender: from.publicKey,
      sequence: 0n,
      validUntilMs,
      salt: randomBytes(8).readBigUInt64BE(),
      fee: minimumFee(Number(facts.feeUnits), transfers.length),
      actions: transfers.map(({ to, amountUnits, memo }) => ({
        type: 'transfer',
        to,
        amount: amountUnits,
        memo: utf8(memo),
      })),
    },
    [from],
  )
  return { txId: id, bytes }
}
