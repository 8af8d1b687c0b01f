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
  /** For what no simulated run comes to, or too seldom: it is run instead, and must fail. */
  readonly scenario?: Scenario
}

export interface Scenario {
  readonly file: string
  /** Of its tests only those whose names match; all of them if there is no pattern. */
  readonly test?: string
}

const GUARDS = 'consensus/guards.ts'
const TABLE = 'consensus/guard-table.ts'
const JOURNAL = 'consensus/journal.ts'
const ORDERING_TEST = 'test/consensus/ordering.test.ts'
const PITFALLS_TEST = 'test/consensus/pitfalls.test.ts'
const SKIPS_TEST = 'test/consensus/skips.test.ts'
const never = (condition: string): string => `if (false && (${condition})`

/** Takes a line out. */
function without(file: string, line: string): Edit {
  return { file, find: line, replace: '' }
}

/** One line of the protocol's guards taken out, while the signer's table stands: a matter for the guards' own test. */
function withoutGuard(name: string, rule: string, line: string): BrokenRule {
  return {
    name: `guard left out: ${name}`,
    rule,
    edits: [without(GUARDS, line)],
    scenario: { file: 'test/consensus/guards.test.ts' },
  }
}

/** One exclusion of the signer's table changed, while the protocol's guards stand. */
function brokenTable(name: string, rule: string, find: string, replace: string): BrokenRule {
  return {
    name: `signer's table: ${name}`,
    rule,
    edits: [{ file: TABLE, find, replace }],
    scenario: { file: 'test/consensus/guard-table.test.ts' },
  }
}

