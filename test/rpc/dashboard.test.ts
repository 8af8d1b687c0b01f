/** The dashboard's server: a few files under strict rules, and nothing else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { startHarness } from './harness.ts'

test('the page may load from its own node only, and nobody may frame it', async (t) => {
  const { server } = await startHarness(t)
  const page = await fetch(`${server.url}/dashboard/`)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  const policy = page.headers.get('content-security-policy') ?? ''
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
  ])
    assert.ok(policy.includes(rule), rule)
  assert.doesNotMatch(policy, /unsafe|\*|https?:/)
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
  const html = await page.text()
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style|style=|onclick|https?:\/\//)
})

test('all that the page names is there, with its type', async (t) => {
  const { server } = await startHarness(t)
  const html = await (await fetch(`${server.url}/dashboard/`)).text()
  const names = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name ?? '')
  assert.deepEqual(names.sort(), ['icon.svg', 'page.css', 'page.js'])
  const types = { 'icon.svg': 'image/svg+xml', 'page.css': 'text/css', 'page.js': 'text/javascript' }
  for (const [name, type] of Object.entries(types)) {
    const file = await fetch(`${server.url}/dashboard/${name}`)
    assert.equal(file.status, 200, name)
    assert.ok(file.headers.get('content-type')?.startsWith(type), name)
    assert.ok((await file.arrayBuffer()).byteLength > 100, name)
  }
})

test('other files are not there, whatever their name', async (t) => {
  const { server } = await startHarness(t)
  for (const name of [
    'main.ts',
    'index.htm',
    '..%2f..%2fpackage.json',
    '%2e%2e/bundle.ts',
    'constructor',
    '__proto__',
  ]) {
    const answer = await fetch(`${server.url}/dashboard/${name}`)
    assert.equal(answer.status, 404, name)
  }
})

test('a browser that opens the node is shown the way; a program still hears what the port is for', async (t) => {
  const { server } = await startHarness(t)
  const browser = await fetch(server.url, { headers: { accept: 'text/html,*/*' }, redirect: 'manual' })
  assert.equal(browser.status, 302)
  assert.equal(browser.headers.get('location'), '/dashboard/')
  const short = await fetch(`${server.url}/dashboard`, { redirect: 'manual' })
  assert.equal(short.headers.get('location'), '/dashboard/')
  const program = await fetch(server.url, { headers: { accept: '*/*' } })
  assert.equal(program.status, 426)
})

test('the public page says where operators decide, to those on the same machine', async (t) => {
  const { server } = await startHarness(t, {}, { operatorUrl: () => 'http://127.0.0.1:7312' })
  const html = await (await fetch(`${server.url}/dashboard/`)).text()
  assert.match(html, /<html lang="en" data-operator="http:\/\/127\.0\.0\.1:7312\/dashboard\/">/)
  const open = await startHarness(t, {}, { host: '0.0.0.0', operatorUrl: () => 'http://127.0.0.1:7312' })
  assert.equal(
    await htmlFor(open.server.port, 'node.example:7310'),
    await htmlFor(open.server.port, '10.0.0.1'),
  )
  assert.match(await htmlFor(open.server.port, 'node.example:7310'), /<html lang="en">/)
})

/** The page as somebody gets it who asked for it by this name. */
async function htmlFor(port: number, host: string): Promise<string> {
  const asked = request({ port, host: '127.0.0.1', path: '/dashboard/', headers: { host } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return (await response.setEncoding('utf8').toArray()).join('')
}
