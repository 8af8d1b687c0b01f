/** The operator port: who gets in, how far, and that a change of the token file counts at once. */
import assert from 'node:assert/strict'
import fs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { OperatorClient } from '../../client/operator-client.ts'
import type { Scope } from '../../config/scopes.ts'
import { makeToken, readTokenFile, writeTokenFile } from '../../config/tokens.ts'
import { createOperatorService, type OperatorServiceOptions } from '../../node/operator-service.ts'
import { OPERATOR_METHODS } from '../../node/rpc/operator-schemas.ts'
import { startOperatorServer, type OperatorService } from '../../node/rpc/operator-server.ts'
import { TokenKeeper } from '../../node/rpc/token-keeper.ts'
import type { ChainStatus } from '../../client/api.ts'
import { LIMITS } from '../../config/limits.ts'
import { SUBPROTOCOL } from '../../node/rpc/sockets.ts'
import { Client, NO_PUBLIC_SIDE } from './harness.ts'

const HOUR_MS = 3_600_000
const SERVICE = { validator: 'v1', decisions: { reviewer: null } } as unknown as OperatorServiceOptions
const STATUS = { height: 7 } as ChainStatus

interface Started {
  readonly url: string
  readonly file: string
  readonly errors: string[]
  readonly warnings: string[]
  readonly secretOf: Readonly<Record<string, string>>
}

/** A server whose token file has one token per scope, and one that has expired. */
async function start(t: TestContext, service?: OperatorService): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-operator-'))
  const file = join(folder, 'tokens.json')
  const nowMs = Date.now()
  const made = [
    makeToken('reader', 'read', nowMs, nowMs + HOUR_MS),
    makeToken('reviewer', 'review', nowMs, null),
    makeToken('boss', 'operate', nowMs, null),
    makeToken('old', 'operate', nowMs - HOUR_MS, nowMs - 1),
  ]
  writeTokenFile(
    file,
    made.map(({ token }) => token),
  )
  const errors: string[] = []
  const warnings: string[] = []
  const log = {
    debug: () => undefined,
    warn: (_fields: object, message: string) => void warnings.push(message),
    error: (_fields: object, message: string) => void errors.push(message),
  }
  const server = await startOperatorServer({
    host: '127.0.0.1',
    port: 0,
    service: service ?? createOperatorService(SERVICE),
    ...NO_PUBLIC_SIDE,
    reads: { ...NO_PUBLIC_SIDE.reads, chain_status: () => Promise.resolve(STATUS) },
    tokens: new TokenKeeper(file, log),
    log,
  })
  t.after(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  return {
    url: server.url,
    file,
    errors,
    warnings,
    secretOf: Object.fromEntries(made.map(({ token, secret }) => [token.name, secret])),
  }
}

const WHOAMI = { jsonrpc: '2.0', id: 1, method: 'operator_whoami', params: {} }

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(WHOAMI),
  })
  const { error } = (await response.json()) as { error?: { data: { code: string } } }
  return { status: response.status, code: error?.data.code }
}

test('a token says who it is', async (t) => {
  const { url, secretOf } = await start(t)
  const identity = await new OperatorClient(url, secretOf.reviewer ?? '').call('operator_whoami', {})
  assert.deepEqual(
    [identity.token, identity.scope, identity.expiresMs, identity.validator],
    ['reviewer', 'review', null, 'v1'],
  )
})

test('without a valid token nothing is answered but unauthorized', async (t) => {
  const { url, secretOf } = await start(t)
  const boss = secretOf.boss ?? ''
  const headers = [
    {},
    { authorization: boss },
    { authorization: `Basic ${boss}` },
    { authorization: 'Bearer' },
    { authorization: `Bearer ${boss}x` },
    { authorization: `Bearer ${boss.slice(0, -1)}` },
    { authorization: `Bearer ${secretOf.old ?? ''}` },
  ]
  for (const each of headers)
    assert.deepEqual(
      await post(url, each as Record<string, string>),
      { status: 401, code: 'unauthorized' },
      JSON.stringify(each),
    )
  assert.deepEqual(await post(url, { authorization: `Bearer ${boss}` }), { status: 200, code: undefined })
})

