/**
 * `cordon/client`: a typed client of a node, for programs that pay, watch and check. The CLI is made of the same parts.
 * docs/library.md shows how to use it; docs/rpc.md has every method.
 */
export { formatAmount, parseAmount } from '../config/amount.ts'
export { CordonError, EXIT, type ErrorCode } from '../config/errors.ts'
export { parseGenesis, readGenesisFile } from '../config/genesis-file.ts'
export { decodeAddress, encodeAddress, parseAddress } from '../crypto/address.ts'
export { fromHex, toHex } from '../crypto/bytes.ts'
export { keyPairFromSeed, type KeyPair } from '../crypto/ed25519.ts'
export { createKey, openKey, type KeyInfo, type OpenKey } from '../crypto/keystore.ts'
export { newMnemonic, seedOfMnemonic } from '../crypto/mnemonic.ts'
export type * from './api.ts'
export { fetchReceipt } from './fetch-receipt.ts'
export type * from './operator-api.ts'
export { OperatorClient } from './operator-client.ts'
export { formatPaymentUri, parsePaymentUri, type PaymentRequest } from './payment-uri.ts'
export {
  hasEnded,
  isProvablyExpired,
  submit,
  submitAndWait,
  waitForTransaction,
  type PaymentEnd,
  type SignedPayment,
} from './payment.ts'
export { verifyPortableReceipt, type VerifiedReceipt } from './receipt.ts'
export { connect, type CallOptions, type ConnectOptions, type RpcClient } from './rpc-client.ts'
export { Wallet, type PreparedPayment, type TransferRequest } from './wallet.ts'
