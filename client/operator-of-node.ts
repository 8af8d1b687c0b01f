/** A client of the operator methods of a node on this machine, from its directory. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { urlHost } from '../config/hosts.ts'
import { OPERATOR_URL_FILE, readNodeConfig } from '../config/node-config.ts'
import { OPERATOR_TOKEN_FILE, readSecretFile } from '../config/tokens.ts'
import { OperatorClient } from './operator-client.ts'

/**
 * @param tokenFile instead of the token that the directory has.
 * @throws CordonError `unauthorized` if there is no token to use, `cannot-connect` if the node does not run.
 */
export function operatorOfNode(directory: string, tokenFile?: string): OperatorClient {
  const secret = readSecretFile(tokenFile ?? join(directory, OPERATOR_TOKEN_FILE))
  return new OperatorClient(operatorUrl(directory), secret)
}

/** The URL that the node in `directory` was told, or, if it took any free port, the one that it says. */
function operatorUrl(directory: string): string {
  const { config } = readNodeConfig(directory, process.env)
  const { operatorHost, operatorPort, dataDirectory } = config
  if (operatorPort !== 0) return `http://${urlHost(operatorHost)}:${operatorPort}`
  const file = join(dataDirectory, OPERATOR_URL_FILE)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new CordonError(
      'cannot-connect',
      `the node in ${directory} does not run: it has not written ${file} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      { directory },
      { cause: error },
    )
  }
}
