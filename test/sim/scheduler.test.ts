import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Scheduler } from './scheduler.ts'

/** At `atMs` the alarm is set to come `delayMs` later, or cancelled; and something else happens that much later. */
interface Step {
  readonly atMs: number
  readonly delayMs: number | null
}

const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 12 }),
    delayMs: fc.option(fc.integer({ min: 0, max: 12 })),
  }),
  { maxLength: 30 },
)

/** What happens when. `makeAlarm`: how the alarm is made over a scheduler. */
async function play(
  steps: readonly Step[],
  makeAlarm: (
    scheduler: Scheduler,
    run: () => void,
  ) => Pick<ReturnType<Scheduler['alarm']>, 'set' | 'cancel'>,
): Promise<string[]> {
  const scheduler = new Scheduler()
  const events: string[] = []
  const happen = (what: string): void => {
    events.push(`${scheduler.nowMs} ${what}`)
  }
  const alarm = makeAlarm(scheduler, () => {
    happen('alarm')
  })
  for (const [i, { atMs, delayMs }] of steps.entries()) {
    scheduler.at(atMs, () => {
      happen(`step ${i}`)
      if (delayMs === null) {
        alarm.cancel()
        return
      }
      alarm.set(atMs + delayMs)
      scheduler.after(delayMs, () => {
        happen(`after step ${i}`)
      })
    })
  }
  await scheduler.run(30)
  return events
}

test('an alarm comes when it was last set to, among the other events as one that is made anew', async () => {
  const anew = (scheduler: Scheduler, run: () => void): ReturnType<Scheduler['alarm']> => {
    let setting = 0
    return {
      set: (atMs) => {
        const own = ++setting
        scheduler.at(atMs, () => {
          if (own === setting) run()
        })
      },
      cancel: () => {
        setting++
      },
    }
  }
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      assert.deepEqual(await play(steps, (scheduler, run) => scheduler.alarm(run)), await play(steps, anew))
    }),
  )
})

test('nothing is due any more once the last event of a time runs', async () => {
  const scheduler = new Scheduler()
  const clear: boolean[] = []
  const look = (): void => {
    clear.push(scheduler.isClear)
  }
  scheduler.at(1, look)
  scheduler.at(1, () => {
    look()
    scheduler.at(1, look)
    look()
  })
  scheduler.at(2, look)
  await scheduler.run(3)
  assert.deepEqual(clear, [false, true, false, true, true])
})
