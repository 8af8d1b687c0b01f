import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holderOf, originOf, sourceOf } from '../../node/source.ts'

test('an origin is an IPv4 address or an IPv6 network, of each port by itself', () => {
  assert.equal(originOf('rpc', '10.0.0.1'), 'rpc 10.0.0.1')
  assert.equal(originOf('operator', '10.0.0.1'), 'operator 10.0.0.1')
  assert.equal(originOf('rpc', '::ffff:10.0.0.1'), 'rpc 10.0.0.1')
  assert.equal(originOf('rpc', '2001:db8:1:2:3:4:5:6'), 'rpc 2001:db8:1:2')
  assert.equal(originOf('rpc', '::1'), 'rpc 0:0:0:0')
})

test('an open connection has a share of its own, whatever else comes from there has one together', () => {
  const socket = { origin: 'rpc 10.0.0.1', isOpen: true }
  assert.equal(holderOf(socket), socket)
  socket.isOpen = false
  assert.equal(holderOf(socket), 'rpc 10.0.0.1')
  assert.equal(holderOf(sourceOf('rpc 10.0.0.1')), 'rpc 10.0.0.1')
})
