/** What a token of an operator allows; each scope includes those before it. */
export const SCOPES = ['read', 'review', 'operate'] as const
export type Scope = (typeof SCOPES)[number]

export function covers(held: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(held) >= SCOPES.indexOf(needed)
}
