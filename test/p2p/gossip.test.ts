import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { GOSSIP_BYTES } from '../../p2p/gossip.ts'
import type { Verdict } from '../../p2p/types.ts'
import { TestNode } from './helpers.ts'

const stops: (() => Promise<void>)[] = []

async function node(...args: Parameters<typeof TestNode.start>): Promise<TestNode> {
  const started = await TestNode.start(...args)
  stops.push(() => started.network.stop())
  return started
}

/** a – b – c, where a and c do not know each other, and b has the verdict. */
async function line(
  verdict: (text: string) => Verdict | Promise<Verdict>,
): Promise<[TestNode, TestNode, TestNode]> {
  const b = await node(1, {
    handlers: { onGossip: (_topic, _from, bytes) => verdict(Buffer.from(bytes).toString()) },
  })
  const a = await node(0, { bootstrap: [b.address] })
  const c = await node(2, { bootstrap: [b.address] })
  await b.untilConnected(a, c)
  await a.untilGossipReaches(c)
  return [a, b, c]
}

const heard = (by: TestNode, text: string): number =>
  by.gossip.filter(({ bytes }) => Buffer.from(bytes).toString() === text).length

after(async () => {
  await Promise.all(stops.map((stop) => stop()))
})

describe('gossip', () => {
  test('reaches everybody on every topic, once, and not its author', async () => {
    const nodes = [await node(0)]
    for (const index of [1, 2, 3])
      nodes.push(await node(index, { bootstrap: nodes.map(({ address }) => address) }))
    const [author, ...others] = nodes as [TestNode, ...TestNode[]]
    for (const one of nodes) await one.untilConnected(...nodes.filter((other) => other !== one))
    for (const other of others)
      for (const topic of ['tx', 'batch', 'block'] as const) {
        await author.untilGossipReaches(other, topic)
      }
    const payloads = {
      tx: Buffer.alloc(200, 1),
      batch: Buffer.alloc(300_000, 2),
      block: Buffer.alloc(GOSSIP_BYTES.block, 3),
    }
    for (const [topic, bytes] of Object.entries(payloads)) {
      author.network.publish(topic as keyof typeof payloads, bytes)
      author.network.publish(topic as keyof typeof payloads, bytes)
    }
    for (const other of others) {
      await other.until('all three', () =>
        Object.values(payloads).every((bytes) =>
          other.gossip.some((got) => Buffer.compare(got.bytes, bytes) === 0),
        ),
      )
      for (const [topic, bytes] of Object.entries(payloads)) {
        const got = other.gossip.filter((message) => Buffer.compare(message.bytes, bytes) === 0)
        assert.deepEqual(
          got.map((message) => message.topic),
          [topic],
        )
        assert.ok(got[0]?.from !== null)
      }
    }
    assert.equal(author.gossip.length, 0)
  })

  test('accept passes a message on', async () => {
    const [a, , c] = await line(() => 'accept')
    a.network.publish('tx', Buffer.from('accepted'))
    await c.until('the message', () => heard(c, 'accepted') === 1)
  })

  test('ignore keeps it and forgives', async () => {
    const [a, b, c] = await line((text) => (text === 'ignored' ? 'ignore' : 'accept'))
    a.network.publish('tx', Buffer.from('ignored'))
    await b.until('the message', () => heard(b, 'ignored') === 1)
    await reaches(a, c)
    assert.equal(heard(c, 'ignored'), 0)
    assert.equal(b.peer(a)?.score, 0)
  })

  test('reject keeps it and counts it, however late the verdict', async () => {
    const late = async (): Promise<Verdict> => {
      await new Promise((resolve) => setImmediate(resolve))
      return 'reject'
    }
    const [a, b, c] = await line((text) => (text === 'rejected' ? late() : 'accept'))
    a.network.publish('tx', Buffer.from('rejected'))
    await b.until('the message', () => heard(b, 'rejected') === 1)
    await reaches(a, c)
    assert.equal(heard(c, 'rejected'), 0)
    assert.equal(Math.round(b.peer(a)?.score ?? 0), -LIMITS.penaltyPoints)
  })

  test('a handler that throws counts as ignore', async () => {
    const [a, b, c] = await line((text) => {
      if (text === 'thrown') throw new Error('handler')
      return 'accept'
    })
    a.network.publish('tx', Buffer.from('thrown'))
    await b.until('the message', () => heard(b, 'thrown') === 1)
    await reaches(a, c)
    assert.equal(heard(c, 'thrown'), 0)
    assert.equal(b.peer(a)?.score, 0)
  })

  test('a message too long for its topic is not even sent', async () => {
    const [a, b] = await line(() => 'accept')
    a.network.publish('tx', Buffer.alloc(GOSSIP_BYTES.tx + 1))
    assert.ok(a.logged.some(({ level, message }) => level === 'warn' && message.startsWith('not gossiped')))
    a.network.publish('tx', Buffer.alloc(GOSSIP_BYTES.tx))
    await b.until('the message', () => b.gossip.some(({ bytes }) => bytes.length === GOSSIP_BYTES.tx))
  })

  test('without peers, and after the end, publishing is harmless', async () => {
    const lonely = await node(0)
    lonely.network.publish('batch', Buffer.from('anybody?'))
    await lonely.network.stop()
    lonely.network.publish('batch', Buffer.from('nobody'))
    assert.equal(lonely.logged.length, 0)
  })
})

/** Gossip from `a` gets to `c` after everything that `a` published before. */
async function reaches(a: TestNode, c: TestNode): Promise<void> {
  a.network.publish('tx', Buffer.from('fence'))
  await c.until('the fence', () => heard(c, 'fence') === 1)
}
