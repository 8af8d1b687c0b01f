/** The operator port: who gets in, how far, and that a change of the token file counts at once. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { OperatorClient } from '../../client/operator-client.ts'
import { makeToken, writeTokenFile, type Scope } from '../../config/tokens.ts'
import { createOperatorService, type OperatorServiceOptions } from '../../node/operator-service.ts'
import { OPERATOR_METHODS } from '../../node/rpc/operator-schemas.ts'
import { startOperatorServer, type OperatorService } from '../../node/rpc/operator-server.ts'
import { TokenKeeper } from '../../node/rpc/token-keeper.ts'

const HOUR_MS = 3_600_000

interface Started {
  readonly url: string
  readonly file: string
  readonly errors: string[]
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
  const log = {
    debug: () => undefined,
    warn: () => undefined,
    error: (_fields: object, message: string) => void errors.push(message),
  }
  const server = await startOperatorServer({
    host: '127.0.0.1',
    port: 0,
    service: service ?? createOperatorService({ validator: 'v1' } as OperatorServiceOptions),
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

test('public methods are not here, and the other way round', async (t) => {
  const { url, secretOf } = await start(t)
  const client = new OperatorClient(url, secretOf.boss ?? '')
  await assert.rejects(client.call('chain_status' as 'operator_whoami', {}), { code: 'rpc-method' })
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
