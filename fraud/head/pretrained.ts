/** The head that comes with Cordon; `docs/model-card.md` says what it learned from and how good it is. */
import { decodeHead } from './file.ts'
import type { Head } from './head.ts'
import pretrained from './pretrained.json' with { type: 'json' }

let head: Head | null = null

export function pretrainedHead(): Head {
  head ??= decodeHead(JSON.stringify(pretrained)).head
  return head
}
