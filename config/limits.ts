/**
 * Every bound of the protocol and of a node, by name. `docs/limits.md` lists them; a test holds the two together.
 * Bounds that a network may choose for itself are parameters (`config/parameters.ts`), not limits.
 */
export const LIMITS = {
  /** Encoded transaction. 100 transfers with full memos and four signatures fit. */
  txBytes: 24_576,
  /** Actions of one transaction; all of them apply or none. */
  actionsPerTx: 100,
  /** Signatures of one transaction. */
  signaturesPerTx: 4,
  /** Memo of a transfer, in UTF-8. */
  memoBytes: 128,
  /** How far ahead the expiry of an unordered transaction may lie, from block time. */
  unorderedValidityMs: 600_000,
  /** Width of one bucket of live transaction ids. */
  liveIdBucketMs: 10_000,
  /** Reviewed holds of one payer that count for the record of those who flagged them. */
  labelsPerPayer: 16,
  /** Accounts kept in memory, some 150 bytes each. */
  accountsInMemory: 200_000,
  /** State entries whose pages stay in memory. */
  stateEntriesInMemory: 400_000,
  /** Blocks that a changed page of the state waits for more changes before it is written. */
  statePageLagBlocks: 32,
  /** Newest heights whose results the ledger keeps in memory. */
  resultsInMemory: 1_024,
  /** Newest heights whose bodies the ledger keeps in memory; of older ones it keeps the one last read. */
  bodiesInMemory: 32,
  /** Transactions executed in one turn before others may run. */
  txsPerTurn: 500,

  /** Views beyond the newest one seen that must become final before a validator without its signing state votes again. */
  lostSignerViews: 32,
  /** Votes in a signer protection file; a table with more is exported as its high-water marks alone. */
  protectionVotes: 16_384,
  /** Signer protection file. */
  protectionFileBytes: 8 * 1024 * 1024,

  /** Validators of one epoch; indexes fit a byte. */
  validators: 256,
  /** Total voting weight; leaves room for sums of three in 64 bits. */
  totalWeight: 2n ** 61n,
  /** Period of the leader schedule when the weights themselves would make it longer. */
  leaderScheduleSlots: 4_096,
  /** Genesis file. */
  genesisBytes: 64 * 1024 * 1024,
  /** Accounts in a genesis file. */
  genesisAccounts: 500_000,
  /** Configuration file of a node. */
  configBytes: 1024 * 1024,

  /** Encoded block. */
  blockBytes: 2 * 1024 * 1024,
  /** Nullifications inside one proposal. Of more skipped views it carries the first and the last half of so many; voters ask for the others. */
  skipsPerProposal: 64,
  /** Newest views whose uncertified blocks are kept, two a view; older ones are fetched if they turn out notarized. */
  uncertifiedBlockViews: 64,
  /** Without a final block for so long, or for two empty blocks' time if that is longer, the chain counts as stalled. */
  stallMs: 10_000,
  /** A node that takes longer to stop is cut off. */
  stopMs: 3_000,
  /** From this distance to the clocks of the other validators, or from half of `maxClockDriftMs` if that is more, a node complains of its own. */
  clockSkewMs: 250,
  /** Newest dates of each validator that the local clock is compared with. */
  clockSamples: 16,
  /** For so long a date counts in that comparison. */
  clockSampleAgeMs: 600_000,
  /** Certificates and own votes sent in one standstill. */
  standstillBytes: 256 * 1024,
  /** Certificates sent to one peer in answer to stale messages and range requests. */
  answersPerSecondPerPeer: 10,
  /** A leader that was not heard for so many views, while a quorum was, is skipped at once. */
  fastSkipViews: 32,
  /** Views below the last finalized one whose certificates are kept. */
  certificateRetentionViews: 256,
  /** Views below the last finalized one whose votes are kept, to prove contradictions that come late. */
  evidenceViews: 64,
  /** Encoded evidence. */
  evidenceBytes: 320,
  /** `height − executed.height` above which a payload must be empty. */
  executionLagBlocks: 256,
  /** Heights whose results one header may commit to. */
  resultsPerHeader: 64,
  /** Answer to a range request for certificates, blocks or batches. */
  pageBytes: 256 * 1024,
  /** Certificates in one answer to a range request. */
  certificatesPerPage: 1_024,
  /** Blocks in one answer to a range request. */
  blocksPerPage: 64,
  /** Batches in one answer to a request. */
  batchesPerPage: 16,
  /** Pages of blocks or batches sent to one peer that asks for them. */
  pagesPerSecondPerPeer: 100,
  /** Blocks fetched ahead of the delivered height before a node has to be synced from a snapshot. */
  ancestorFetchBlocks: 200_000,

  /** Encoded batch. */
  batchBytes: 1024 * 1024,
  /** Transactions of one batch. */
  txsPerBatch: 5_000,
  /** Signatures in one batch that only the slow reference accepts, before an acker declines it. */
  slowSignaturesPerBatch: 4,
  /** Batch numbers that the signer reserves on disk at once; a crash leaves out the rest of them. */
  batchSeqReservation: 1_000,
  /** Flagged transfer actions in one ack. */
  flagsPerAck: 8_192,
  /** Flags above which whoever makes a certificate leaves out the longest lists, as far as the quorum allows. */
  flagsPerCertificate: 100_000,
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
  /** Messages of one peer, streams and gossip together, before it loses score. */
  messagesPerSecondPerPeer: 5_000,
  /** Requests of one peer before it loses score. */
  requestsPerSecondPerPeer: 200,
  /** First message of a connection. */
  helloBytes: 1_024,
  /** Time for it. */
  helloTimeoutMs: 5_000,
  /** Time for the answer to a request of the request/response protocol. */
  requestTimeoutMs: 5_000,
  /** Connections to other nodes. */
  peers: 128,
  /** How long a banned peer stays away. */
  banMs: 60_000,
  /** Points one offence costs; they halve with every scoreHalfLifeMs. */
  penaltyPoints: 10,
  /** Score at which a peer is banned: five quick offences. */
  banScore: -45,
  /** The same for a peer that proved to be a validator: ten. */
  validatorBanScore: -95,
  /** Time in which half of the penalties of a peer are forgotten. */
  scoreHalfLifeMs: 60_000,
  /** Scores remembered of peers that are not connected. */
  rememberedScores: 4_096,
  /** A request of the request/response protocol; answers are bounded by messageBytes. */
  requestBytes: 65_536,
  /** Requests of one peer that wait for an answer. */
  requestsInFlightPerPeer: 32,
  /** Name and version in the hello. */
  userAgentBytes: 128,
  /** Inbound connections per second from one address. A devnet is one address: all of it must fit. */
  inboundConnectionsPerSecondPerHost: 64,
  /** Inbound connections that are not through with encryption and multiplexing. */
  pendingInboundConnections: 64,
  /** Inbound connections open at once from one address, handshakes included. A devnet is one address. */
  inboundConnectionsPerHost: 128,
  /** Connections in their hello; a further one ends the oldest of the address that has the most. */
  connectionsBeforeHello: 64,
  /** Peers of one address that are no validators. */
  strangersPerHost: 48,
  /** Streams of one connection that may wait for its hello to end. */
  streamsBeforeHello: 8,
  /** Streams that a peer has open on one connection. */
  streamsPerConnection: 128,
  /** Streams that a peer opens on one connection before the connection ends. */
  streamsPerSecondPerConnection: 500,
  /** Time for a frame of a direct stream, from its first byte to its last. */
  frameTimeoutMs: 30_000,
  /** A peer for whom messages wait and who reads none for so long is disconnected. */
  unreadTimeoutMs: 30_000,
  /** Warnings about refused peers in the log; the others go to its debug level. */
  refusalWarningsPerSecond: 2,
  /** A peer to be kept is dialled again after dialRetryMinMs, growing to dialRetryMaxMs. */
  dialRetryMinMs: 100,
  /** Longest pause before a peer to be kept is dialled again. */
  dialRetryMaxMs: 5_000,
  /** Time to connect to a peer. */
  dialTimeoutMs: 10_000,
  /** Peers dialled at the same time. Handshakes cost CPU: all at once, on a loaded machine, none would be in time. */
  parallelDials: 8,
  /** The same for peers that only mDNS knows: anybody on the local network makes up as many as it likes. */
  parallelFoundDials: 2,
  /** How long the side with the higher peer id lets the other one dial first. */
  dialYieldMs: 150,

  /**
   * Tables of each database whose checksums are checked before a node starts, the newest first; the others are checked
   * while it runs.
   */
  startCheckBytes: 64 * 1024 * 1024,
  /** Inputs waiting for the consensus engine, above which messages and gossip of peers are dropped. */
  inputBacklog: 10_000,
  /** Inputs whose records are written together, so that a slow disk does not set how many there are a second. */
  inputsPerWrite: 1_024,
  /** Transactions on their way and not yet final, of one node. */
  pendingTxs: 200_000,
  /** The same for one account. */
  pendingTxsPerAccount: 10_000,
  /** Bytes of all of them together. */
  pendingBytes: 256 * 1024 * 1024,
  /** One request or batch, over HTTP or WebSocket. */
  rpcBodyBytes: 1024 * 1024,
  /** Newest final blocks whose votes a node remembers. */
  votedBlocks: 256,
  /** Newest submissions whose time a node remembers for `tx_trace`. */
  tracedSubmissions: 8_192,
  /** Newest batches whose times it remembers. */
  tracedBatches: 4_096,
  /** Transactions, in bytes, of these batches. */
  tracedBatchBytes: 8 * 1024 * 1024,
  /** Newest final blocks with payments whose times it remembers. */
  tracedBlocks: 2_048,
  /** Newest proposals whose times it remembers until their blocks are final. */
  tracedProposals: 256,
  /** Items of one page. */
  rpcPageItems: 1_000,
  /** WebSockets open at once; twice as many connections in all. */
  rpcConnections: 512,
  /** Longest wait that a call may ask for. */
  rpcWaitMs: 600_000,
  /** Block subscriptions of one WebSocket. */
  rpcSubscriptionsPerConnection: 16,
  /** Calls of `payments_follow` that wait for a payment at once, of one node. */
  rpcFollowers: 1_024,
  /** Newest heights whose payments are read once for all calls of `payments_follow` and kept in memory. */
  followedBlocksInMemory: 8,
  /** Calls of `payments_follow` that read older heights at once, of one node. */
  rpcFollowersBehind: 8,
  /** Blocks that one call of `payments_follow` looks into. */
  rpcFollowedBlocks: 500,
  /** Transactions that it looks at before it answers with what it has. */
  rpcFollowedTxs: 5_000,
  /** Requests of one JSON-RPC batch. */
  rpcBatchRequests: 100,
  /** Id of a JSON-RPC request, if it is a text. */
  rpcIdCharacters: 128,
  /** Requests of one WebSocket that wait for an answer; most of them wait for a payment to become final. */
  rpcInFlightPerConnection: 16_384,
  /** Above it a WebSocket is read more slowly. */
  rpcMessagesPerSecondPerConnection: 20_000,
  /** HTTP requests from one address. */
  rpcHttpRequestsPerSecond: 2_000,
  /** Requests to the operator port from one address. */
  operatorRequestsPerSecond: 200,
  /** WebSockets at the operator port: the pages of those who are signed in. */
  operatorConnections: 64,
  /** Requests without a valid token from one address that are told why; those beyond it are told to wait. */
  refusedTokensPerMinute: 30,
  /** Addresses whose refused tokens are counted one by one; the others share a count. */
  refusedTokenAddresses: 1_000,
  /** Tokens of one node. */
  operatorTokens: 256,
  /** Name of a token. */
  tokenNameCharacters: 32,
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
  /** Pause of a client between two rounds through its nodes. */
  rpcReconnectPauseMs: 100,
  /** How long a client that closes waits for the node to agree. */
  rpcCloseMs: 1_000,
  /** Longest answer that a client takes. A portable receipt fits. */
  rpcAnswerBytes: 32 * 1024 * 1024,
  /** Block events a slow reader may leave waiting in a client before it lets go and asks again from its height. */
  rpcWaitingEvents: 4_096,

  /** Password, in UTF-8. */
  passwordBytes: 1_024,
  /** The 24 words, with what stands between them. */
  mnemonicCharacters: 1_024,
  /** Key file. */
  keystoreBytes: 65_536,
  /** Name of a key; shorter than any address. */
  keyNameCharacters: 32,
  /** Cost a key file may ask for: a crafted one must not take all memory. */
  keystoreMemoryKiB: 1024 * 1024,
  /** Argon2 passes a key file may ask for. */
  keystorePasses: 16,
  /** Argon2 lanes a key file may ask for. */
  keystoreLanes: 16,
  /** Address book of a wallet. */
  addressBookBytes: 1024 * 1024,
  /** Payment request as a URI. */
  paymentUriCharacters: 1_024,
  /** Cursor file of `cordon watch`. */
  cursorFileBytes: 1_024,
  /** First pause of `cordon watch` before it asks again after a break; it doubles. */
  watchRetryMinMs: 250,
  /** Longest such pause. */
  watchRetryMaxMs: 30_000,
  /** File of a payout. */
  payoutFileBytes: 4 * 1024 * 1024,
  /** Rows of a payout. */
  payoutRows: 10_000,
  /** Rows that are paid by one transaction. What makes a transaction fail touches all of its rows, so it is not as many as fit. */
  payoutRowsPerTx: 20,
  /** Transactions of one payout that are on their way at once. */
  payoutTxsInFlight: 8,
  /** Receipt file that `cordon verify` reads. */
  receiptFileBytes: 16 * 1024 * 1024,

  /** One message to `cordon mcp`; a longer one is skipped and answered with an error. */
  mcpMessageBytes: 256 * 1024,
  /** Tools of one `cordon mcp` that run at the same time; a further call is told to try again. */
  mcpCallsInFlight: 16,
  /** Text of somebody else, such as a memo, in an answer of `cordon mcp`. */
  mcpTextCharacters: 200,
  /** Items on one page of an answer of `cordon mcp`. */
  mcpPageItems: 50,
  /** Policy for payment requests. */
  policyBytes: 65_536,
  /** Payees that a policy may list. */
  policyPayees: 1_000,
  /** Payment requests that a policy may let stand open. */
  openPaymentRequests: 100,
  /** How long a policy may let a payment request stand open. */
  paymentRequestExpiryMs: 30 * 24 * 3_600_000,
  /** Why a payment is asked for, in the words of who asks. */
  paymentRequestWhyCharacters: 300,
  /** File of a payment request. */
  paymentRequestBytes: 8_192,
  /** Payment requests kept; beyond that the oldest that are past their expiry make room. */
  paymentRequestsKept: 1_000,

  /** Delay that `cordon devnet delay` puts on a link. */
  linkDelayMaxMs: 10_000,
  /** Snapshots that a devnet keeps. */
  devnetSnapshots: 100,
  /** How far `cordon devnet warp` may put the clocks of a devnet ahead in sum: ten years. */
  devnetAheadMs: 10 * 365 * 24 * 3_600_000,
  /** Packets that `cordon devnet loss` lets get lost on a link. */
  linkLossMaxPercent: 50,
} as const

export type Limits = typeof LIMITS
