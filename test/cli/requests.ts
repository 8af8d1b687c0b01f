/** What tests of payment requests share: a wallet with a policy, and requests under it. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Names } from '../../cli/names.ts'
import { requestFolder } from '../../cli/requests/desk.ts'
import { readPolicy } from '../../cli/requests/policy.ts'
import type { PaymentRequest } from '../../cli/requests/request.ts'
import type { StoredRequest } from '../../cli/requests/request-folder.ts'
import { keystorePaths, type KeystorePaths } from '../../cli/context.ts'
import { Wallet } from './wallet-node.ts'

export interface PolicyText {
  readonly payer?: string
  readonly payees?: string
  readonly max_payment?: string
  readonly max_day?: string
  readonly max_total?: string
  readonly expiry?: string
  readonly max_open?: number
}

/** A wallet of alice and bob whose alice may be asked to pay bob. */
export class AskedWallet implements Disposable {
  readonly wallet: Wallet

  private constructor(wallet: Wallet) {
    this.wallet = wallet
  }

  static async create(policy: PolicyText = {}): Promise<AskedWallet> {
    const asked = new AskedWallet(await Wallet.create())
    asked.writePolicy(policy)
    return asked
  }

  get paths(): KeystorePaths {
    return keystorePaths({ keystore: this.wallet.keystore })
  }

  get policyFile(): string {
    return join(this.wallet.directory, 'policy.toml')
  }

  get requests(): string {
    return join(this.wallet.directory, 'requests')
  }

  addressOf(name: string): string {
    return new Names(this.paths).resolve(name)
  }

  writePolicy(change: PolicyText = {}): void {
    const { payees = '["bob"]', ...rest } = change
    const values = {
      ...{ payer: 'alice', max_payment: '50CRD', max_day: '100CRD', max_total: '500CRD' },
      ...{ expiry: '1h', max_open: 5 },
      ...rest,
    }
    const lines = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    writeFileSync(this.policyFile, `version = 1\npayees = ${payees}\n${lines.join('\n')}\n`)
    chmodSync(this.policyFile, 0o600)
  }

  /** A request for 20CRD to bob, made now under the policy as it is. */
  ask(change: Partial<PaymentRequest> = {}): StoredRequest {
    const nowMs = Date.now()
    return requestFolder(this.paths).add({
      payer: this.addressOf('alice'),
      payee: this.addressOf('bob'),
      amountUnits: 20_000_000n,
      why: 'the rent',
      createdMs: nowMs,
      expiresMs: nowMs + 3_600_000,
      policyDigest: readPolicy(this.policyFile, this.paths).digest,
      salt: '5a'.repeat(16),
      ...change,
    })
  }

  [Symbol.dispose](): void {
    this.wallet[Symbol.dispose]()
  }
}
