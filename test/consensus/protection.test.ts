/** The interchange form of the signer's table: one spelling, strict reading, and an import that only moves forward. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import type { SignedVote } from '../../consensus/guard-table.ts'
import { checkProtection, parseProtection, serialiseProtection } from '../../consensus/protection.ts'
import type { Protection } from '../../consensus/protection.ts'
import { mergeProtection, protectionOf } from '../../consensus/protection-merge.ts'
import { identityOf, openSigner } from '../../consensus/signer.ts'
import { replayJournal, SignerState } from '../../consensus/signer-state.ts'
import type { VoteKind } from '../../consensus/types.ts'
import { voteMessage } from '../../consensus/wire.ts'
import { digestOf, GENESIS_HASH, keyPair, validatorSet } from './fixtures.ts'
import { MemoryJournal } from './memory-journal.ts'

const set = validatorSet()
const own = { ...identityOf(set, 1), genesisHash: GENESIS_HASH }
const P = digestOf('P')
const Q = digestOf('Q')

function signed(kind: VoteKind, view: number, pid: Uint8Array | null, signer = 1): SignedVote {
  const message = voteMessage(set.context, kind, set.epoch, view, pid)
  return { kind, view, pid, signature: sign(message, keyPair(signer).secretKey) }
}

function stateWith(floor: number, votes: readonly SignedVote[], reserved = 1): SignerState {
  const state = new SignerState()
  state.named = true
  state.reserved = reserved
  state.table.raiseFloor(floor)
  for (const vote of votes) state.table.record(vote)
  return state
}

const FULL = protectionOf(stateWith(4, [signed('notarize', 6, P), signed('nullify', 7, null)], 2_001), own)
const MINIMAL: Protection = { ...FULL, rows: null }

const textOf = (state: SignerState): string => serialiseProtection(protectionOf(state, own))

/** As the next start finds it. */
function restarted(state: SignerState): SignerState {
  return replayJournal(state.encode(own), own).state
}

function refuses(state: SignerState, kind: VoteKind, view: number, pid: Uint8Array | null): boolean {
  return state.table.judge(kind, view, pid).verdict === 'refuse'
}

test('the form is frozen', () => {
  assert.equal(
    serialiseProtection({ ...MINIMAL, conflict: { kind: 'nullify', view: 9, pid: null } }),
    `{"format":"cordon-signer-protection/1","chainId":"${toHex(GENESIS_HASH)}","publicKey":"${toHex(own.publicKey)}",` +
      `"highWater":{"epoch":"1","notarize":{"view":"6","pid":"${toHex(P)}"},"nullify":"7","finalize":{"view":"4","pid":null}},` +
      '"reservedBatchSeq":"2001","conflict":{"kind":"nullify","view":"9","pid":null},"rows":null}\n',
  )
})

const views = fc.integer({ min: 1, max: 60 })
const votes = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom<VoteKind>('notarize', 'nullify', 'finalize'),
      view: views,
      first: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((list) =>
    list.map(({ kind, view, first }) => ({ kind, view, pid: kind === 'nullify' ? null : first ? P : Q })),
  )

/** A table as honest signing leaves it. */
const states = fc
  .record({ votes, floor: fc.integer({ min: 0, max: 40 }), reserved: fc.integer({ min: 1, max: 2 ** 47 }) })
  .map(({ votes: wanted, floor, reserved }) => {
    const state = stateWith(0, [], reserved)
    for (const { kind, view, pid } of wanted)
      if (state.table.judge(kind, view, pid).verdict === 'sign')
        state.table.record({ kind, view, pid, signature: new Uint8Array(64).fill(view) })
    state.table.raiseFloor(floor)
    return state
  })