test('a web page gets nothing, even with a token', async (t) => {
  const { url, secretOf } = await start(t)
  const headers = { authorization: `Bearer ${secretOf.boss ?? ''}`, origin: 'https://example.com' }
  assert.deepEqual(await post(url, headers), { status: 403, code: 'rpc-origin' })
})

test('each method needs its scope', async (t) => {
  const called: string[] = []
  const names = Object.keys(OPERATOR_METHODS) as (keyof typeof OPERATOR_METHODS)[]
  const service = Object.fromEntries(
    names.map((name) => [
      name,
      async () => {
        called.push(name)
        return null
      },
    ]),
  ) as unknown as OperatorService
  const { url, secretOf } = await start(t, service)
  const holders: readonly (readonly [string, readonly Scope[]])[] = [
    ['reader', ['read']],
    ['reviewer', ['read', 'review']],
    ['boss', ['read', 'review', 'operate']],
  ]
  for (const [holder, allowed] of holders) {
    for (const method of names) {
      const client = new OperatorClient(url, secretOf[holder] ?? '')
      const outcome = await client.call(method, {}).then(
        () => 'answered',
        (error: unknown) => (error as { code: string }).code,
      )
      const may = allowed.includes(OPERATOR_METHODS[method].scope)
      assert.equal(outcome === 'forbidden', !may, `${holder} ${method}: ${outcome}`)
    }
  }
  assert.ok(called.includes('operator_whoami'))
})

test('whoever has a token may read what is public; payments have a port of their own', async (t) => {
  const { url, secretOf } = await start(t)
  const client = new OperatorClient(url, secretOf.reader ?? '')
  const status: unknown = await client.call('chain_status' as 'operator_whoami', {})
  assert.deepEqual(status, STATUS)
  await assert.rejects(client.call('tx_submit' as 'operator_whoami', { tx: 'ab' } as never), {
    code: 'rpc-method',
    message: /payments are submitted at the port of rpc\.port/,
  })
})

