/** The review log as text: what was written comes back, and whatever was changed is found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../../crypto/bytes.ts'
import { keyPairFromSeed, sign } from '../../../crypto/ed25519.ts'
import { canonical, encodeLine, NO_LINE, parseReviewLog } from '../../../fraud/review/chain.ts'
import type { ReviewEvent } from '../../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../../fraud/review/limits.ts'
import { eventsOf, KEY, opened, someEvents, START } from './some-events.ts'

function logOf(events: readonly ReviewEvent[], secretKey = KEY.secretKey): string[] {
  let prev = NO_LINE
  return events.map((event) => {
    const { line, digest } = encodeLine(event, prev, (message) => sign(message, secretKey))
    prev = digest
    return line
  })
}

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
const refused = (lines: readonly string[], message: RegExp, signatures: 'last' | 'all' = 'all'): void => {
  assert.throws(() => parseReviewLog(textOf(lines), signatures), { code: 'review-invalid', message })
}

test('events come back, with the key that signed them', () => {
  const text = textOf(logOf(someEvents()))
  const { events, publicKey, goodCharacters } = parseReviewLog(text, 'all')
  assert.deepEqual(events, someEvents())
  assert.equal(publicKey, toHex(KEY.publicKey))
  assert.equal(goodCharacters, text.length)
})

test('an empty log is one', () => {
  assert.deepEqual(parseReviewLog('', 'all').events, [])
})

test('a torn last line is left out, wherever it was torn', () => {
  const lines = logOf(someEvents())
  const whole = textOf(lines.slice(0, -1))
  const last = lines.at(-1) ?? ''
  for (const cut of [1, Math.floor(last.length / 2), last.length]) {
    const checked = parseReviewLog(whole + last.slice(0, cut), 'all')
    assert.equal(checked.events.length, lines.length - 1)
    assert.equal(checked.goodCharacters, whole.length)
  }
  assert.equal(parseReviewLog(`${whole}${'\0'.repeat(300)}`, 'last').goodCharacters, whole.length)
})

test('any changed character of any line is found, also when only the last signature is checked', () => {
  const lines = logOf(someEvents())
  for (const [index, line] of lines.entries()) {
    for (let at = 0; at < line.length; at += 7) {
      const other = line[at] === '1' ? '2' : '1'
      const changed = lines.with(index, line.slice(0, at) + other + line.slice(at + 1))
      assert.throws(
        () => parseReviewLog(textOf(changed), 'last'),
        { code: 'review-invalid' },
        `line ${index}, character ${at}`,
      )
    }
  }
})

test('lines that are left out, moved, doubled or added are found', () => {
  const lines = logOf(someEvents())
  refused(lines.toSpliced(3, 1), /line 4 .* has number 4, expected 3/)
  refused(lines.slice(1), /has number 1, expected 0/)
  refused(lines.toSpliced(2, 2, lines[3] ?? '', lines[2] ?? ''), /has number/)
  refused([...lines, lines.at(-1) ?? ''], /has number/)
  refused([...lines, ''], /is not JSON/)
})

test('a tail rewritten with another key is refused', () => {
  const thief = keyPairFromSeed(new Uint8Array(32).fill(9))
  refused(logOf(someEvents(), thief.secretKey), /wrong signature/, 'last')
})

test('a signature in the middle that is wrong from the start is found by an audit', () => {
  // Only who has the key can write such a log: the chain is right, and one event is not vouched for.
  let prev = NO_LINE
  const lines = someEvents().map((event, index) => {
    const { line, digest } = encodeLine(event, prev, (message) =>
      index === 2 ? new Uint8Array(64) : sign(message, KEY.secretKey),
    )
    prev = digest
    return line
  })
  refused(lines, /line 3 of the review log has a wrong signature/)
})

test('one spelling: the same event written otherwise is refused', () => {
  const [line = ''] = logOf(eventsOf(['x', START]))
  const value = JSON.parse(line) as object
  refused([JSON.stringify(value, null, 1).replaceAll('\n', '')], /canonical/)
  refused([JSON.stringify(Object.fromEntries(Object.entries(value).reverse()))], /canonical/)
  assert.equal(canonical({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}')
})

test('a log that does not begin with its start is none', () => {
  refused(logOf(eventsOf(['x', opened()])), /is not the start of a log/)
})

test('an event of a later build is refused by name, not passed over', () => {
  const [line = ''] = logOf(eventsOf(['x', START]))
  refused(
    [line.replace('log.started', 'log.stopped')],
    /no event that this build knows: body.type: expected one of/,
  )
})

test('what could not be read again is not written', () => {
  const [event] = eventsOf(['', START])
  assert.throws(() => logOf([event as ReviewEvent]), {
    code: 'review-invalid',
    message: /actor: expected a text/,
  })
})

test('a line has a bound', () => {
  const details = Array.from({ length: 12 }, () => 'x'.repeat(REVIEW_LIMITS.textCharacters))
  assert.ok(
    (logOf(eventsOf(['x', START], ['x', opened({ details })]))[1] ?? '').length <
      REVIEW_LIMITS.lineCharacters,
  )
  const long = details.map((text) => '😀'.repeat(text.length))
  assert.throws(() => logOf(eventsOf(['x', opened({ details: long })])), RangeError)
})