/** With bytes as hex: a Buffer and a Uint8Array of the same bytes are the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]))
}

test('what is written is read back, and only in one spelling', () => {
  fc.assert(
    fc.property(states, fc.boolean(), (state, withRows) => {
      const protection = { ...protectionOf(state, own), ...(withRows ? {} : { rows: null }) }
      const text = serialiseProtection(protection)
      assert.deepEqual(plain(parseProtection(text, 'file')), plain(protection))
    }),
  )
})

const edited = (
  edit: (content: Record<string, Record<string, unknown>>) => void,
  protection = FULL,
): string => {
  const content = JSON.parse(serialiseProtection(protection)) as Record<string, Record<string, unknown>>
  edit(content)
  return `${JSON.stringify(content)}\n`
}
const TEXT = serialiseProtection(FULL)

for (const [what, text, says] of [
  ['no JSON', '{', /is not JSON/],
  ['another thing', '[]', /top level: expected an object, got a list of 0 items/],
  ['a foreign format', edited((c) => (c.format = 'eip-3076' as never)), /format: expected "cordon-signer/],
  ['a field too many', edited((c) => (c.extra = {})), /extra: expected only/],
  ['a missing field', edited((c) => delete c.rows), /rows: expected an object, got nothing/],
  [
    'a number as number',
    edited((c) => ((c.highWater ?? {}).nullify = 7)),
    /highWater.nullify: expected a whole/,
  ],
  [
    'a number beyond 2^48',
    edited((c) => (c.reservedBatchSeq = '281474976710656' as never)),
    /reservedBatchSeq/,
  ],
  ['short hex', edited((c) => (c.chainId = 'ab' as never)), /chainId: expected 64 lower-case hex digits/],
  [
    'a nullify vote with a proposal',
    TEXT.replace('"view":"7","pid":null', `"view":"7","pid":"${'00'.repeat(32)}"`),
    /pid: expected null/,
  ],
  [
    'marks below its rows',
    TEXT.replace('"nullify":"7"', '"nullify":"6"'),
    /highWater.nullify does not cover/,
  ],
  [
    'a mark of another proposal than its row',
    TEXT.replace(toHex(P), '11'.repeat(32)),
    /highWater.notarize does not cover/,
  ],
  ['rows below their floor', TEXT.replace('"above":"4"', '"above":"6"'), /expected votes above view 6/],
  ['spaces', JSON.stringify(JSON.parse(TEXT), null, 2), /not in the form/],
  [
    'a field that stands there twice',
    TEXT.replace('"reservedBatchSeq"', '"reservedBatchSeq":"5000","reservedBatchSeq"'),
    /not in the form/,
  ],
  ['too much', ' '.repeat(LIMITS.protectionFileBytes + 1), /at most 8388608/],
  [
    'too many votes',
    edited((c) => ((c.rows ?? {}).votes = Array.from({ length: LIMITS.protectionVotes + 1 }, () => ({})))),
    /a list of 0 to 16384 items/,
  ],
] as const) {
  test(`a file with ${what} is refused and says so`, () => {
    assert.throws(
      () => parseProtection(text, 'p.json'),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'protection-invalid')
        assert.match(error.message, says)
        assert.match(error.message, /^p\.json: /)
        return true
      },
    )
  })
}

test('a file of a later version, another chain, another key, another epoch or with forged rows is refused', () => {
  assert.throws(() => parseProtection(TEXT.replace('protection/1', 'protection/2'), 'file'), {
    code: 'format-version',
  })
  const check = (protection: Protection): void => {
    checkProtection(protection, own, { verify }, 'file')
  }
  check(FULL)
  assert.throws(() => check({ ...FULL, genesisHash: P }), { code: 'other-chain' })
  assert.throws(() => check({ ...FULL, publicKey: keyPair(2).publicKey }), { code: 'other-chain' })
  assert.throws(() => check({ ...FULL, epoch: 2 }), { code: 'protection-invalid' })
  const forged = { above: 4, votes: [signed('notarize', 6, P, 2)] }
  assert.throws(() => check({ ...FULL, rows: forged }), /not signed by its key/)
})

test('an import only moves forward: what was refused before stays refused, and batch numbers never come again', () => {
  fc.assert(
    fc.property(states, states, fc.boolean(), views, (before, other, withRows, probe) => {
      const file = { ...protectionOf(other, own), ...(withRows ? {} : { rows: null }) }
      const asked = (['notarize', 'nullify', 'finalize'] as const).flatMap((kind) =>
        (kind === 'nullify' ? [null] : [P, Q]).map((pid) => ({ kind, pid })),
      )
      const refused = asked.filter(({ kind, pid }) => refuses(before, kind, probe, pid))
      const refusedThere = asked.filter(({ kind, pid }) => refuses(other, kind, probe, pid))
      const [floor, reserved] = [before.table.floor, before.reserved]
      try {
        mergeProtection(before, file)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'double-sign')
        return
      }
      const after = restarted(before)
      // A vote that one of them has cast before may be repeated: the same bytes have left already.
      for (const { kind, pid } of [...refused, ...refusedThere])
        assert.notEqual(
          after.table.judge(kind, probe, pid).verdict,
          'sign',
          `${kind} ${probe} was refused before`,
        )
      assert.ok(after.table.floor >= floor)
      assert.equal(after.reserved, Math.max(reserved, other.reserved))
    }),
  )
})

test('an import of an older file changes nothing; one into an empty folder brings all of it', () => {
  const state = stateWith(9, [signed('notarize', 12, P)], 3_001)
  mergeProtection(state, FULL)
  assert.equal(textOf(state), textOf(stateWith(9, [signed('notarize', 12, P)], 3_001)))
  const fresh = new SignerState()
  mergeProtection(fresh, FULL)
  assert.equal(textOf(restarted(fresh)), TEXT)
})

test('minimal mode lasts over a restart and is exported as such, until the floor is above the marks', () => {
  const state = new SignerState()
  mergeProtection(state, MINIMAL)
  const after = restarted(state)
  assert.ok(refuses(after, 'nullify', 7, null))
  assert.equal(refuses(after, 'nullify', 8, null), false)
  assert.equal(textOf(after), serialiseProtection(MINIMAL))
  after.table.raiseFloor(7)
  assert.deepEqual(protectionOf(after, own).rows, { above: 7, votes: [] })
})

test('tables that contradict each other are not merged', () => {
  for (const vote of [signed('notarize', 6, Q), signed('finalize', 7, P), signed('finalize', 6, Q)])
    assert.throws(() => mergeProtection(stateWith(0, [vote]), FULL), { code: 'double-sign' })
  assert.throws(() => mergeProtection(stateWith(0, [signed('notarize', 6, Q)]), MINIMAL), {
    code: 'double-sign',
  })
  const minimal = new SignerState()
  mergeProtection(minimal, MINIMAL)
  const other = protectionOf(stateWith(0, [signed('notarize', 6, Q)]), own)
  assert.throws(() => mergeProtection(minimal, other), { code: 'double-sign' })
})

test('a table that was lost has nothing to export, and an import ends its wait', () => {
  const state = new SignerState()
  state.lose()
  assert.throws(() => protectionOf(state, own), { code: 'signer-lost' })
  mergeProtection(state, MINIMAL)
  assert.equal(restarted(state).abstention, null)
})

test('two instances that saw each other: each goes on with the file of the other, and not with its own', () => {
  // Both vote on after they parted; each has seen one vote of the other and stopped.
  const [ofA, ofB] = [signed('nullify', 8, null), signed('notarize', 9, Q)]
  const a = stateWith(4, [ofA])
  const b = stateWith(4, [ofB])
  a.conflict = ofB
  b.conflict = ofA
  const [fileA, fileB] = [protectionOf(a, own), protectionOf(b, own)]
  mergeProtection(a, fileA)
  assert.equal(restarted(a).abstention, 'key-used-elsewhere')
  const later = { ...fileA, highWater: { ...fileA.highWater, nullify: 20 }, rows: { above: 20, votes: [] } }
  mergeProtection(a, later)
  assert.equal(a.abstention, 'key-used-elsewhere', 'nor with a later one of its own')
  mergeProtection(a, fileB)
  assert.equal(restarted(a).abstention, null)
  assert.ok(refuses(a, 'notarize', 9, P))

  const elsewhere = new SignerState()
  mergeProtection(elsewhere, fileA)
  assert.equal(elsewhere.abstention, 'key-used-elsewhere', 'the stop travels with the file')
  mergeProtection(elsewhere, fileB)
  assert.equal(elsewhere.abstention, null)
})

test('a signer over an imported journal repeats known votes, refuses others, and begins behind the batch numbers', async () => {
  const state = new SignerState()
  mergeProtection(state, FULL)
  const signer = await openSigner({
    set,
    index: 1,
    storage: new MemoryJournal(state.encode(own)),
    key: { sign: (message) => sign(message, keyPair(1).secretKey) },
  })
  assert.deepEqual(signer.notarize(6, P), {
    ok: true,
    signature: signed('notarize', 6, P).signature,
    repeated: true,
  })
  assert.equal(signer.notarize(6, Q).ok, false)
  assert.equal(signer.nullify(4).ok, false)
  assert.equal(signer.nextBatchSeq(), 2_001)
})