test('what is too long is not looked at, whatever method it is for', async (t) => {
  const { url, secretOf } = await start(t)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secretOf.boss ?? ''}` },
    body: JSON.stringify({
      ...WHOAMI,
      method: 'review_decide',
      params: { id: 'a'.repeat(LIMITS.rpcBodyBytes) },
    }),
  })
  assert.equal(response.status, 413)
})

test('a socket needs a token before it is one', async (t) => {
  const { url, secretOf } = await start(t)
  for (const protocols of [
    [],
    [SUBPROTOCOL],
    [SUBPROTOCOL, 'cordon-token-wrong'],
    [SUBPROTOCOL, secretOf.old ?? ''],
  ])
    await assert.rejects(Client.open(url, {}, protocols), /Unexpected server response: 401/, protocols.join())
  const foreign = { origin: 'https://example.com' }
  await assert.rejects(
    Client.open(url, foreign, [SUBPROTOCOL, secretOf.boss ?? '']),
    /Unexpected server response: 403/,
  )
  const client = await Client.open(url, {}, [SUBPROTOCOL, secretOf.reviewer ?? ''])
  t.after(() => client.socket.terminate())
  assert.equal(client.socket.protocol, SUBPROTOCOL)
  assert.deepEqual((await client.call('chain_status')).result, STATUS)
  const identity = (await client.call('operator_whoami')).result as { readonly token: string }
  assert.equal(identity.token, 'reviewer')
  assert.equal((await client.call('model_rollback')).error?.data.code, 'forbidden')
})

test('a token that is revoked ends its sockets', async (t) => {
  const { url, file, secretOf } = await start(t)
  const client = await Client.open(url, {}, [SUBPROTOCOL, secretOf.reviewer ?? ''])
  t.after(() => client.socket.terminate())
  writeTokenFile(file, [])
  const closed = client.closed()
  assert.equal((await client.call('chain_status')).error?.data.code, 'unauthorized')
  assert.equal(await closed, 1008)
})

test('a token that is revoked ends also the socket of one who only listens', async (t) => {
  const { url, file, secretOf, warnings } = await start(t)
  const client = await Client.open(url, {}, [SUBPROTOCOL, secretOf.reader ?? ''])
  const other = await Client.open(url, {}, [SUBPROTOCOL, secretOf.boss ?? ''])
  t.after(() => {
    client.socket.terminate()
    other.socket.terminate()
  })
  const closed = client.closed()
  writeTokenFile(
    file,
    readTokenFile(file).filter(({ name }) => name !== 'reader'),
  )
  assert.equal(await closed, 1008)
  assert.deepEqual((await other.call('chain_status')).result, STATUS)
  assert.deepEqual(warnings, [])
})

test('who tries many tokens is told to wait, and locks nobody out', async (t) => {
  const { url, warnings, secretOf } = await start(t)
  const wrong = { authorization: 'Bearer cordon-token-wrong' }
  for (let tried = 0; tried < LIMITS.refusedTokensPerMinute; tried++)
    assert.equal((await post(url, wrong)).status, 401)
  for (let more = 0; more < 3; more++) assert.deepEqual(await post(url, wrong), { status: 429, code: 'busy' })
  assert.equal((await post(url, { authorization: `Bearer ${secretOf.reader ?? ''}` })).status, 200)
  assert.deepEqual(warnings, ['somebody tries tokens at the operator port that are not of this node'])
})

test('anybody may load the page, which knows where it is; what is ill needs a token', async (t) => {
  const { url, secretOf } = await start(t)
  const page = await fetch(`${url}/dashboard/`)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self';/)
  assert.match(await page.text(), /<html lang="en" data-port="operator">/)
  const shown = await fetch(url, { headers: { accept: 'text/html' }, redirect: 'manual' })
  assert.equal(shown.headers.get('location'), '/dashboard/')
  assert.equal((await fetch(`${url}/healthz`)).status, 401)
  const headers = { authorization: `Bearer ${secretOf.reader ?? ''}` }
  assert.deepEqual(await (await fetch(`${url}/healthz`, { headers })).json(), { ok: true, problems: [] })
})

test('a revoked token ends and a new one begins without a restart', async (t) => {
  const { url, file, secretOf } = await start(t)
  const next = makeToken('next', 'read', Date.now(), null)
  writeTokenFile(file, [next.token])
  assert.equal((await post(url, { authorization: `Bearer ${secretOf.boss ?? ''}` })).status, 401)
  assert.equal((await post(url, { authorization: `Bearer ${next.secret}` })).status, 200)
})

test('a token file that is damaged while the node runs opens nothing, and the log says so', async (t) => {
  const { url, file, errors, secretOf } = await start(t)
  const headers = { authorization: `Bearer ${secretOf.boss ?? ''}` }
  writeFileSync(file, '{')
  assert.equal((await post(url, headers)).status, 401)
  rmSync(file)
  assert.equal((await post(url, headers)).status, 401)
  assert.deepEqual(errors, ['the token file has changed and cannot be used: no token is accepted'])
})

test('a token file that cannot even be looked at opens nothing, and is said once', async (t) => {
  const { url, errors, secretOf } = await start(t)
  const headers = { authorization: `Bearer ${secretOf.boss ?? ''}` }
  const listening = await Client.open(url, {}, [SUBPROTOCOL, secretOf.boss ?? ''])
  t.after(() => listening.socket.terminate())
  const closed = listening.closed()
  t.mock.method(fs, 'statSync', () => {
    throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
  })
  syncBuiltinESMExports()
  assert.equal(await closed, 1008)
  assert.equal((await post(url, headers)).status, 401)
  assert.deepEqual(errors, ['the token file has changed and cannot be used: no token is accepted'])
  t.mock.restoreAll()
  syncBuiltinESMExports()
  assert.equal((await post(url, headers)).status, 200)
})
