import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgressBar } from '../../cli/progress.ts'

function drawn(isTTY: boolean, use: (bar: ProgressBar) => void): readonly string[] {
  const written: string[] = []
  use(new ProgressBar('reading', { isTTY, write: (text) => written.push(text) }))
  return written
}

test('a bar on one line, drawn for each per cent once, and gone at the end', () => {
  const written = drawn(true, (bar) => {
    for (const share of [0, 0.001, 0.5, 0.502, 1]) bar.show(share)
    bar.clear()
  })
  assert.deepEqual(written, [
    `\r\u001b[Kreading [${' '.repeat(30)}] 0 %`,
    `\r\u001b[Kreading [${'='.repeat(15)}${' '.repeat(15)}] 50 %`,
    `\r\u001b[Kreading [${'='.repeat(30)}] 100 %`,
    '\r\u001b[K',
  ])
})

test('nothing at all where there is no terminal, nor a line taken away that was never drawn', () => {
  assert.deepEqual(
    drawn(false, (bar) => {
      bar.show(0.5)
      bar.clear()
    }),
    [],
  )
  assert.deepEqual(
    drawn(true, (bar) => bar.clear()),
    [],
  )
})
