import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_VOTES, whyNotFinalize, whyNotNotarize, whyNotNullify } from '../../consensus/guards.ts'

const P = 'aa'
const Q = 'bb'
const notarize = {
  view: 5,
  currentView: 5,
  lastFinalView: 3,
  own: NO_VOTES,
  pid: P,
  parentView: 4,
  nullified: false,
  hasSkips: true,
  hasParent: true,
}
const nullify = { view: 5, currentView: 5, own: NO_VOTES }
const finalize = { view: 5, lastFinalView: 3, own: NO_VOTES, pid: P, nullified: false, hasBlock: true }

test('mayNotarize: allowed, also after an own nullify and after an own finalize of the same proposal', () => {
  assert.equal(whyNotNotarize(notarize), null)
  assert.equal(whyNotNotarize({ ...notarize, own: { ...NO_VOTES, nullify: true } }), null)
  assert.equal(whyNotNotarize({ ...notarize, own: { ...NO_VOTES, finalize: P } }), null)
  assert.equal(
    whyNotNotarize({ ...notarize, parentView: 3 }),
    null,
    'the last final view itself may be the parent',
  )
})

for (const [rule, change] of [
  ['4.1.1 not the current view', { currentView: 6 }],
  ['4.1.2 notarized already', { own: { ...NO_VOTES, notarize: P } }],
  ['4.1.2 finalized another', { own: { ...NO_VOTES, finalize: Q } }],
  ['4.1.3 the view is nullified', { nullified: true }],
  ['4.1.4 the parent view is not below', { parentView: 5 }],
  ['4.1.4 the parent view is below the last final one', { parentView: 2 }],
  ['4.1.6 a skipped view has no nullification', { hasSkips: false }],
  ['4.1.8 the parent is not held', { hasParent: false }],
] as const) {
  test(`mayNotarize refuses: ${rule}`, () => {
    assert.notEqual(whyNotNotarize({ ...notarize, ...change }), null)
  })
}

test('mayNullify: allowed, also after an own notarize', () => {
  assert.equal(whyNotNullify(nullify), null)
  assert.equal(whyNotNullify({ ...nullify, own: { ...NO_VOTES, notarize: P } }), null)
})

for (const [rule, change] of [
  ['4.2.1 a past view', { currentView: 6 }],
  ['4.2.1 a future view', { currentView: 4 }],
  ['4.2.2 nullified already', { own: { ...NO_VOTES, nullify: true } }],
  ['4.2.2 finalized', { own: { ...NO_VOTES, finalize: P } }],
] as const) {
  test(`mayNullify refuses: ${rule}`, () => {
    assert.notEqual(whyNotNullify({ ...nullify, ...change }), null)
  })
}

test('mayFinalize: allowed, with an own notarize of the same proposal or none', () => {
  assert.equal(whyNotFinalize(finalize), null)
  assert.equal(whyNotFinalize({ ...finalize, own: { ...NO_VOTES, notarize: P } }), null)
})

for (const [rule, change] of [
  ['4.3.2 nullified', { own: { ...NO_VOTES, nullify: true } }],
  ['4.3.2 finalized already', { own: { ...NO_VOTES, finalize: P } }],
  ['4.3.2 the view is nullified', { nullified: true }],
  ['4.3.3 notarized another', { own: { ...NO_VOTES, notarize: Q } }],
  ['4.3.4 the block is not held', { hasBlock: false }],
  ['4.3.5 not above the last final view', { lastFinalView: 5 }],
] as const) {
  test(`mayFinalize refuses: ${rule}`, () => {
    assert.notEqual(whyNotFinalize({ ...finalize, ...change }), null)
  })
}
