/**
 * Every bound of the protocol and of a node, by name. `docs/limits.md` lists them; a test holds the two together.
 * Bounds that a network may choose for itself are parameters (`config/parameters.ts`), not limits.
 */
export const LIMITS = {
  /** Encoded transaction. 100 transfers with full memos and four signatures fit. */
  txBytes: 24_576,
  actionsPerTx: 100,
  signaturesPerTx: 4,
  memoBytes: 128,
  /** How far ahead the expiry of an unordered transaction may lie, from block time. */
  unorderedValidityMs: 600_000,
  /** Width of one bucket of live transaction ids. */
  liveIdBucketMs: 10_000,

  validators: 256,
  /** Total voting weight; leaves room for sums of three in 64 bits. */
  totalWeight: 2n ** 61n,
  /** Period of the leader schedule when the weights themselves would make it longer. */
  leaderScheduleSlots: 4_096,
  genesisBytes: 64 * 1024 * 1024,

  blockBytes: 2 * 1024 * 1024,
  /** Nullifications inside one proposal. Above it the leader cannot propose (paging is not built yet). */
  skipsPerProposal: 64,
  /** Views below the last finalized one whose certificates are kept. */
  certificateRetentionViews: 256,
  /** `height − executed.height` above which a payload must be empty. */
  executionLagBlocks: 256,
  /** Heights whose results one header may commit to. */
  resultsPerHeader: 64,
  /** Answer to a range request for certificates, blocks or batches. */
  pageBytes: 256 * 1024,
  certificatesPerPage: 1_024,
  blocksPerPage: 64,
  batchesPerPage: 16,
  /** Blocks fetched ahead of the delivered height before a node has to be synced from a snapshot. */
  ancestorFetchBlocks: 200_000,

  batchBytes: 1024 * 1024,
  txsPerBatch: 5_000,
  /** Signatures in one batch that only the slow reference accepts, before an acker declines it. */
  slowSignaturesPerBatch: 4,
  batchSeqReservation: 1_000,
  /** Flagged transfer actions in one ack. */
  flagsPerAck: 8_192,

  /** One message on a validator stream, proposal with its block and certificates included. */
  messageBytes: 4 * 1024 * 1024,
  /** Bytes waiting for one slow peer before the oldest are dropped. */
  peerQueueBytes: 16 * 1024 * 1024,
  messagesPerSecondPerPeer: 5_000,
  requestsPerSecondPerPeer: 200,
  helloBytes: 1_024,
  helloTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  peers: 128,
  banMs: 60_000,

  /** Transactions accepted and not yet final, per node and per account. */
  pendingTxs: 200_000,
  pendingTxsPerAccount: 10_000,
  rpcBodyBytes: 1024 * 1024,
  rpcPageItems: 1_000,
  rpcConnections: 512,
  rpcWaitMs: 600_000,
  rpcSubscriptionsPerConnection: 16,

  passwordBytes: 1_024,
  keystoreBytes: 65_536,
  keyNameCharacters: 32,
  /** Cost a key file may ask for: a crafted one must not take all memory. */
  keystoreMemoryKiB: 1024 * 1024,
  keystorePasses: 16,
  keystoreLanes: 16,
  receiptFileBytes: 16 * 1024 * 1024,
} as const

export type Limits = typeof LIMITS
