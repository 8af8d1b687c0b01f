/** Lessons in threads: what comes of them, and that one which fails harms nothing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { HEAD_INPUTS } from '../../fraud/head/inputs.ts'
import type { LabelledExample } from '../../fraud/learning/examples.ts'
import { FROM_TAIL, materialOf, teach, type Lesson } from '../../fraud/learning/fit.ts'
import { createTeacher } from '../../node/learning/teacher.ts'

const NEVER = new AbortController().signal

function lesson(): Lesson {
  const examples = Array.from(
    { length: 20 },
    (_, i): LabelledExample => ({
      key: `${i}`,
      payer: `${i}`,
      inputs: new Float32Array(HEAD_INPUTS.length).fill(i % 2),
      tail: i % 3,
      laundering: i % 2 === 0,
    }),
  )
  return { material: materialOf(examples, [], examples), start: FROM_TAIL }
}

const thread = (code: string) => (): Worker => new Worker(code, { eval: true })

describe('teacher', () => {
  test('a thread learns what this one would', async () => {
    assert.deepEqual(await createTeacher()(lesson(), NEVER), teach(lesson()))
  })

  test('a thread that throws, or ends without an answer, is an error that says so', async () => {
    const failing = createTeacher({ spawn: thread(`throw new Error('out of luck')`) })
    await assert.rejects(failing(lesson(), NEVER), /out of luck/)
    const silent = createTeacher({ spawn: thread(`process.exit(3)`) })
    await assert.rejects(silent(lesson(), NEVER), /ended with code 3/)
  })

  test('one that takes too long, or is not wanted any more, is ended', async () => {
    let worker: Worker | undefined
    const spawn = (): Worker => (worker = thread(`setInterval(() => {}, 1000)`)())
    await assert.rejects(createTeacher({ spawn, lessonMs: 50 })(lesson(), NEVER))
    assert.equal(worker?.threadId, -1)
    const stop = new AbortController()
    const stopped = createTeacher({ spawn })(lesson(), stop.signal)
    stop.abort()
    await assert.rejects(stopped)
    assert.equal(worker?.threadId, -1)
  })
})