const PROTOCOL_RULES: readonly BrokenRule[] = [
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
    scenario: { file: ORDERING_TEST, test: 'bad votes and certificates' },
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
        find: 'verifier.verify(vote.signature, this.#messageOf(vote, key), publicKey)',
        replace: 'vote.signature.length === 64',
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
    scenario: { file: 'test/consensus/guards.test.ts' },
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
      {
        file: 'consensus/proposal-check.ts',
        find: "if (skip.kind !== 'nullify' || skip.view !== view)",
        replace: "if (skip.kind !== 'nullify')",
      },
      without(GUARDS, "if (!question.hasSkips) return 'a skipped view has no nullification here' // 4.1.6"),
    ],
  },
  {
    name: 'skipped views that a proposal does not carry need not be held',
    rule: '4.1.6, 8.8',
    edits: [
      without(GUARDS, "if (!question.hasSkips) return 'a skipped view has no nullification here' // 4.1.6"),
    ],
    scenario: { file: SKIPS_TEST, test: 'a voter asks the leader' },
  },
  {
    name: 'missing nullifications are not asked for',
    rule: '8.8',
    edits: [
      {
        file: 'consensus/balloting.ts',
        find: 'else this.#certificateSync.wantSkips(pending.message)',
        replace: '',
      },
    ],
    scenario: { file: SKIPS_TEST, test: 'a voter asks the leader' },
  },
  {
    name: 'missing nullifications are asked for once, never again',
    rule: '8.6',
    edits: [
      {
        file: 'consensus/certificate-fetch.ts',
        find: 'wanted.pauseMs *= BACKOFF_GROWTH',
        replace: 'wanted.nextMs = Infinity',
      },
    ],
    scenario: { file: SKIPS_TEST, test: 'withholds' },
  },
  {
    name: 'of a view with both certificates only the notarization is sent',
    rule: '8.6',
    edits: [
      {
        file: 'consensus/retransmitter.ts',
        find: "return [certificates.get('notarize', view), certificates.get('nullify', view)].filter(",
        replace: "return [certificates.get('notarize', view) ?? certificates.get('nullify', view)].filter(",
      },
    ],
    scenario: { file: SKIPS_TEST, test: 'a view that has both' },
  },
  {
    name: 'proposals signed by anybody',
    rule: '4.1.1',
    edits: [
      {
        file: 'consensus/inbound.ts',
        find: "if (!this.#isSigned({ kind: 'notarize', view, pid, signer: author, signature }, key)) {",
        replace:
          "if (false && !this.#isSigned({ kind: 'notarize', view, pid, signer: author, signature }, key)) {",
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
        find: 'this.#ackSignature(ack.signer, ackMessage(this.#set.context, ack), ack.signature)',
        replace: "(ack.signature.length === 64 ? null : 'it is too short')",
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
      // The proposal that is stored beside it holds the block, too: only without both is it lost.
      without('consensus/balloting.ts', 'this.#sync.keep(message.proposal.blockDigest, message.block)'),
      without(
        'consensus/balloting.ts',
        "this.#core.emit({ type: 'store', record: { kind: 'proposal', proposal: message } })",
      ),
    ],
    scenario: { file: ORDERING_TEST, test: 'P4' },
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

const GUARD_LINES: readonly BrokenRule[] = [
  withoutGuard(
    'notarize in a view that is not current',
    '4.1.1',
    'if (view !== question.currentView) return `view ${view} is not the current one` // 4.1.1',
  ),
  withoutGuard(
    'notarize a second proposal',
    '4.1.2',
    "if (own.notarize !== null) return 'already notarized in this view' // 4.1.2",
  ),
  withoutGuard(
    'notarize another proposal than the one finalized',
    '4.1.2',
    "if (own.finalize !== null && own.finalize !== pid) return 'finalized another proposal in this view' // 4.1.2",
  ),
  withoutGuard(
    'notarize in a nullified view',
    '4.1.3',
    "if (question.nullified) return 'the view is nullified' // 4.1.3",
  ),
  withoutGuard(
    'a parent view that is not below',
    '4.1.4',
    'if (parentView < 0 || parentView >= view) return `parent view ${parentView} is not below view ${view}` // 4.1.4',
  ),
  withoutGuard(
    'a parent below the last final view',
    '4.1.4',
    'if (parentView < lastFinalView)\n    return `parent view ${parentView} is below the finalized view ${lastFinalView}` // 4.1.4',
  ),
  withoutGuard(
    'skipped views without nullification',
    '4.1.6',
    "if (!question.hasSkips) return 'a skipped view has no nullification here' // 4.1.6",
  ),
  withoutGuard(
    'a parent that is not held',
    '4.1.8',
    "if (!question.hasParent) return 'the parent chain is not held' // 4.1.8",
  ),
  withoutGuard(
    'nullify a view that is not current',
    '4.2.1',
    'if (view !== currentView) return `view ${view} is not the current one` // 4.2.1',
  ),
  withoutGuard('nullify twice', '4.2.2', "if (own.nullify) return 'already nullified' // 4.2.2"),
  withoutGuard(
    'nullify after finalize',
    '4.2.2',
    "if (own.finalize !== null) return 'finalized a proposal in this view' // 4.2.2",
  ),
  withoutGuard(
    'finalize after an own nullify',
    '4.3.2',
    "if (own.nullify) return 'nullified this view' // 4.3.2",
  ),
  withoutGuard('finalize twice', '4.3.2', "if (own.finalize !== null) return 'already finalized' // 4.3.2"),
  withoutGuard(
    'finalize in a nullified view',
    '4.3.2',
    "if (nullified) return 'the view is nullified' // 4.3.2",
  ),
  withoutGuard(
    'finalize another proposal than the one notarized',
    '4.3.3',
    "if (own.notarize !== null && own.notarize !== pid) return 'notarized another proposal' // 4.3.3",
  ),
  withoutGuard(
    'finalize without the block',
    '4.3.4',
    "if (!hasBlock) return 'the block is not held' // 4.3.4",
  ),
  withoutGuard(
    'finalize at or below the last final view',
    '4.3.5',
    'if (view <= lastFinalView) return `view ${view} is not above the finalized view ${lastFinalView}` // 4.3.5',
  ),
]

const TABLE_LINES: readonly BrokenRule[] = [
  brokenTable(
    'two proposals notarized',
    '4.1.2',
    "if (row.notarize !== undefined) return 'another proposal was notarized'",
    '',
  ),
  brokenTable(
    'notarize another proposal than the one finalized',
    '4.1.2',
    "if (row.finalize !== undefined && !samePid(row.finalize.pid, pid))\n        return 'another proposal was finalized'",
    '',
  ),
  brokenTable(
    'nullify after finalize',
    '4.2.2',
    "return row.finalize === undefined ? null : 'a proposal was finalized'",
    'return null',
  ),
  brokenTable(
    'finalize after nullify',
    '4.3.2',
    "if (row.nullify !== undefined) return 'the view was nullified'",
    '',
  ),
  brokenTable(
    'two proposals finalized',
    '4.3.2',
    "if (row.finalize !== undefined) return 'another proposal was finalized'",
    '',
  ),
  brokenTable(
    'finalize another proposal than the one notarized',
    '4.3.3',
    "if (row.notarize !== undefined && !samePid(row.notarize.pid, pid))\n        return 'another proposal was notarized'",
    '',
  ),
  brokenTable(
    'another signature for the same question',
    'P8',
    "if (earlier !== undefined && samePid(earlier.pid, pid)) return { verdict: 'repeat', vote: earlier }",
    "if (earlier !== undefined && samePid(earlier.pid, pid)) return { verdict: 'sign' }",
  ),
  brokenTable(
    'votes at or below the floor',
    'P8',
    "if (view <= this.#floor)\n      return { verdict: 'refuse', reason: `view ${view} is not above the floor ${this.#floor}` }",
    '',
  ),
  brokenTable('the floor sinks', 'P8', 'if (view <= this.#floor) return false', ''),
]

const DURABILITY_RULES: readonly BrokenRule[] = [
  {
    name: 'the certificate that led into a view is not stored',
    rule: 'P3',
    edits: [
      {
        file: 'consensus/certificate-intake.ts',
        find: "emit({ type: 'store', record: { kind: 'certificate', certificate } })",
        replace:
          "if (kind !== 'nullify') emit({ type: 'store', record: { kind: 'certificate', certificate } })",
      },
    ],
    scenario: { file: PITFALLS_TEST, test: 'P3' },
  },
  {
    name: 'own proposals not stored',
    rule: 'P4',
    edits: [
      without(
        'consensus/proposer.ts',
        "emit({ type: 'store', record: { kind: 'proposal', proposal: message } })",
      ),
    ],
    scenario: { file: ORDERING_TEST, test: 'a leader that crashed after its proposal' },
  },
  {
    name: 'an older finalization takes the place of a newer one',
    rule: 'P5',
    edits: [
      {
        file: 'consensus/certificate-intake.ts',
        find: 'if (certificate.view <= lastFinalView(this.#core) || certificates.has(certificate.kind, certificate.view))',
        replace: 'if (certificates.has(certificate.kind, certificate.view))',
      },
      {
        file: 'consensus/certificate-intake.ts',
        find: 'if (view <= lastFinalView(this.#core) || certificates.has(kind, view)) return\n    this.#agenda.joined',
        replace: 'if (certificates.has(kind, view)) return\n    this.#agenda.joined',
      },
    ],
    scenario: { file: PITFALLS_TEST, test: 'P5' },
  },
  {
    name: 'a node starts without its newest final block',
    rule: 'P5',
    edits: [
      {
        file: 'consensus/ordering.ts',
        find: 'if (stored === undefined) {',
        replace:
          'if (stored === undefined) {\n    if (delivered.height > 0) return { digest: delivered.digest, height: delivered.height, timeMs: 0, executed: { height: 0, stateRoot: chain.stateRoot, resultsRoot: EMPTY_ROOT } }',
      },
    ],
    scenario: { file: ORDERING_TEST, test: 'P5' },
  },
  {
    name: 'own votes not counted again after a restart',
    rule: 'P6, pitfall 6',
    edits: [
      {
        file: 'consensus/ordering.ts',
        find: '      own.record(vote)\n      pool.add(vote)\n',
        replace: '      own.record(vote)\n',
      },
    ],
    scenario: { file: ORDERING_TEST, test: 'P6' },
  },
  {
    name: 'a torn last record of the journal is refused',
    rule: 'P7',
    edits: [
      {
        file: JOURNAL,
        find: 'if (!isTorn(bytes, offset)) throw corrupt(offset, bytes.length)',
        replace: 'throw corrupt(offset, bytes.length)',
      },
    ],
    scenario: { file: 'test/consensus/journal.test.ts' },
  },
  {
    name: 'a bad record in the middle of the journal is dropped with all that follows',
    rule: 'P7',
    edits: [without(JOURNAL, 'if (!isTorn(bytes, offset)) throw corrupt(offset, bytes.length)')],
    scenario: { file: 'test/consensus/journal.test.ts' },
  },
  {
    name: 'a damaged record of the journal is skipped',
    rule: 'P7',
    edits: [
      {
        file: JOURNAL,
        find: 'if (!isTorn(bytes, offset)) throw corrupt(offset, bytes.length)\n      break',
        replace: 'offset++\n      continue',
      },
    ],
  },
  {
    name: 'a validator that lost its votes votes on',
    rule: 'P10',
    edits: [
      without('node/signing/open-signer.ts', 'if (!state.named && !lostWait) await refuseLost(options)'),
    ],
  },
  {
    name: 'the wait for a lost table ends where it began',
    rule: 'P10',
    edits: [
      {
        file: 'consensus/lost-votes.ts',
        find: 'Math.max(view, this.#claimedView(seen), this.#ownView) + LIMITS.lostSignerViews',
        replace: 'Math.max(view, this.#claimedView(seen), this.#ownView)',
      },
    ],
  },
  {
    name: 'a stored value need not have its checksum',
    rule: 'docs/adr/0007',
    edits: [
      {
        file: 'ledger/store/sealed.ts',
        find: 'if (sum !== crc32c(value))',
        replace: never('sum !== crc32c(value))'),
      },
    ],
    scenario: { file: 'test/sim/damage.test.ts', test: 'a flipped bit of a database' },
  },
  {
    name: 'records are appended behind a torn one',
    rule: 'P7',
    edits: [
      {
        file: 'consensus/signer.ts',
        find: 'this.#compact = goodBytes < journal.length || goodBytes > COMPACT_BYTES',
        replace: 'this.#compact = goodBytes > COMPACT_BYTES',
      },
    ],
    scenario: { file: 'test/consensus/signer.test.ts' },
  },
  {
    name: 'a signer whose journal failed goes on signing',
    rule: 'P1',
    edits: [
      without(
        'consensus/signer.ts',
        'if (this.#failure !== null) return { ok: false, reason: `the journal failed: ${this.#failure.message}` }',
      ),
    ],
    scenario: { file: 'test/consensus/signer.test.ts' },
  },
  {
    name: 'records of another epoch are replayed',
    rule: 'P7, pitfall 13',
    edits: [
      without(
        'consensus/signer-state.ts',
        'if (record.epoch !== identity.epoch) continue // P7: replay ignores records of other epochs',
      ),
    ],
    scenario: { file: 'test/consensus/signer.test.ts' },
  },
  {
    name: 'a vote of the own key from elsewhere is let pass',
    rule: 'P11',
    edits: [without('consensus/voter.ts', 'this.#signer.stop({ kind, view, pid })')],
    scenario: { file: ORDERING_TEST, test: 'P11' },
  },
]

const PITFALLS: readonly BrokenRule[] = [
  {
    name: 'a node that nullified ignores the notarization',
    rule: 'pitfall 3',
    edits: [
      {
        file: 'consensus/certificate-intake.ts',
        find: 'if (view + 1 > this.#agenda.targetView) {',
        replace:
          "if (view + 1 > this.#agenda.targetView && !(kind === 'notarize' && this.#core.own.of(view).nullify)) {",
      },
    ],
    scenario: { file: PITFALLS_TEST, test: 'pitfall 3' },
  },
  {
    name: 'own votes are not repeated within a view',
    rule: 'pitfall 5, 8.3',
    edits: [
      {
        file: 'consensus/ordering.ts',
        find: 'this.#retransmitter.retry(this.#core.view, this.#core.lastFinal)',
        replace: 'void this.#retransmitter',
      },
    ],
    scenario: { file: PITFALLS_TEST, test: 'pitfall 5: nullify' },
  },
  {
    name: 'a chain is idle although its tip is not final',
    rule: 'pitfall 5, §12',
    edits: [
      without(
        'consensus/finality.ts',
        'if ((certificates.newestNotarization?.view ?? 0) > lastFinalView(this.#core)) return false',
      ),
      without(
        'consensus/finality.ts',
        'if (finalDigest === undefined || !equalBytes(root.digest, finalDigest)) return false',
      ),
      { file: 'consensus/finality.ts', find: 'if (root.height === 0 || proposals', replace: 'if (proposals' },
    ],
    scenario: { file: PITFALLS_TEST, test: 'pitfall 5: finalize' },
  },
  {
    name: 'votes of later views are dropped',
    rule: 'pitfall 9',
    edits: [
      {
        file: 'consensus/inbound.ts',
        find: 'if (vote.view > view + 1) pool.addFuture(vote)\n    else this.#count(vote)',
        replace: 'if (vote.view <= view) this.#count(vote)',
      },
    ],
    scenario: { file: ORDERING_TEST, test: 'votes that come early' },
  },
  {
    name: 'stored certificates are kept for ever',
    rule: 'pitfall 10, §13',
    edits: [
      without(
        'consensus/certificate-intake.ts',
        "this.#core.emit({ type: 'store', record: { kind: 'delete-certificates-below', view: pruneBelow } })",
      ),
    ],
    scenario: { file: ORDERING_TEST, test: 'stored certificates far below' },
  },
  {
    name: 'timeouts shrink on activity, not on finality',
    rule: 'pitfall 11, §7',
    edits: [
      {
        file: 'consensus/ordering.ts',
        find: 'timers.enter(view, lastFinalView(this.#core), this.#now,',
        replace: 'timers.enter(view, this.#core.certificates.newestNotarization?.view ?? 0, this.#now,',
      },
    ],
    scenario: { file: PITFALLS_TEST, test: 'pitfall 11' },
  },
  {
    name: 'a standstill repeats everything',
    rule: 'pitfall 12, 8.4',
    edits: [without('consensus/retransmitter.ts', 'if (bytes > LIMITS.standstillBytes) return false')],
    scenario: { file: PITFALLS_TEST, test: 'pitfall 12' },
  },
  {
    name: 'two equal votes are evidence',
    rule: 'pitfall 19, §10',
    edits: [without('consensus/evidence.ts', 'if (equalBytes(first.pid, second.pid)) return null')],
    scenario: { file: 'test/consensus/evidence.test.ts' },
  },
  {
    name: 'a repeated vote counts again',
    rule: 'pitfall 20',
    edits: [without('consensus/vote-pool.ts', "if (tally?.signatures.has(signer) === true) return 'known'")],
    scenario: { file: 'test/consensus/vote-pool.test.ts' },
  },
]

export const BROKEN_RULES: readonly BrokenRule[] = [
  ...PROTOCOL_RULES,
  ...GUARD_LINES,
  ...TABLE_LINES,
  ...DURABILITY_RULES,
  ...PITFALLS,
]
