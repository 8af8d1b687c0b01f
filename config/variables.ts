/**
 * The `CORDON_*` environment variables by who reads them. Each side knows the other's, so that a variable meant for
 * one does not make the other warn. Tests hold both lists to the code that reads them.
 */

/** Overrides of `config/cordon.toml` (`config/node-config.ts`), and what arms a fail point (`node/fail-points.ts`). */
export const NODE_VARIABLES = [
  'CORDON_NODE_GENESIS',
  'CORDON_NODE_DATA',
  'CORDON_NODE_SIGNER',
  'CORDON_NODE_PEER_KEY',
  'CORDON_NODE_VALIDATOR_KEY',
  'CORDON_LOG_LEVEL',
  'CORDON_LOG_MODULES',
  'CORDON_P2P_LISTEN',
  'CORDON_P2P_ANNOUNCE',
  'CORDON_P2P_BOOTSTRAP',
  'CORDON_P2P_MDNS',
  'CORDON_RPC_HOST',
  'CORDON_RPC_PORT',
  'CORDON_OPERATOR_HOST',
  'CORDON_OPERATOR_PORT',
  'CORDON_FRAUD_MODEL',
  'CORDON_FRAUD_LEARN',
  'CORDON_FRAUD_HOLD_SCORE',
  'CORDON_FRAUD_ALERT_SCORE',
  'CORDON_REVIEW_SECOND_REVIEWER_ABOVE',
  'CORDON_REVIEW_KEY_FILE',
  'CORDON_REVIEW_PASSWORD_FILE',
  'CORDON_FAIL_AT',
] as const

/** Flags of commands that have a variable: `--rpc` is `CORDON_RPC` (`cli/environment.ts`). */
export const CLIENT_VARIABLES = [
  'CORDON_BASE_PORT',
  'CORDON_DEMO',
  'CORDON_DETACH',
  'CORDON_DIR',
  'CORDON_DURATION',
  'CORDON_FULL_NODES',
  'CORDON_GENESIS',
  'CORDON_JITTER',
  'CORDON_JSON',
  'CORDON_KEYSTORE',
  'CORDON_LINKS',
  'CORDON_LOAD_ACCOUNTS',
  'CORDON_NETWORK',
  'CORDON_NODE',
  'CORDON_NODE_DIR',
  'CORDON_ONE_WAY',
  'CORDON_OPERATOR',
  'CORDON_PASSWORD_FILE',
  'CORDON_PASSWORD_STDIN',
  'CORDON_RATE',
  'CORDON_RPC',
  'CORDON_SALVAGE_PENDING',
  'CORDON_SEED',
  'CORDON_TIMEOUT',
  'CORDON_TOKEN_FILE',
  'CORDON_VALIDATOR_KEY',
  'CORDON_VALIDATORS',
  'CORDON_WAIT',
] as const
