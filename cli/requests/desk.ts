/** What payment requests of one wallet are made of: where everything lies, and how a payment finds its request again. */
import { dirname, join } from 'node:path'
import type { KeystorePaths } from '../context.ts'
import { RequestFolder } from './request-folder.ts'
import { SpendingLog } from './spending.ts'

/** The folder of requests, beside the keystore. */
export function requestFolder({ keystore }: KeystorePaths): RequestFolder {
  return new RequestFolder(join(dirname(keystore), 'requests'))
}

/** What was approved for a payer, beside the keystore. */
export function spendingLog({ keystore }: KeystorePaths, payer: string): SpendingLog {
  return new SpendingLog(join(dirname(keystore), 'spending', payer))
}

/** Key in the outbox of the payment for a request: with it a request is paid once, however often it is approved. */
export function outboxKeyOf(requestId: string): string {
  return `payment request ${requestId}`
}
