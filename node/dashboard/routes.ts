/**
 * `GET /dashboard/`: the page, and nothing but the page. Its script may talk to this node only, and no other page may frame
 * it, so that what a payment's memo contains is text and stays text.
 */
import type { FastifyInstance } from 'fastify'
import { loadAssets } from './assets.ts'

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  // The files have no versions in their names.
  'cache-control': 'no-cache',
} as const

export const DASHBOARD_PATH = '/dashboard/'

export function addDashboard(app: FastifyInstance): void {
  app.get('/dashboard', (_request, reply) => reply.redirect(DASHBOARD_PATH))
  app.get<{ Params: { '*': string } }>(`${DASHBOARD_PATH}*`, async (request, reply) => {
    const name = request.params['*']
    const asset = (await loadAssets()).get(name === '' ? 'index.html' : name)
    if (asset === undefined) return reply.callNotFound()
    return reply.headers(HEADERS).type(asset.type).send(asset.body)
  })
}
