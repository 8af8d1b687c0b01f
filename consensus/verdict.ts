/**
 * The verdict (dissemination.md, The verdict): which transfers of a batch are held, from the opinions in its certificate.
 *
 * > A transfer is held if and only if validators of weight ≥ F + 1 flag it in the certificate as it first appears on
 * > the chain.
 *
 * Everything in this rule is in finalized blocks, so every node comes to the same verdict although the opinions rest on
 * floating-point models that differ. F + 1 is the only threshold that faulty validators of weight F cannot reach alone,
 * and that all honest ones always reach: any certificate keeps ≥ W − 2F ≥ F + 1 of them.
 */
import { LIMITS } from '../config/limits.ts'
import type { BatchCertificate, HeldTransfer, ValidatorSet } from './types.ts'

type Flagger = HeldTransfer['flaggers'][number]

interface Suspicion {
  readonly tx: number
  readonly action: number
  readonly flaggers: Flagger[]
  weight: bigint
}

/**
 * The transfers that the verdict holds, ascending by (tx, action), each with its flaggers ascending by signer.
 *
 * `certificate` must have passed `BatchCheck.certificate`: one ack per signer is what makes each weight count once.
 * Flags on actions that are no transfers come through as well; the ledger, which can tell, ignores them.
 */
export function heldTransfers(set: ValidatorSet, certificate: BatchCertificate): HeldTransfer[] {
  const threshold = set.maxFaultyWeight + 1n
  const held: HeldTransfer[] = []
  for (const { tx, action, flaggers, weight } of suspicions(set, certificate)) {
    if (weight >= threshold) held.push({ tx, action, flaggedWeight: weight, flaggers })
  }
  return held.sort((a, b) => a.tx - b.tx || a.action - b.action)
}

function suspicions(set: ValidatorSet, certificate: BatchCertificate): Iterable<Suspicion> {
  const byTransfer = new Map<number, Suspicion>()
  for (const { signer, flags } of certificate.acks) {
    const weight = set.validators[signer]?.weight ?? 0n
    for (const { tx, action, score, reasons } of flags) {
      const key = transferKey(tx, action)
      let suspicion = byTransfer.get(key)
      if (suspicion === undefined) {
        suspicion = { tx, action, flaggers: [], weight: 0n }
        byTransfer.set(key, suspicion)
      }
      suspicion.flaggers.push({ signer, weight, score, reasons })
      suspicion.weight += weight
    }
  }
  return byTransfer.values()
}

/** One number for a transfer action within its batch. */
export function transferKey(tx: number, action: number): number {
  return tx * LIMITS.actionsPerTx + action
}
