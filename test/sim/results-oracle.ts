/**
 * Receipts are provable (consensus.md §12, ledger.md): final headers commit to what was executed, every height with work
 * is committed to in the end, and the path of a receipt leads to the root that is committed to. Hashes are computed here,
 * from the text of the specification.
 */
import { createHash } from 'node:crypto'
import type { ExecutionResult } from '../../consensus/replica-types.ts'
import type { Block } from '../../consensus/types.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { MerklePath } from '../../crypto/merkle.ts'
import { Violation } from './oracles.ts'

/** What a node's ledger says to prove the end of a transaction. */
export interface ReceiptClaim {
  readonly height: number
  readonly receipt: Uint8Array
  readonly path: MerklePath
}

const NOTHING = '00'.repeat(32)

export class ResultsOracle {
  /** What each height was executed to; all honest nodes agree, which is for others to check. */
  readonly #results = new Map<number, ExecutionResult>()
  readonly #finals = new Map<number, Block>()
  /** Final blocks up to here were compared with the results. */
  #checkedHeight = 0
  /** Results up to here are in final headers. */
  #committedHeight = 0

  executed(result: ExecutionResult): void {
    if (!this.#results.has(result.height)) this.#results.set(result.height, result)
  }

  delivered(block: Block): void {
    if (!this.#finals.has(block.height)) this.#finals.set(block.height, block)
  }

  /**
   * Compares the final headers with what was executed.
   * @returns heights with work that no final header commits to yet.
   */
  uncommitted(): number[] {
    for (;;) {
      const block = this.#finals.get(this.#checkedHeight + 1)
      if (block === undefined || block.executed.height > this.#results.size) break
      this.#checkHeader(block)
      this.#checkedHeight++
    }
    return [...this.#results.values()]
      .filter(({ height, hadWork }) => hadWork && height > this.#committedHeight)
      .map(({ height }) => height)
  }

  #checkHeader({ height, executed }: Block): void {
    const what = `header ${height}, which commits to results up to ${executed.height},`
    if (executed.height < this.#committedHeight || executed.height >= height)
      throw new Violation(`${what} comes after one that commits to ${this.#committedHeight}`)
    const leaves: string[] = []
    for (let at = this.#committedHeight + 1; at <= executed.height; at++) {
      const root = this.#results.get(at)?.receiptsRoot ?? new Uint8Array()
      const position = Buffer.alloc(8)
      position.writeBigUInt64BE(BigInt(at))
      leaves.push(digest('res', position, root))
    }
    if (toHex(executed.resultsRoot) !== rootOf(leaves))
      throw new Violation(`${what} has another results root`)
    const state = this.#results.get(executed.height)?.stateRoot
    if (state !== undefined && toHex(executed.stateRoot) !== toHex(state))
      throw new Violation(`${what} has another state root than was executed`)
    this.#committedHeight = executed.height
  }

  /** The receipt is under the root that its height was executed to. */
  proven(node: string, txId: number, claim: ReceiptClaim | null): void {
    if (claim === null)
      throw new Violation(`${node} has no receipt of transaction ${txId}, which was executed`)
    const { height, receipt, path } = claim
    const expected = this.#results.get(height)?.receiptsRoot ?? new Uint8Array()
    if (climb(digest('receipt', receipt), path) !== toHex(expected))
      throw new Violation(`${node} proves transaction ${txId} against another root of height ${height}`)
  }
}

/** SHA-256 over the length of the domain, the domain and the parts, as hex. */
function digest(domain: string, ...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
    .update(Buffer.from([domain.length]))
    .update(domain)
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function above(left: string, right: string): string {
  return digest('merkle-node', Buffer.from(left, 'hex'), Buffer.from(right, 'hex'))
}

/** An odd node is carried up. */
function rootOf(leaves: readonly string[]): string {
  let level = leaves
  while (level.length > 1) {
    const next: string[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] ?? '', level[i + 1]]
      next.push(right === undefined ? left : above(left, right))
    }
    level = next
  }
  return level[0] ?? NOTHING
}

function climb(leaf: string, { index, count, siblings }: MerklePath): string {
  const left = [...siblings]
  let node = leaf
  for (let at = index, width = count; width > 1; at >>= 1, width = (width + 1) >> 1) {
    if ((at ^ 1) >= width) continue
    const sibling = toHex(left.shift() ?? new Uint8Array())
    node = at % 2 === 0 ? above(node, sibling) : above(sibling, node)
  }
  return left.length === 0 ? node : 'a path with siblings that nothing needs'
}
