/** The rules of dissemination.md, "Life of a batch" and "Back pressure and bounds", one by one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { verify } from '../../crypto/ed25519.ts'
import { judgeEvidence } from '../../consensus/evidence.ts'
import type { Effect } from '../../consensus/replica-types.ts'
import { encodeAck } from '../../consensus/wire.ts'
import { leader } from '../../consensus/validator-set.ts'
import { Bench, flag, gossipOf, sent, tx, typesOf } from './dissemination-bench.ts'
import { digestOf, validatorSet } from './fixtures.ts'

// ---- collect ----

test('with none on its way a batch closes at once, and the next one batchIntervalMs after its first transaction', () => {
  const bench = new Bench({ parameters: { batchIntervalMs: 20 } })
  const submit = (n: number): Effect[] =>
    bench.step(() => {
      bench.dissemination.submit([tx(n)])
    })
  assert.deepEqual(
    gossipOf(submit(0)).map(({ batch }) => batch.txs),
    [[tx(0)]],
  )
  assert.deepEqual(gossipOf(submit(1)), [])
  assert.equal(bench.dissemination.nextDeadlineMs(), bench.nowMs + 20)
  assert.deepEqual(gossipOf(bench.after(10)), [])
  assert.deepEqual(gossipOf(submit(2)), [])
  const [batch, ...more] = gossipOf(bench.after(10))
  assert.deepEqual(batch?.batch.txs, [tx(1), tx(2)])
  assert.equal(batch.batch.seq, 2)
  assert.equal(batch.batch.createdMs, bench.wallMs)
  assert.deepEqual(more, [])
})

test('a batch closes at once at batchMaxTxs, and what is over goes into the next', () => {
  const bench = new Bench({ parameters: { batchMaxTxs: 2, batchIntervalMs: 20 } })
  const effects = bench.step(() => {
    bench.dissemination.submit([tx(1), tx(2), tx(3)])
  })
  assert.deepEqual(
    gossipOf(effects).map(({ batch }) => batch.txs),
    [[tx(1), tx(2)]],
  )
  assert.deepEqual(
    gossipOf(bench.after(20)).map(({ batch }) => batch.txs),
    [[tx(3)]],
  )
})

test('a batch never exceeds batchMaxBytes', () => {
  const bench = new Bench({ parameters: { batchMaxBytes: 32_768 } })
  const big = Array.from({ length: 5 }, () => new Uint8Array(10_000))
  const effects = bench.step(() => {
    bench.dissemination.submit(big)
  })
  assert.deepEqual(
    gossipOf(effects).map(({ batch }) => batch.txs.length),
    [3],
  )
  assert.deepEqual(
    gossipOf(bench.after(bench.parameters.batchIntervalMs)).map(({ batch }) => batch.txs.length),
    [2],
  )
})

test('without a reserved number nothing is lost: the batch closes when there is one', () => {
  const bench = new Bench()
  bench.seqs = []
  bench.do(() => {
    bench.dissemination.submit([tx(1)])
  })
  assert.deepEqual(gossipOf(bench.after(5)), [])
  assert.ok(bench.dissemination.nextDeadlineMs() <= bench.nowMs + bench.parameters.batchIntervalMs)
  bench.seqs = [1_001]
  assert.deepEqual(
    gossipOf(bench.after(5)).map(({ batch }) => batch.seq),
    [1_001],
  )
})

test('at most maxOpenBatches are open; the rest waits until one is ordered', () => {
  const bench = new Bench({ parameters: { maxOpenBatches: 1, batchMaxTxs: 1 } })
  const [first, ...none] = gossipOf(
    bench.step(() => {
      bench.dissemination.submit([tx(1), tx(2)])
    }),
  )
  assert.ok(first !== undefined && none.length === 0)
  assert.equal(bench.dissemination.ownOpenBatches, 1)
  assert.equal(bench.dissemination.queuedTxs, 1)
  assert.equal(bench.dissemination.ownUnorderedBytes, 128)
  assert.deepEqual(gossipOf(bench.after(10_000)), [])
  const certificate = bench.certificateOf(
    first,
    [1, 2, 3].map((signer) => bench.ackOf(signer, first)),
  )
  const effects = bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  assert.deepEqual(
    gossipOf(effects).map(({ batch }) => batch.txs),
    [[tx(2)]],
  )
})

test('a batch dated ahead of a clock that was set back gives up its place (simulation, swarm 24)', () => {
  const bench = new Bench({ parameters: { maxOpenBatches: 1, batchMaxTxs: 1 } })
  bench.skewMs = 60_000
  const [ahead] = gossipOf(
    bench.step(() => {
      bench.dissemination.submit([tx(1), tx(2)])
    }),
  )
  assert.ok(ahead !== undefined)
  bench.skewMs = 0
  const effects = bench.after(bench.parameters.ackRetryMs)
  assert.deepEqual(sent(effects, 'batch'), [], 'nobody would take it')
  assert.deepEqual(
    effects.flatMap((effect) => (effect.type === 'note' ? [effect.note.kind] : [])),
    ['batch-dropped'],
  )
  assert.deepEqual(
    gossipOf([...effects, ...bench.after(0)]).map(({ batch }) => batch.txs),
    [[tx(2)]],
  )
})

test('where little is ordered a batch waits batchIntervalMs for each earlier one on its way', () => {
  const bench = new Bench({ parameters: { batchIntervalMs: 5, ackRetryMs: 200 } })
  bench.write([tx(1)])
  bench.write([tx(2)])
  for (const earlier of [1, 2, 3]) {
    bench.do(() => {
      bench.dissemination.submit([tx(2 + earlier)])
    })
    assert.deepEqual(gossipOf(bench.after(5 * earlier - 1)), [])
    assert.equal(gossipOf(bench.after(1)).length, 1)
  }
})

test('with two own batches on their way under load the next one grows until one is ordered, at most ackRetryMs', () => {
  const bench = new Bench({ parameters: { batchIntervalMs: 5, ackRetryMs: 200 } })
  const ordered = bench.batchOf(1, 1)
  bench.do(() => {
    const certificate = bench.certificateOf(ordered, [bench.ackOf(1, ordered)])
    bench.dissemination.onDelivered(bench.blockWith([{ ...certificate, txCount: 5_000 }]))
  })
  const first = bench.write([tx(1)])
  bench.write([tx(2)])
  bench.do(() => {
    bench.dissemination.submit([tx(3)])
  })
  assert.deepEqual(gossipOf(bench.after(100)), [])
  assert.deepEqual(
    gossipOf(bench.after(100)).map(({ batch }) => batch.txs),
    [[tx(3)]],
  )
  bench.do(() => {
    bench.dissemination.submit([tx(4)])
  })
  bench.after(50)
  const certificates = [1, 2].map((seq) => {
    const batch = seq === 1 ? first : bench.batchOf(0, seq)
    return bench.certificateOf(batch, [bench.ackOf(1, batch)])
  })
  const effects = bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith(certificates))
  })
  assert.deepEqual(
    gossipOf(effects).map(({ batch }) => batch.txs),
    [[tx(4)]],
  )
})

test('a follower takes no transactions', () => {
  const bench = new Bench({ self: null })
  assert.throws(() => {
    bench.dissemination.submit([tx(1)])
  }, RangeError)
})

// ---- check, assess, persist, ack ----

test('a batch is assessed, then stored with the ack in one record, then acked to the author and the next leaders', () => {
  const bench = new Bench({ set: validatorSet([1n, 1n, 1n, 1n, 1n]), view: 2 })
  const batch = bench.batchOf(1, 7)
  assert.deepEqual(typesOf(bench.gossiped(batch)), ['assess'])
  assert.deepEqual(typesOf(bench.gossiped(batch)), [], 'not twice')
  const effects = bench.assessed(batch, [flag(0)])
  assert.equal(
    effects[0]?.type === 'store' && effects[0].record.kind === 'batch' && effects[0].record.ack?.flags.length,
    1,
  )
  const acks = sent(effects, 'ack')
  const receivers = new Set([1, leader(bench.set, 2), leader(bench.set, 3), leader(bench.set, 4)])
  receivers.delete(0)
  assert.deepEqual(acks.map(({ to }) => to).sort(), [...receivers].map((index) => `v${index}`).sort())
})

test('asked again over a stream, the same bytes; by gossip, nothing', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  const first = sent(bench.assessed(batch, [flag(0)]), 'ack')[0]?.message.ack ?? assert.fail()
  const [again] = sent(bench.asked(batch, 3), 'ack')
  assert.equal(again?.to, 'peer-3')
  assert.deepEqual(encodeAck(again.message.ack), encodeAck(first))
  assert.deepEqual(bench.gossiped(batch), [])
})

test('P11: a validator whose key is used elsewhere acks no more, and stores batches as a follower does', () => {
  const bench = new Bench({ abstention: 'key-used-elsewhere' })
  const batch = bench.batchOf(1, 7)
  assert.deepEqual(typesOf(bench.gossiped(batch)), ['store batch'])
  assert.deepEqual(bench.asked(batch), [])
  const waiting = new Bench({ abstention: 'signer-lost' })
  assert.deepEqual(
    typesOf(waiting.gossiped(batch)),
    ['assess'],
    'acks are no votes: a lost table does not matter',
  )
})

test('P11: neither does it when it stops while a batch is being assessed', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  bench.abstention = 'key-used-elsewhere'
  assert.deepEqual(typesOf(bench.assessed(batch)), ['store batch'])
})

test('one bad transaction: no ack, the author is penalised, and the batch is not assessed again', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.do(() => {
    bench.dissemination.heard(bench.peer(1))
  })
  bench.gossiped(batch, 2)
  const effects = bench.assessed(batch, [], false)
  assert.deepEqual(typesOf(effects), ['note', 'penalize'])
  assert.equal(effects[1]?.type === 'penalize' && effects[1].peer.validator, 1)
  assert.deepEqual(bench.asked(batch), [])
})

test('flags that fit no batch are a failed model: an ack without flags', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  assert.deepEqual(sent(bench.assessed(batch, [flag(9)]), 'ack')[0]?.message.ack.flags, [])
})

test('a wrong signature costs the sender, a batch outside its time window nobody', () => {
  const bench = new Bench()
  const forged = { ...bench.batchOf(1, 7), signature: new Uint8Array(64) }
  assert.deepEqual(typesOf(bench.gossiped(forged, 2)), ['penalize'])
  const { batchTtlMs, maxClockDriftMs } = bench.parameters
  assert.deepEqual(bench.gossiped(bench.batchOf(1, 8, { createdMs: bench.wallMs - batchTtlMs - 1 })), [])
  assert.deepEqual(bench.gossiped(bench.batchOf(1, 9, { createdMs: bench.wallMs + maxClockDriftMs + 1 })), [])
})

test('of two batches under one number one is acked, and both together are evidence', () => {
  const bench = new Bench()
  const [one, other] = [bench.batchOf(1, 7), bench.batchOf(1, 7, { txs: [tx(99)] })]
  bench.gossiped(one)
  const effects = bench.gossiped(other)
  const offence = { kind: 'double-batch', validator: 1, epoch: 1, position: 7 }
  const [effect] = effects
  assert.ok(effect?.type === 'offence')
  assert.deepEqual(effect.offence, offence)
  assert.deepEqual(judgeEvidence(bench.set, { verify }, effect.evidence), offence)
  assert.equal(effects.length, 1)
  bench.assessed(one)
  assert.deepEqual(typesOf(bench.asked(other)), ['offence'])
})

test('also after a restart of the acker', () => {
  const before = new Bench()
  const one = before.batchOf(1, 7)
  before.gossiped(one)
  const stored = before.assessed(one)[0]
  assert.ok(stored?.type === 'store' && stored.record.kind === 'batch')
  const bench = new Bench({ restored: { batches: [stored.record] } })
  assert.deepEqual(typesOf(bench.asked(bench.batchOf(1, 7, { txs: [tx(99)] }))), ['offence'])
})

test('one author can occupy only so many batches and bytes here, others are not affected', () => {
  const bench = new Bench({ parameters: { maxOpenBatches: 2 } })
  const accepted = Array.from({ length: 10 }, (_, i) => bench.gossiped(bench.batchOf(1, i + 1)).length)
  assert.deepEqual(accepted, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0], 'twice the limit of the sender')
  assert.equal(bench.gossiped(bench.batchOf(2, 1)).length, 1)
})

test('the byte limit of receivers is above that of senders, and one batch always fits', () => {
  const bench = new Bench({ parameters: { batchMaxBytes: LIMITS.batchBytes } })
  assert.ok(LIMITS.openBatchBytes >= bench.parameters.batchMaxBytes)
})

// ---- certify ----

test('the author acks its own batch, and certifies and broadcasts at a quorum', () => {
  const bench = new Bench()
  const batch = bench.write([tx(1)])
  assert.deepEqual(sent(bench.assessed(batch), 'batch-certificate'), [])
  assert.deepEqual(sent(bench.acked(bench.ackOf(1, batch)), 'batch-certificate'), [])
  const certificates = sent(bench.acked(bench.ackOf(2, batch)), 'batch-certificate')
  assert.equal(certificates[0]?.to, 'validators')
  assert.deepEqual(
    certificates[0].message.certificate.acks.map(({ signer }) => signer),
    [0, 1, 2],
  )
  assert.deepEqual(sent(bench.acked(bench.ackOf(3, batch)), 'batch-certificate'), [], 'once')
})

test('an ack with a wrong signature, or flags outside the batch, costs its sender and does not count', () => {
  const bench = new Bench()
  const batch = bench.write([tx(1)])
  bench.assessed(batch)
  assert.deepEqual(typesOf(bench.acked({ ...bench.ackOf(1, batch), flags: [flag(0)] })), ['penalize'])
  assert.deepEqual(typesOf(bench.acked(bench.ackOf(1, batch, [flag(1)]))), ['penalize'])
  assert.deepEqual(typesOf(bench.acked(bench.ackOf(1, batch))), [])
})

test('grace: a suspicion that missing opinions could lift to F + 1 is waited for, up to assessGraceMs', () => {
  const bench = new Bench({ parameters: { assessGraceMs: 40 } })
  const batch = bench.write([tx(1)])
  bench.assessed(batch, [flag(0)])
  bench.acked(bench.ackOf(1, batch))
  assert.deepEqual(sent(bench.acked(bench.ackOf(2, batch)), 'batch-certificate'), [])
  assert.equal(bench.dissemination.nextDeadlineMs(), bench.nowMs + 40)
  assert.deepEqual(sent(bench.after(39), 'batch-certificate'), [])
  assert.equal(sent(bench.after(1), 'batch-certificate').length, 1)
})

test('grace ends early when the opinion comes, and its flag is in the certificate', () => {
  const bench = new Bench({ parameters: { assessGraceMs: 40 } })
  const batch = bench.write([tx(1)])
  bench.assessed(batch, [flag(0)])
  bench.acked(bench.ackOf(1, batch))
  bench.acked(bench.ackOf(2, batch))
  const [certificate] = sent(bench.acked(bench.ackOf(3, batch, [flag(0)])), 'batch-certificate')
  const flaggers = certificate?.message.certificate.acks.filter(({ flags }) => flags.length > 0)
  assert.deepEqual(
    flaggers?.map(({ signer }) => signer),
    [0, 3],
  )
})

test('no grace for validators that were not heard lately', () => {
  const bench = new Bench({ parameters: { assessGraceMs: 40, standstillMs: 2_000 } })
  bench.after(3_000)
  const batch = bench.write([tx(1)])
  bench.assessed(batch, [flag(0)])
  bench.acked(bench.ackOf(1, batch))
  assert.equal(sent(bench.acked(bench.ackOf(2, batch)), 'batch-certificate').length, 1)
})

test('no grace if the transfer is held already', () => {
  const bench = new Bench({ parameters: { assessGraceMs: 40 } })
  const batch = bench.write([tx(1)])
  bench.assessed(batch, [flag(0)])
  bench.acked(bench.ackOf(1, batch, [flag(0)]))
  assert.equal(sent(bench.acked(bench.ackOf(2, batch)), 'batch-certificate').length, 1)
})

test('until it is ordered the author repeats the batch to those without ack, and the certificate to all', () => {
  const bench = new Bench({ parameters: { ackRetryMs: 100 } })
  const batch = bench.write([tx(1)])
  bench.assessed(batch)
  bench.acked(bench.ackOf(1, batch))
  const first = bench.after(100)
  assert.deepEqual(
    sent(first, 'batch').map(({ to }) => to),
    ['v2', 'v3'],
  )
  assert.deepEqual(sent(first, 'batch-certificate'), [])
  bench.acked(bench.ackOf(2, batch))
  const second = bench.after(100)
  assert.deepEqual(
    sent(second, 'batch').map(({ to }) => to),
    ['v3'],
  )
  assert.deepEqual(
    sent(second, 'batch-certificate').map(({ to }) => to),
    ['validators'],
  )
  const certificate = bench.select()[0] ?? assert.fail()
  bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  assert.deepEqual(bench.after(1_000), [])
})

test('acks that come before their batch count when it comes', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  for (const signer of [1, 2, 3]) bench.acked(bench.ackOf(signer, batch))
  assert.deepEqual(bench.select(), [])
  bench.gossiped(batch)
  assert.equal(bench.select().length, 1)
  assert.ok(bench.dissemination.takeWork())
})

// ---- order ----

test('a leader certifies from the acks it holds, and adds opinions to the certificate it includes', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  bench.assessed(batch, [flag(0)])
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  bench.step(() => {
    bench.dissemination.onBatchCertificate(bench.peer(1), certificate)
  })
  const [chosen] = bench.select()
  assert.equal(chosen?.acks.find(({ signer }) => signer === 0)?.flags.length, 1)
  assert.equal(bench.dissemination.check(chosen), null)
})

test('of too many flags the longest lists are left out, as far as the quorum allows', () => {
  const bench = new Bench({
    set: validatorSet(Array.from({ length: 40 }, () => 1n)),
    self: 39,
    parameters: { batchMaxTxs: 5_000, batchMaxBytes: 1_048_576 },
  })
  const txs = Array.from({ length: 5_000 }, (_, i) => tx(i))
  const batch = bench.batchOf(0, 1, { txs })
  bench.gossiped(batch)
  // q = 27. One flags a single transfer, 26 everything.
  const everything = txs.map((_, index) => flag(index))
  for (let signer = 0; signer < 27; signer++) {
    bench.acked(bench.ackOf(signer, batch, signer === 13 ? [flag(3)] : everything))
  }
  const heavyOf = (): number[] => {
    const chosen = bench.select({ maxBytes: 10_000_000 })[0] ?? assert.fail()
    assert.ok(
      chosen.acks.some(({ signer }) => signer === 13),
      'a short list of flags stays',
    )
    assert.equal(chosen.acks.length, 27)
    return chosen.acks.filter(({ flags }) => flags.length > 1).map(({ signer }) => signer)
  }
  assert.equal(heavyOf().length, 26, 'without them there is no quorum')
  for (let signer = 27; signer < 39; signer++) bench.acked(bench.ackOf(signer, batch))
  assert.equal(heavyOf().length, Math.floor((LIMITS.flagsPerCertificate - 1) / 5_000))
})

test('a wrong certificate costs its sender and is not ordered', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  const certificate = bench.certificateOf(
    batch,
    [1, 2].map((signer) => bench.ackOf(signer, batch)),
  )
  const effects = bench.step(() => {
    bench.dissemination.onBatchCertificate(bench.peer(1), certificate)
  })
  assert.deepEqual(typesOf(effects), ['penalize'])
  assert.notEqual(bench.dissemination.check(certificate), null)
  assert.deepEqual(bench.select(), [])
})

function withCertified(bench: Bench, author: number, seqs: readonly number[]): void {
  for (const seq of seqs) {
    const batch = bench.batchOf(author, seq)
    const certificate = bench.certificateOf(
      batch,
      [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
    )
    bench.step(() => {
      bench.dissemination.onBatchCertificate(bench.peer(author), certificate)
    })
  }
}

test('authors take turns, each in ascending order, and another one begins every time', () => {
  const bench = new Bench({ parameters: { maxCertsPerBlock: 4 } })
  withCertified(bench, 1, [5, 3, 4, 6])
  withCertified(bench, 2, [9, 8])
  withCertified(bench, 3, [1])
  const order = (): string[] => bench.select().map(({ author, seq }) => `${author}:${seq}`)
  assert.deepEqual(order(), ['1:3', '2:8', '3:1', '1:4'])
  assert.deepEqual(order(), ['1:3', '2:8', '3:1', '1:4'], 'author 0 has nothing, so 1 begins again')
  assert.deepEqual(order(), ['2:8', '3:1', '1:3', '2:9'])
})

test('a block gets no more than fits, nothing that is excluded, nothing expired', () => {
  const bench = new Bench()
  withCertified(bench, 1, [1, 2, 3])
  const [first] = bench.select()
  assert.equal(first?.seq, 1)
  assert.deepEqual(
    bench.select({ maxBytes: 900 }).map(({ seq }) => seq),
    [1, 2],
  )
  assert.deepEqual(
    bench.select({ excluded: (seq) => seq < 3 }).map(({ seq }) => seq),
    [3],
  )
  assert.deepEqual(bench.select({ timeMs: first.createdMs + bench.parameters.batchTtlMs }).length, 3)
  assert.deepEqual(bench.select({ timeMs: first.createdMs + bench.parameters.batchTtlMs + 1 }), [])
  assert.ok(bench.dissemination.hasOrderable(() => false))
  assert.equal(
    bench.dissemination.hasOrderable(() => true),
    false,
  )
  bench.after(bench.parameters.batchTtlMs + 1)
  assert.equal(
    bench.dissemination.hasOrderable(() => false),
    false,
  )
})

test('what a block orders is not chosen again, nor is another batch under its number', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  const other = bench.batchOf(1, 7, { txs: [tx(99)] })
  const certificates = [batch, other].map((signed) =>
    bench.certificateOf(
      signed,
      [1, 2, 3].map((signer) => bench.ackOf(signer, signed)),
    ),
  )
  for (const certificate of certificates)
    bench.step(() => {
      bench.dissemination.onBatchCertificate(bench.peer(1), certificate)
    })
  bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith(certificates.slice(0, 1)))
  })
  assert.deepEqual(bench.select(), [])
  bench.step(() => {
    bench.dissemination.onBatchCertificate(bench.peer(1), certificates[1] ?? assert.fail())
  })
  assert.deepEqual(bench.select(), [])
})

// ---- deletion ----

test('an unordered batch is deleted when an executed block is later than createdMs + batchTtlMs, never by the clock', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  bench.assessed(batch)
  const expiryMs = batch.batch.createdMs + bench.parameters.batchTtlMs
  assert.deepEqual(bench.after(10 * bench.parameters.batchTtlMs), [])
  assert.deepEqual(
    bench.step(() => {
      bench.dissemination.onExecuted(expiryMs)
    }),
    [],
  )
  assert.deepEqual(
    typesOf(
      bench.step(() => {
        bench.dissemination.onExecuted(expiryMs + 1)
      }),
    ),
    ['store delete-batch'],
  )
})

test('an ordered batch is never deleted', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  bench.assessed(batch)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  assert.deepEqual(
    bench.step(() => {
      bench.dissemination.onExecuted(Number.MAX_SAFE_INTEGER)
    }),
    [],
  )
  assert.equal(bench.dissemination.knownBatches, 0)
})

test('a late copy of a batch that was ordered and forgotten is not taken for a new one, whatever the clock says', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  bench.assessed(batch)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  // The chain is ahead of the local clock by more than batchTtlMs.
  const timeMs = batch.batch.createdMs + bench.parameters.batchTtlMs + 1
  bench.step(() => {
    bench.dissemination.onExecuted(timeMs)
  })
  assert.deepEqual(bench.asked(batch), [])
  assert.deepEqual(
    bench.step(() => {
      bench.dissemination.onExecuted(timeMs + 1)
    }),
    [],
  )
})

test('nor does a late certificate, or a late copy of its body, open it again (simulation, swarm 15767)', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  bench.gossiped(batch)
  bench.assessed(batch)
  bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  // Execution asks twice, as if the disk had lost the body; it comes too late to matter.
  for (let asked = 0; asked < 2; asked++)
    bench.step(() => {
      bench.dissemination.needBatches([certificate])
    })
  const timeMs = batch.batch.createdMs + bench.parameters.batchTtlMs + 1
  bench.step(() => {
    bench.dissemination.onExecuted(timeMs)
  })
  const effects = bench.step(() => {
    bench.dissemination.onBatchCertificate(bench.peer(1), certificate)
    bench.dissemination.onBatches(bench.peer(1), [batch])
    bench.dissemination.onExecuted(timeMs + 1)
  })
  assert.deepEqual(typesOf(effects), [])
  assert.equal(bench.dissemination.knownBatches, 0)
})

test('an own batch that was not ordered in time is open no longer', () => {
  const bench = new Bench()
  const batch = bench.write([tx(1)])
  bench.assessed(batch)
  bench.step(() => {
    bench.dissemination.onExecuted(batch.batch.createdMs + bench.parameters.batchTtlMs + 1)
  })
  assert.equal(bench.dissemination.ownOpenBatches, 0)
  assert.equal(bench.dissemination.ownUnorderedBytes, 0)
})

// ---- bodies ----

test('a missing body is asked for from one signer after the other, with growing pauses, until it comes', () => {
  const bench = new Bench({ parameters: { deltaMs: 100 } })
  const batch = bench.batchOf(1, 7)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  const requests = sent(
    bench.step(() => {
      bench.dissemination.needBatches([certificate])
    }),
    'batch-request',
  )
  assert.equal(requests.length, 1)
  assert.deepEqual(
    requests[0]?.message.refs.map(({ digest }) => digest),
    [batch.digest],
  )
  const asked = requests.map(({ to }) => to)
  for (const pauseMs of [200, 300, 450]) {
    assert.deepEqual(bench.after(pauseMs - 1), [])
    asked.push(...sent(bench.after(1), 'batch-request').map(({ to }) => to))
  }
  assert.deepEqual(new Set(asked.slice(0, 3)), new Set(['v1', 'v2', 'v3']))
  assert.equal(asked[3], asked[0])
  const effects = bench.step(() => {
    bench.dissemination.onBatches(bench.peer(2), [batch])
  })
  assert.deepEqual(typesOf(effects), ['store batch', 'batches-held'])
  assert.deepEqual(bench.after(100_000), [])
  assert.equal(bench.dissemination.missingBatches, 0)
})

test('a body of another digest costs its sender; one that nobody asked for is ignored', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  bench.step(() => {
    bench.dissemination.needBatches([certificate])
  })
  const forged = { ...batch, batch: { ...batch.batch, txs: [tx(66)] } }
  assert.deepEqual(
    typesOf(
      bench.step(() => {
        bench.dissemination.onBatches(bench.peer(2), [forged])
      }),
    ),
    ['penalize'],
  )
  assert.deepEqual(
    bench.step(() => {
      bench.dissemination.onBatches(bench.peer(2), [bench.batchOf(3, 1)])
    }),
    [],
  )
  assert.equal(bench.dissemination.missingBatches, 1)
})

test('what does not fit in an answer is asked for again at once', () => {
  const bench = new Bench()
  const batches = [1, 2, 3].map((seq) => bench.batchOf(1, seq))
  const certificates = batches.map((batch) =>
    bench.certificateOf(
      batch,
      [1, 3].map((signer) => bench.ackOf(signer, batch)),
    ),
  )
  // With seqs 1 and 3 the same signer is asked first.
  bench.step(() => {
    bench.dissemination.needBatches([certificates[0] ?? assert.fail(), certificates[2] ?? assert.fail()])
  })
  const [request] = sent(
    bench.step(() => {
      bench.dissemination.onBatches(bench.peer(3), batches.slice(0, 1))
    }),
    'batch-request',
  )
  assert.deepEqual(
    request?.message.refs.map(({ seq }) => seq),
    [3],
  )
})

test('a body is fetched as soon as a block orders it, and an ack is given for it no more', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  const effects = bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  assert.equal(sent(effects, 'batch-request').length, 1)
  assert.deepEqual(typesOf(bench.gossiped(batch)), ['store batch', 'batches-held'])
  assert.deepEqual(bench.asked(batch), [])
})

test('of thousands of missing bodies always so many are on their way, in the order of their blocks', () => {
  const bench = new Bench()
  const batches = Array.from({ length: 600 }, (_, i) => bench.batchOf(1, i + 1))
  const certificates = batches.map((batch) =>
    bench.certificateOf(
      batch,
      [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
    ),
  )
  const askedFor = (effects: readonly Effect[]): number[] =>
    sent(effects, 'batch-request')
      .flatMap(({ message }) => message.refs.map(({ seq }) => seq))
      .sort((a, b) => a - b)
  const seqs = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const ordered = bench.step(() => {
    for (let i = 0; i < 600; i += 100)
      bench.dissemination.onDelivered(bench.blockWith(certificates.slice(i, i + 100)))
  })
  assert.deepEqual(askedFor(ordered), seqs(1, 256))
  const next = bench.step(() => {
    bench.dissemination.onBatches(bench.peer(2), batches.slice(0, 16))
  })
  assert.deepEqual(
    askedFor(next).filter((seq) => seq > 256),
    seqs(257, 272),
  )
  // One that comes by itself makes room as well, and is not asked for later.
  assert.deepEqual(
    askedFor(bench.gossiped(batches[20] ?? assert.fail())).filter((seq) => seq > 272),
    [273],
  )
  bench.gossiped(batches[299] ?? assert.fail())
  for (let from = 16; from < 600; from += 16)
    bench.step(() => {
      bench.dissemination.onBatches(bench.peer(2), batches.slice(from, from + 16))
    })
  assert.equal(bench.dissemination.missingBatches, 0)
  assert.deepEqual(askedFor(bench.after(100_000)), [])
})

test('a body under assessment is stored at once when execution needs it', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  bench.step(() => {
    bench.dissemination.onDelivered(bench.blockWith([certificate]))
  })
  assert.deepEqual(
    typesOf(
      bench.step(() => {
        bench.dissemination.needBatches([certificate])
      }),
    ),
    ['store batch', 'batches-held'],
  )
  assert.deepEqual(bench.assessed(batch), [])
})

test('a body that should be in the store is claimed once, then fetched', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  bench.gossiped(batch)
  bench.assessed(batch)
  const certificate = bench.certificateOf(
    batch,
    [1, 2, 3].map((signer) => bench.ackOf(signer, batch)),
  )
  const need = (): string[] =>
    typesOf(
      bench.step(() => {
        bench.dissemination.needBatches([certificate])
      }),
    )
  assert.deepEqual(need(), ['batches-held'])
  assert.deepEqual(need(), ['send batch-request'])
})

// ---- restart, followers ----

test('after a restart own unordered batches are sent again, and acks given are given again', () => {
  const before = new Bench()
  const own = before.write([tx(1)])
  const ownRecord = before.assessed(own)[0]
  const other = before.batchOf(1, 7)
  before.gossiped(other)
  const otherRecord = before.assessed(other, [flag(0)])[0]
  assert.ok(ownRecord?.type === 'store' && ownRecord.record.kind === 'batch')
  assert.ok(otherRecord?.type === 'store' && otherRecord.record.kind === 'batch')
  const bench = new Bench({ restored: { batches: [ownRecord.record, otherRecord.record] } })
  const effects = bench.effects()
  assert.deepEqual(
    sent(effects, 'batch').map(({ to }) => to),
    ['v1', 'v2', 'v3'],
  )
  const again = sent(effects, 'ack').find(({ to, message }) => to === 'v1' && message.ack.author === 1)
  assert.deepEqual(again?.message.ack, otherRecord.record.ack)
  assert.equal(bench.dissemination.ownOpenBatches, 1)
})

test('after a restart what final blocks order is open no longer, whatever the store says', () => {
  const before = new Bench()
  const own = before.write([tx(1)])
  const record = before.assessed(own)[0]
  assert.ok(record?.type === 'store' && record.record.kind === 'batch')
  const certificate = before.certificateOf(
    own,
    [1, 2, 3].map((signer) => before.ackOf(signer, own)),
  )
  const bench = new Bench({
    restored: { batches: [record.record], finalBlocks: [before.blockWith([certificate])] },
  })
  assert.deepEqual(bench.effects(), [])
  assert.equal(bench.dissemination.ownOpenBatches, 0)
  assert.deepEqual(
    bench.step(() => {
      bench.dissemination.onExecuted(Number.MAX_SAFE_INTEGER)
    }),
    [],
    'and its body is kept',
  )
})

test('a restored batch that had expired before is dropped and its body kept: it may be an ordered one', () => {
  const before = new Bench()
  const own = before.write([tx(1)])
  const record = before.assessed(own)[0]
  assert.ok(record?.type === 'store' && record.record.kind === 'batch')
  const timeMs = own.batch.createdMs + before.parameters.batchTtlMs + 1
  const executed = { height: 9, timeMs, stateRoot: digestOf('s'), receiptsRoot: digestOf('r'), hadWork: true }
  const bench = new Bench({ restored: { batches: [record.record], executed: [executed] } })
  assert.deepEqual(
    typesOf(bench.effects()).filter((type) => type.startsWith('store')),
    [],
  )
  assert.equal(bench.dissemination.ownOpenBatches, 0)
  assert.deepEqual(bench.after(1_000), [])
})

test('a follower stores checked batches without ack, and asks who answered last, or anyone, for those it misses', () => {
  const bench = new Bench({ self: null })
  const batch = bench.batchOf(1, 7)
  assert.deepEqual(typesOf(bench.gossiped(batch)), ['store batch'])
  assert.deepEqual(bench.asked(batch), [])
  const missing = bench.batchOf(1, 8)
  const certificate = bench.certificateOf(
    missing,
    [1, 2, 3].map((signer) => bench.ackOf(signer, missing)),
  )
  const requests = sent(
    bench.step(() => {
      bench.dissemination.onDelivered(bench.blockWith([certificate]))
    }),
    'batch-request',
  )
  assert.deepEqual(
    requests.map(({ to }) => to),
    ['anyone'],
  )
  assert.deepEqual(
    typesOf(
      bench.step(() => {
        bench.dissemination.onBatches(bench.peer(9), [missing])
      }),
    ),
    ['store batch', 'batches-held'],
  )
  const next = bench.batchOf(1, 9)
  const nextCertificate = bench.certificateOf(next, [bench.ackOf(1, next)])
  const asked = sent(
    bench.step(() => {
      bench.dissemination.needBatches([nextCertificate])
    }),
    'batch-request',
  )
  asked.push(...sent(bench.after(2 * bench.parameters.deltaMs), 'batch-request'))
  assert.deepEqual(
    asked.map(({ to }) => to),
    ['peer-9', 'anyone'],
    'who answered last, then anyone',
  )
})

test('a batch over the limits costs its author, whoever passed it on', () => {
  const bench = new Bench({ parameters: { batchMaxTxs: 1 } })
  bench.do(() => {
    bench.dissemination.heard(bench.peer(1))
  })
  const [effect] = bench.gossiped(bench.batchOf(1, 7, { txs: [tx(1), tx(2)] }), 2)
  assert.equal(effect?.type === 'penalize' && effect.peer.validator, 1)
})

test('a batch of another epoch or digest is refused', () => {
  const bench = new Bench()
  const batch = bench.batchOf(1, 7)
  assert.deepEqual(typesOf(bench.gossiped({ ...batch, digest: digestOf('other') }, 2)), ['penalize'])
  assert.deepEqual(typesOf(bench.gossiped({ ...batch, batch: { ...batch.batch, epoch: 2 } }, 2)), [
    'penalize',
  ])
})
