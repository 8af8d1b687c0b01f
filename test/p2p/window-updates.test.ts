import assert from 'node:assert/strict'
import { test } from 'node:test'
import { yamux } from '@libp2p/yamux'
import type { Logger, MessageStream } from '@libp2p/interface'
import { sparingWindowUpdates } from '../../p2p/window-updates.ts'

interface Window {
  recvWindow: number
  recvWindowCapacity: number
  state: number
  sendWindowUpdate(): void
}

/** A real Yamux stream over a connection that swallows everything, and how many frames left on it. */
async function openStream(): Promise<{ stream: Window; frames: () => number }> {
  const quiet = (): Logger =>
    Object.assign(() => undefined, {
      error: () => undefined,
      trace: () => undefined,
      enabled: false,
      newScope: quiet,
    })
  let frames = 0
  const connection = Object.assign(new EventTarget(), {
    status: 'open',
    log: quiet(),
    send: () => {
      frames++
      return true
    },
    direction: 'outbound',
  }) as unknown as MessageStream
  const factory = sparingWindowUpdates(yamux({ enableKeepAlive: false }))({
    logger: { forComponent: quiet },
  })
  const stream = (await factory.createStreamMuxer(connection).createStream()) as unknown as Window
  await new Promise(setImmediate)
  return { stream, frames: () => frames }
}

test('a window update leaves when half of the window is used, not before', async () => {
  const { stream, frames } = await openStream()
  const opened = frames()
  assert.equal(opened, 1, 'the frame that opens the stream')
  stream.state = 3
  const window = stream.recvWindow
  assert.ok(window >= 256 * 1024)
  stream.recvWindowCapacity = window - 1_000
  stream.sendWindowUpdate()
  assert.equal(frames(), opened)
  stream.recvWindowCapacity = window / 2
  stream.sendWindowUpdate()
  assert.equal(frames(), opened + 1)
  assert.ok(stream.recvWindowCapacity >= window)
})
