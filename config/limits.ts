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
  /** Reviewed holds of one payer that count for the record of those who flagged them. */
  labelsPerPayer: 16,
  /** Accounts kept decoded in memory. */
  accountsInMemory: 50_000,
  /** State entries whose pages stay in memory. */
  stateEntriesInMemory: 100_000,
  /** Newest heights whose results the ledger keeps in memory. */
  resultsInMemory: 1_024,
  /** Bodies of blocks that the ledger keeps in memory, newest and last asked for. */
  bodiesInMemory: 32,
  /** Transactions executed in one turn before others may run. */
  txsPerTurn: 500,

  validators: 256,
  /** Total voting weight; leaves room for sums of three in 64 bits. */
  totalWeight: 2n ** 61n,
  /** Period of the leader schedule when the weights themselves would make it longer. */
  leaderScheduleSlots: 4_096,
  genesisBytes: 64 * 1024 * 1024,
  genesisAccounts: 500_000,
  configBytes: 1024 * 1024,

  blockBytes: 2 * 1024 * 1024,
  /** Nullifications inside one proposal, and their encoded bytes. Above it the leader cannot propose (paging is not built yet). */
  skipsPerProposal: 4_096,
  skipBytesPerProposal: 1024 * 1024,
  /** Newest views whose uncertified blocks are kept, two a view; older ones are fetched if they turn out notarized. */
  uncertifiedBlockViews: 64,
  /** Certificates and own votes sent in one standstill. */
  standstillBytes: 256 * 1024,
  /** Certificates sent to one peer in answer to stale messages and range requests. */
  answersPerSecondPerPeer: 10,
  /** A leader that was not heard for so many views, while a quorum was, is skipped at once. */
  fastSkipViews: 32,
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
  /** A transfer is at least this long, so a batch has no more transfers to flag than its bytes divided by it. */
  smallestTransferBytes: 42,
  /** Transactions, in bytes, of the batches of one author that are not ordered; receivers allow twice as much. */
  openBatchBytes: 8 * 1024 * 1024,
  /** Acks kept per signer that arrived before their batch. */
  earlyAcksPerSigner: 1_024,
  /** Signatures of batches and acks that were found right and are not checked again. */
  rememberedChecks: 65_536,
  /** Longest pause between two requests for one missing batch. */
  batchFetchMaxMs: 30_000,

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
  /** Points one offence costs; they halve with every scoreHalfLifeMs. */
  penaltyPoints: 10,
  /** Score at which a peer is banned. A validator is banned at twice that. */
  banScore: -50,
  scoreHalfLifeMs: 60_000,
  /** Scores remembered of peers that are not connected. */
  rememberedScores: 4_096,
  /** A request of the request/response protocol; answers are bounded by messageBytes. */
  requestBytes: 65_536,
  requestsInFlightPerPeer: 32,
  userAgentBytes: 128,
  /** Inbound connections per second from one address. A devnet is one address: all of it must fit. */
  inboundConnectionsPerSecondPerHost: 64,
  /** Inbound connections that are not through with encryption and multiplexing. */
  pendingInboundConnections: 64,
  /** Streams of one connection that may wait for its hello to end. */
  streamsBeforeHello: 8,
  /** A peer to be kept is dialled again after dialRetryMinMs, growing to dialRetryMaxMs. */
  dialRetryMinMs: 100,
  dialRetryMaxMs: 5_000,
  dialTimeoutMs: 5_000,
  /** How long the side with the higher peer id lets the other one dial first. */
  dialYieldMs: 150,

  /** Transactions accepted and not yet final, per node and per account. */
  pendingTxs: 200_000,
  pendingTxsPerAccount: 10_000,
  rpcBodyBytes: 1024 * 1024,
  rpcPageItems: 1_000,
  rpcConnections: 512,
  rpcWaitMs: 600_000,
  rpcSubscriptionsPerConnection: 16,
  rpcBatchRequests: 100,
  rpcIdCharacters: 128,
  /** Requests of one WebSocket that wait for an answer; most of them wait for a payment to become final. */
  rpcInFlightPerConnection: 16_384,
  /** Above it a WebSocket is read more slowly. */
  rpcMessagesPerSecondPerConnection: 20_000,
  /** HTTP requests from one address. */
  rpcHttpRequestsPerSecond: 2_000,
  /** Answers and events that a WebSocket has not read yet: above it nothing more is read from it. */
  rpcUnreadBytes: 1024 * 1024,
  /** How long a client waits for one node to take its connection. */
  rpcConnectMs: 3_000,
  /** A client that has several nodes to choose from tries the next one after this time. */
  rpcNextNodeMs: 250,
  /** Time for the answer to a call, beyond the time that the call itself asks the node to wait. */
  rpcAnswerMs: 15_000,
  /** How long a client that lost its connection looks for a node before it gives up. */
  rpcReconnectMs: 5_000,
  rpcReconnectPauseMs: 100,
  /** Longest answer that a client takes. A portable receipt fits. */
  rpcAnswerBytes: 32 * 1024 * 1024,
  /** Block events a slow reader may leave waiting in a client before it lets go and asks again from its height. */
  rpcWaitingEvents: 4_096,

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
