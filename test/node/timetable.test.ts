/** The timetable against a list that is sorted anew each time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Timetable } from '../../node/timetable.ts'

type Command =
  | { readonly kind: 'set'; readonly name: string; readonly atMs: number }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'take'; readonly nowMs: number }

const name = fc.constantFrom(...Array.from({ length: 16 }, (_, i) => `name ${i}`))
const time = fc.integer({ min: 0, max: 20 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), name, atMs: time }),
  fc.record({ kind: fc.constant('delete' as const), name }),
  fc.record({ kind: fc.constant('take' as const), nowMs: time }),
)

/** Says the same, slowly: rows in the order of setting, searched from the start. */
class SlowTimetable {
  rows: { name: string; atMs: number }[] = []

  set(of: string, atMs: number): void {
    this.delete(of)
    this.rows.push({ name: of, atMs })
  }

  delete(of: string): boolean {
    const before = this.rows.length
    this.rows = this.rows.filter((row) => row.name !== of)
    return this.rows.length < before
  }

  get first(): { name: string; atMs: number } | undefined {
    return this.rows.toSorted((a, b) => a.atMs - b.atMs)[0]
  }

  takeDue(nowMs: number): string | null {
    const { first } = this
    if (first === undefined || first.atMs > nowMs) return null
    this.delete(first.name)
    return first.name
  }
}

test('earliest first, ties in the order of setting, whatever is moved and deleted', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const timetable = new Timetable()
      const slow = new SlowTimetable()
      for (const step of commands) {
        if (step.kind === 'set') {
          timetable.set(step.name, step.atMs)
          slow.set(step.name, step.atMs)
        } else if (step.kind === 'delete') {
          assert.equal(timetable.delete(step.name), slow.delete(step.name))
        } else {
          assert.equal(timetable.takeDue(step.nowMs), slow.takeDue(step.nowMs))
        }
        assert.equal(timetable.size, slow.rows.length)
        assert.equal(timetable.nextMs, slow.first?.atMs ?? Infinity)
        for (const row of slow.rows) assert.ok(timetable.has(row.name))
      }
    }),
  )
})
