/**
 * Rules of the protocol, each broken on purpose: what stands in a source, and what stands there instead. A rule that is
 * enforced in two places is broken in both. What is to be found must not stand anywhere else in its file.
 */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface BrokenRule {
  readonly name: string
  /** Where the rule is written: a section or durability rule of consensus.md, or dissemination.md. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** A test file with a directed scenario, for what no simulated run comes to: it is run instead, and must fail. */
  readonly scenario?: string
}

const GUARDS = 'consensus/guards.ts'
const TABLE = 'consensus/guard-table.ts'
const never = (condition: string): string => `if (false && (${condition})`

/** Takes a line out. */
function without(file: string, line: string): Edit {
  return { file, find: line, replace: '' }
}

export const BROKEN_RULES: readonly BrokenRule[] = [
  {
    name: 'quorum one too small',
    rule: '§2',
    edits: [
      {
        file: 'consensus/validator-set.ts',
        find: 'quorumWeight: totalWeight - maxFaultyWeight,',
        replace: 'quorumWeight: totalWeight - maxFaultyWeight - 1n,',
      },
    ],
  },
  {
    name: 'weight of a vote counted twice',
    rule: '§5, pitfall 20',
    edits: [
      {
        file: 'consensus/vote-pool.ts',
        find: 'counted.weight += weightOfIndex(this.#set, signer)',
        replace: 'counted.weight += 2n * weightOfIndex(this.#set, signer)',
      },
    ],
  },
  {
    name: 'certificates below the quorum accepted',
    rule: '§2',
    edits: [
      {
        file: 'consensus/certificates.ts',
        find: 'return weight >= set.quorumWeight\n',
        replace: 'return weight > 0n\n',
      },
    ],
  },
  {
    name: 'signatures in certificates not checked',
    rule: '§2',
    edits: [
      {
        file: 'consensus/certificates.ts',
        find: 'if (!verifier.verify(signature, message, publicKey))',
        replace: 'if (!verifier.verify(signature, message, publicKey) && false)',
      },
    ],
  },
  {
    name: 'signatures of votes not checked',
    rule: '§5',
    edits: [
      {
        file: 'consensus/inbound.ts',
        find: 'verifier.verify(signature, voteMessage(set.context, kind, set.epoch, view, pid), publicKey)',
        replace: 'signature.length === 64',
      },
    ],
  },
  {
    name: 'notarize twice in a view',
    rule: '4.1.2',
    edits: [
      without(GUARDS, "if (own.notarize !== null) return 'already notarized in this view' // 4.1.2"),
      without(TABLE, "if (row.notarize !== undefined) return 'another proposal was notarized'"),
      {
        file: 'consensus/balloting.ts',
        find: 'if (pending === null || !this.#voter.mayVote || own.of(view).notarize !== null) return',
        replace: 'void own\n    if (pending === null || !this.#voter.mayVote) return',
      },
      {
        file: 'consensus/balloting.ts',
        find: 'const pending = proposals.first(view)',
        replace: 'const pending = proposals.last(view)',
      },
      {
        file: 'consensus/proposal-pool.ts',
        find: '  has(view: number, key: string): boolean {',
        replace:
          '  last(view: number): Pending | null {\n    return this.#pending.get(view)?.at(-1) ?? null\n  }\n\n  has(view: number, key: string): boolean {',
      },
    ],
  },
  {
    name: 'nullify after finalize',
    rule: '4.2.2',
    edits: [
      without(GUARDS, "if (own.finalize !== null) return 'finalized a proposal in this view' // 4.2.2"),
      {
        file: TABLE,
        find: "return row.finalize === undefined ? null : 'a proposal was finalized'",
        replace: 'return null',
      },
    ],
    scenario: 'test/consensus/guards.test.ts',
  },
  {
    name: 'finalize after nullify',
    rule: '4.3.2',
    edits: [
      without(GUARDS, "if (own.nullify) return 'nullified this view' // 4.3.2"),
      without(TABLE, "if (row.nullify !== undefined) return 'the view was nullified'"),
      {
        file: 'consensus/balloting.ts',
        find: 'if (votes.nullify || votes.finalize !== null || !this.#voter.mayVote)',
        replace: 'if (votes.finalize !== null || !this.#voter.mayVote)',
      },
    ],
  },
  {
    name: 'finalize another proposal than the one notarized',
    rule: '4.3.3',
    edits: [
      without(
        GUARDS,
        "if (own.notarize !== null && own.notarize !== pid) return 'notarized another proposal' // 4.3.3",
      ),
      {
        file: TABLE,
        find: "if (row.notarize !== undefined && !samePid(row.notarize.pid, pid))\n        return 'another proposal was notarized'",
        replace: '',
      },
    ],
  },
  {
    name: 'skipped views need no nullification',
    rule: '4.1.6',
    edits: [
      {
        file: 'consensus/proposal-check.ts',
        find: 'if (skips.length !== expected)',
        replace: never('skips.length !== expected)'),
      },
    ],
  },
  {
    name: 'proposals signed by anybody',
    rule: '4.1.1',
    edits: [
      {
        file: 'consensus/inbound.ts',
        find: "if (!this.#isSigned('notarize', view, pid, author, signature)) {",
        replace: "if (false && !this.#isSigned('notarize', view, pid, author, signature)) {",
      },
    ],
  },
  {
    name: 'certificates in blocks not checked',
    rule: '4.1.7',
    edits: [
      {
        file: 'consensus/block-rules.ts',
        find: 'const reason = payload.check(certificate)',
        replace: 'const reason = payload.check(certificate) === null ? null : null',
      },
    ],
  },
  {
    name: 'verdict at weight F',
    rule: 'The verdict',
    edits: [
      {
        file: 'consensus/verdict.ts',
        find: 'const threshold = set.maxFaultyWeight + 1n',
        replace: 'const threshold = set.maxFaultyWeight > 0n ? set.maxFaultyWeight : 1n',
      },
    ],
  },
  {
    name: 'verdict at weight F + 2',
    rule: 'The verdict',
    edits: [
      {
        file: 'consensus/verdict.ts',
        find: 'const threshold = set.maxFaultyWeight + 1n',
        replace: 'const threshold = set.maxFaultyWeight + 2n',
      },
    ],
  },
  {
    name: 'two acks under one batch number',
    rule: 'Life of a batch 4',
    edits: [
      {
        file: 'consensus/acker.ts',
        find: 'if (!isHere(sibling) || equalBytes(sibling.ref.digest, ref.digest)) continue',
        replace: 'if (isHere(sibling) || true) continue',
      },
    ],
  },
  {
    name: 'signatures of acks not checked',
    rule: 'Life of a batch 5',
    edits: [
      {
        file: 'consensus/batch-check.ts',
        find: 'return this.#signed(ack.signer, ackMessage(this.#set.context, ack), ack.signature)\n',
        replace: 'return ack.signature.length === 64\n',
      },
    ],
  },
  {
    name: 'votes not in the journal',
    rule: 'P1',
    edits: [without('consensus/signer.ts', 'this.#pending.push(encodeVote(vote))')],
  },
  {
    name: 'the journal is not synced',
    rule: 'P1',
    edits: [without('consensus/signer.ts', 'await this.#storage.sync()')],
  },
  {
    name: 'certificates not stored',
    rule: 'P2',
    edits: [
      without(
        'consensus/certificate-intake.ts',
        "emit({ type: 'store', record: { kind: 'certificate', certificate } })",
      ),
    ],
  },
  {
    name: 'blocks voted for not stored',
    rule: 'P4',
    edits: [
      without('consensus/balloting.ts', 'this.#sync.keep(message.proposal.blockDigest, message.block)'),
    ],
    scenario: 'test/consensus/ordering.test.ts',
  },
  {
    name: 'batch numbers used before they are reserved durably',
    rule: 'Objects',
    edits: [
      {
        file: 'consensus/signer.ts',
        find: 'this.#nextSeq >= this.#reservedDurably)',
        replace: 'this.#nextSeq >= this.#state.reserved)',
      },
      {
        file: 'consensus/signer.ts',
        find: 'this.#nextSeq = state.reserved\n',
        replace: 'this.#nextSeq = Math.max(1, state.reserved - 2_000)\n',
      },
    ],
  },
  {
    name: 'batches not stored before the ack',
    rule: 'Life of a batch 4',
    edits: [
      without(
        'consensus/dissemination-core.ts',
        "core.emit({ type: 'store', record: { kind: 'batch', batch, ack } })",
      ),
    ],
  },
  {
    name: 'an author does not repeat its batches',
    rule: 'Life of a batch 3',
    edits: [
      {
        file: 'consensus/batch-author.ts',
        find: 'for (const own of this.#core.own.takeDue(this.#core.clock.monotonicMs)) this.#repeat(own)',
        replace: 'for (const own of this.#core.own.takeDue(this.#core.clock.monotonicMs)) void own',
      },
    ],
  },
  {
    name: 'a stuck view is not nullified',
    rule: '§6',
    edits: [
      {
        file: 'consensus/balloting.ts',
        find: 'const vote = this.#voter.nullify()\n',
        replace: 'const vote = null as ReturnType<Voter["nullify"]>\n',
      },
    ],
  },
  {
    name: 'nothing is sent again at a standstill',
    rule: '§8',
    edits: [
      {
        file: 'consensus/ordering.ts',
        find: 'if (now >= this.#standstillMs) this.#standstill()',
        replace: '',
      },
      {
        file: 'consensus/ordering.ts',
        find: 'this.#retransmitter.retry(this.#core.view, this.#core.lastFinal)',
        replace: 'void this.#retransmitter',
      },
    ],
  },
]
