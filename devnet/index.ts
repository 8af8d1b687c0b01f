/**
 * `cordon/devnet`: a local network for a test or a program, with real nodes in processes of their own.
 * docs/library.md shows how to use it.
 */
export { ACCOUNT_NAMES, type NamedAccount } from './accounts.ts'
export { ATTACK_PATTERNS, type AttackPattern } from './attacks/attack.ts'
export type { AttackResult } from './attacks/play.ts'
export type { DevnetShape } from './create.ts'
export { Devnet, type DevnetOptions } from './devnet.ts'
export type { ReadyEvent } from './ready.ts'
export type { SupervisorEvent } from './supervisor.ts'
