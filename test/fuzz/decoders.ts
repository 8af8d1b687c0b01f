/** Every decoder that sees bytes from outside, or from a disk. `fuzz.test.ts` holds this list to the code. */
import { CONSENSUS_DECODERS } from './decoders/consensus.ts'
import { FILE_DECODERS } from './decoders/files.ts'
import { LEDGER_DECODERS } from './decoders/ledger.ts'
import { P2P_DECODERS } from './decoders/p2p.ts'
import { RPC_DECODERS } from './decoders/rpc.ts'
import type { Decoder } from './decoder.ts'

export const DECODERS: readonly Decoder[] = [
  ...CONSENSUS_DECODERS,
  ...LEDGER_DECODERS,
  ...P2P_DECODERS,
  ...RPC_DECODERS,
  ...FILE_DECODERS,
]
