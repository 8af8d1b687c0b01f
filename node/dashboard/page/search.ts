/** Where a search leads: what a text looks like decides. */

/** Null: it is nothing of the chain. */
export function pathOfSearch(text: string): string | null {
  if (/^\d{1,3}(,\d{3})+$|^\d{1,15}$/.test(text)) return `/block/${text.replaceAll(',', '')}`
  if (/^[0-9a-f]{64}$/i.test(text)) return `/tx/${text.toLowerCase()}`
  if (/^[a-z]{2,8}1[02-9ac-hj-np-z]{20,80}$/.test(text)) return `/account/${text}`
  return null
}
