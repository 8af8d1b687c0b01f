/**
 * What the ledger must not do twice: ids of unordered transactions, and batches. Each is remembered for a while, in
 * buckets of ten seconds. The state holds one leaf per bucket, a hash chained over its members in order of execution;
 * the members themselves are in memory and are rebuilt from the records of recent blocks.
 */
import { mapKey } from '../crypto/bytes.ts'
import { LIMITS } from '../config/limits.ts'
import { Writer } from '../crypto/codec.ts'
import { hash } from '../crypto/hash.ts'
import type { BucketEntry } from './entries.ts'
import type { Bytes32 } from './types.ts'

const EMPTY_CHAIN: Bytes32 = new Uint8Array(32)

/** Number of the bucket that a time falls into. */
export function bucketOf(timeMs: number): number {
  return Math.floor(timeMs / LIMITS.liveIdBucketMs)
}

/** First time after a bucket. */
export function bucketEndMs(bucket: number): number {
  return (bucket + 1) * LIMITS.liveIdBucketMs
}

/** A member to be remembered: 32 bytes, unique in the window, which go into the chain. */
export interface Member {
  readonly bucket: number
  readonly key: string
  readonly bytes: Uint8Array
}

interface Bucket extends BucketEntry {
  readonly keys: string[]
}

/** Members in memory, with the chains of their buckets. */
export class Window {
  readonly #domain: 'live-ids' | 'executed-set'
  readonly #bucketOfKey = new Map<string, number>()
  readonly #buckets = new Map<number, Bucket>()

  constructor(domain: 'live-ids' | 'executed-set') {
    this.#domain = domain
  }

  get size(): number {
    return this.#bucketOfKey.size
  }

  /** Bucket of a member, or null. */
  find(key: string): number | null {
    return this.#bucketOfKey.get(key) ?? null
  }

  /** Numbers of the buckets with members, with what the state says of them. */
  buckets(): ReadonlyMap<number, BucketEntry> {
    return this.#buckets
  }

  /** The buckets as they are after adding `members` in order. Changes nothing. */
  after(members: readonly Member[]): ReadonlyMap<number, BucketEntry> {
    const changed = new Map<number, BucketEntry>()
    for (const { bucket, bytes } of members) {
      const { chain, count } = changed.get(bucket) ??
        this.#buckets.get(bucket) ?? { chain: EMPTY_CHAIN, count: 0 }
      changed.set(bucket, { chain: hash(this.#domain, chain, bytes), count: count + 1 })
    }
    return changed
  }

  /** Adds members; `entries` is what `after` said. */
  add(members: readonly Member[], entries: ReadonlyMap<number, BucketEntry>): void {
    const keysByBucket = Map.groupBy(members, (member) => member.bucket)
    for (const [bucket, added] of keysByBucket) {
      const entry = entries.get(bucket) as BucketEntry
      const keys = this.#buckets.get(bucket)?.keys ?? []
      for (const { key } of added) keys.push(key)
      this.#buckets.set(bucket, { ...entry, keys })
    }
    for (const { key, bucket } of members) this.#bucketOfKey.set(key, bucket)
  }

  drop(buckets: Iterable<number>): void {
    for (const bucket of buckets) {
      for (const key of this.#buckets.get(bucket)?.keys ?? []) {
        if (this.#bucketOfKey.get(key) === bucket) this.#bucketOfKey.delete(key)
      }
      this.#buckets.delete(bucket)
    }
  }
}

/** What names a batch for the executed set. Two batches of one (epoch, author, seq) count as the same. */
export interface BatchName {
  readonly epoch: number
  readonly author: number
  readonly seq: number
}

/** The key of an executed batch: its name in 32 bytes, as the chain takes it. */
function batchBytes({ epoch, author, seq }: BatchName): Uint8Array {
  return new Writer(32).fixed(new Uint8Array(14), 14).u48(epoch).u16(author).u48(seq).finish()
}

export function batchKey(batch: BatchName): string {
  return mapKey(batchBytes(batch))
}

/** An executed batch as member of its window. */
export function batchMember(batch: BatchName & { readonly createdMs: number }): Member {
  return memberOf(bucketOf(batch.createdMs), batchBytes(batch))
}

/** A live transaction id as member of its window. */
export function liveMember(id: Bytes32, validUntilMs: number): Member {
  return memberOf(bucketOf(validUntilMs), id)
}

/** A member from its 32 bytes. */
export function memberOf(bucket: number, bytes: Bytes32): Member {
  return { bucket, key: mapKey(bytes), bytes }
}
