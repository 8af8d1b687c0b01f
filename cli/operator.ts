/** Where a command finds the operator methods of a node and a token for them: flags, variables, or the node's directory. */
import { OperatorClient } from '../client/operator-client.ts'
import { operatorOfNode } from '../client/operator-of-node.ts'
import { CordonError } from '../config/errors.ts'
import { readSecretFile } from '../config/tokens.ts'
import { nodePaths } from '../devnet/layout.ts'
import { chosenDevnet } from './context.ts'
import type { OperatorOptions } from './options.ts'

/**
 * A client of the operator methods: of `--operator`, else of the node in `--node-dir`, else of a devnet's node, which
 * is that of `--rpc` or the first validator. Null: none of them is at hand.
 * @throws CordonError `unauthorized` if there is no token to use, `cannot-connect` if the node does not run.
 */
export function operatorAtHand(options: OperatorOptions): OperatorClient | null {
  if (options.operator !== undefined) {
    if (options.tokenFile === undefined)
      throw new CordonError(
        'unauthorized',
        "--operator needs a token: give --token-file FILE or set CORDON_TOKEN_FILE; make one on the node's machine with: cordon token create",
      )
    return new OperatorClient(options.operator, readSecretFile(options.tokenFile))
  }
  const directory = options.nodeDir ?? devnetNode(options)
  return directory === null ? null : operatorOfNode(directory, options.tokenFile)
}

/** @throws CordonError `unauthorized` if no operator methods are at hand; as `operatorAtHand`. */
export function requireOperator(options: OperatorOptions): OperatorClient {
  const client = operatorAtHand(options)
  if (client !== null) return client
  throw new CordonError(
    'unauthorized',
    'this needs the operator methods of a node: give --node-dir DIRECTORY on its machine, or --operator URL and --token-file FILE',
  )
}

/** The directory of a devnet's node, or null without one. */
function devnetNode(options: OperatorOptions): string | null {
  const devnet = chosenDevnet(options)
  if (devnet === null) return null
  const { rpc } = options
  const node = devnet.file.nodes.find((each) => (rpc === undefined ? each.validator : each.rpc === rpc))
  return node === undefined ? null : nodePaths(devnet.dir, node).dir
}
